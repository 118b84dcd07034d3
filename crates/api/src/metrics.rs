//! Metrics in the OpenMetrics text form, made at scrape time of the same views that the admin JSON shows.
//!
//! A [`Snapshot`] is taken, and each of the modules below writes the families of one noun. No label names an installation or a
//! consumer: ten thousand bots would be ten thousand series of each.

mod actors;
mod connections;
mod deliveries;
mod events;
mod families;
mod relay;
mod retention;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use actix_web::HttpResponse;
use actix_web::web::Data;
use bytes::Bytes;
use longwire_delivery::DeliveryFigures;
use longwire_fleet::Overview;
use longwire_janitor::RetentionView;
use longwire_listener::Problem;
use longwire_store::{Figures, Health};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

use crate::{Api, ApiSettings};
use families::Families;
pub use relay::RelayCalls;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A text is reused for so many times as long as it took to make: whoever asks, and however often, metrics take a tenth
/// of one core at most. For a thousand bots it is made in a few milliseconds.
const REUSED_FOR: u32 = 9;

/// The text that was made last, and until when it is reused.
#[derive(Default)]
pub(crate) struct Cache(Mutex<Option<(Bytes, Instant)>>);

impl Cache {
    /// The text of `render`, made now or a moment ago.
    fn get<E>(&self, render: impl FnOnce() -> Result<String, E>) -> Result<Bytes, E> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let began = Instant::now();
        if let Some((text, until)) = &*last
            && began < *until
        {
            return Ok(text.clone());
        }
        let text = Bytes::from(render()?);
        let until = Instant::now() + began.elapsed() * REUSED_FOR;
        *last = Some((text.clone(), until));
        Ok(text)
    }
}

pub(crate) async fn scrape(api: Data<Api>) -> Result<HttpResponse, Problem> {
    let render = || render(Snapshot::take(&api.settings));
    let text = api.metrics.get(render);
    let text = text.map_err(|_| Problem::interrupted())?;
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text))
}

fn render(snapshot: Snapshot) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let mut registry = Registry::with_prefix("longwire");
    registry.register_collector(Box::new(snapshot));
    text::encode(&mut text, &registry)?;
    Ok(text)
}

/// What one scrape tells.
#[derive(Debug)]
struct Snapshot {
    version: &'static str,
    overview: Overview,
    /// Installations by platform and state.
    connections: BTreeMap<(&'static str, &'static str), u64>,
    kinds: BTreeMap<&'static str, actors::Kind>,
    figures: Figures,
    store_up: bool,
    consumers: deliveries::Consumers,
    delivery: DeliveryFigures,
    /// Requests without a valid token, by reason.
    token_refusals: Vec<(&'static str, u64)>,
    relay_calls: Vec<RelayCalls>,
    retention: Option<RetentionView>,
    log_lines_dropped: u64,
}

impl Snapshot {
    fn take(of: &ApiSettings) -> Self {
        Self {
            version: of.version,
            overview: of.fleet.overview(),
            connections: connections::by_state(&of.fleet.installations()),
            kinds: actors::by_kind(&of.fleet.actors()),
            figures: of.store.figures(),
            store_up: of.store.health() == Health::Ok,
            consumers: deliveries::Consumers::of(&of.deliveries.all_consumers()),
            delivery: of.deliveries.figures(),
            token_refusals: of.access.refused(),
            relay_calls: (of.relay_calls)(),
            retention: (of.retention)(),
            log_lines_dropped: (of.log_lines_dropped)(),
        }
    }
}

impl Collector for Snapshot {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families(encoder);
        connections::write(self, &mut families)?;
        events::write(&self.overview, &mut families)?;
        actors::write(&self.kinds, &mut families)?;
        store::write(&self.figures, self.store_up, &mut families)?;
        if let Some(view) = &self.retention {
            retention::write(view, &mut families)?;
        }
        deliveries::write(&self.consumers, &self.delivery, &mut families)?;
        families.counters_by(
            "token_refusals",
            "Requests that brought no valid token",
            "reason",
            self.token_refusals.iter().copied(),
        )?;
        relay::write(&self.relay_calls, &mut families)
    }
}
