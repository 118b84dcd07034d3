//! Whether all is connected, in one cheap pass over what is in memory.

use actix_web::web::{Data, Json};
use longwire_api::consumer_state;
use longwire_delivery::ConsumerView;

use crate::document::{ConsumersStatus, StatusDocument, TroubledConsumer};
use crate::{Admin, audit};

/// Consumers in trouble that are named.
const NAMED: usize = 10;

pub(crate) async fn show(admin: Data<Admin>) -> Json<StatusDocument> {
    let settings = &admin.settings;
    let views = (settings.consumers)();
    Json(StatusDocument::of(
        settings.version,
        audit::now_ms(),
        &settings.fleet,
        &settings.store,
        consumers(&views),
        views.iter().map(|view| view.progress.connections).sum(),
    ))
}

/// All consumers in numbers, and those in trouble by name: those that are not active first, then those that are behind most.
fn consumers(views: &[ConsumerView]) -> ConsumersStatus {
    let mut status = ConsumersStatus::default();
    for view in views {
        let (state, reason) = consumer_state(view);
        status.add(TroubledConsumer::of(view, state, reason));
    }
    status.finish(NAMED);
    status
}
