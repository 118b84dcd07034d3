//! What all actors of delivery share on their thread.

use std::rc::Rc;

use longwire_egress::Egress;
use longwire_store::Writer;

use crate::expander::Expander;
use crate::log::Log;
use crate::settings::DeliverySettings;

/// What all actors of delivery share on their thread.
pub(crate) struct Shared {
    pub(crate) settings: DeliverySettings,
    pub(crate) writer: Writer,
    pub(crate) log: Rc<Log>,
    pub(crate) expander: Rc<Expander>,
    pub(crate) egress: Egress,
}

impl Shared {
    pub(crate) fn new(settings: DeliverySettings) -> Self {
        let names = std::sync::Arc::clone(&settings.names);
        Self {
            writer: settings.store.writer(),
            log: Rc::new(Log::new(settings.store.clone(), names)),
            expander: Expander::new(
                std::sync::Arc::clone(&settings.lookups),
                settings.timing.lookup,
            ),
            egress: Egress::new(&settings.egress),
            settings,
        }
    }
}
