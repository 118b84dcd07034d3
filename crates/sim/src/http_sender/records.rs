//! What is told of HTTP pushes.

use std::sync::Arc;

use crate::http_ledger::{HttpLedger, HttpPushKind, HttpPushRecord, HttpPushState};
use crate::http_push::{HttpPushes, TrackedHttpPush};
use crate::push::PushId;
use crate::state::PlatformState;

impl PlatformState {
    pub(crate) fn http_ledger(&self) -> HttpLedger {
        HttpLedger {
            pending: self.http.unfinished.len() as u64,
            latency: self.http.latency.summary(),
            ..self.http.ledger.clone()
        }
    }

    /// Records in the order of the pushes.
    pub(super) fn http_records(&self, app: Option<&str>) -> Vec<HttpPushRecord> {
        let all = self.http.finished.iter();
        let all = all.chain(self.http.unfinished.values());
        let mut records: Vec<_> = all
            .filter(|tracked| app.is_none_or(|app| self.apps[tracked.app].id == app))
            .map(|tracked| self.http_record_of(tracked))
            .collect();
        records.sort_by_key(|record| record.push);
        records
    }

    pub(super) fn http_record(&self, push: PushId) -> Option<HttpPushRecord> {
        let unfinished = self.http.unfinished.get(&push.0);
        let mut finished = self.http.finished.iter().rev();
        let tracked = unfinished.or_else(|| finished.find(|tracked| tracked.number == push.0))?;
        Some(self.http_record_of(tracked))
    }

    fn http_record_of(&self, tracked: &TrackedHttpPush) -> HttpPushRecord {
        tracked.record(&self.apps[tracked.app].id, self.settings.seed)
    }

    /// The ids of delivered events and new card callbacks, of those whose records are kept. The old ones have no id.
    pub(super) fn http_delivered_ids(&self) -> Vec<String> {
        let delivered = self.http.finished.iter();
        delivered
            .filter(|tracked| tracked.state == HttpPushState::Delivered)
            .filter(|tracked| tracked.kind != HttpPushKind::OldCard)
            .map(|tracked| tracked.event_id(self.settings.seed))
            .collect()
    }

    /// Forgets pushes, traffic and counters. Request URLs and connections stay.
    pub(crate) fn reset_http(&mut self) {
        let signals = Arc::clone(&self.http.signals);
        let consoles = std::mem::take(&mut self.http.consoles);
        self.http = HttpPushes {
            signals,
            consoles,
            ..HttpPushes::default()
        };
        self.wake_sender();
    }
}
