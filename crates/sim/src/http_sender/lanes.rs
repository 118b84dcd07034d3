//! The sender's tasks: a clock that decides when, and lanes that send. A lane has one request under way and keeps a
//! connection to each host that it posted to.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use rand::SeedableRng as _;
use rand::rngs::SmallRng;

use super::errands::{Errand, Outcome};
use crate::http_push::{
    Dressing, HttpSignals, KeptConnection, RequestBuffers, SignatureHeaders, exchange,
};
use crate::state::SharedState;

/// Runs the sender for as long as the simulator is served.
pub(crate) async fn run(shared: Arc<SharedState>) {
    let signals = Arc::clone(&shared.state().http.signals);
    let mut lanes = 0;
    loop {
        signals.clock.notified().await;
        loop {
            let (wanted, next) = {
                let mut state = shared.state();
                let next = state.http_tick(Instant::now());
                (state.http.lanes(shared.settings.http_connections), next)
            };
            while lanes < wanted {
                tokio::spawn(Lane::new(Arc::clone(&shared), lanes).run(Arc::clone(&signals)));
                lanes += 1;
            }
            let Some(next) = next else { break };
            tokio::select! {
                () = tokio::time::sleep_until(next.into()) => {}
                () = signals.clock.notified() => {}
            }
        }
    }
}

struct Lane {
    shared: Arc<SharedState>,
    number: usize,
    connections: HashMap<String, Option<KeptConnection>>,
    payload: Vec<u8>,
    buffers: RequestBuffers,
    rng: SmallRng,
}

impl Lane {
    fn new(shared: Arc<SharedState>, number: usize) -> Self {
        Self {
            shared,
            number,
            connections: HashMap::new(),
            payload: Vec::new(),
            buffers: RequestBuffers::default(),
            rng: SmallRng::from_os_rng(),
        }
    }

    async fn run(mut self, signals: Arc<HttpSignals>) {
        loop {
            if let Some(errand) = self.next() {
                self.send(errand).await;
                continue;
            }
            // Registered before the last look, so that nothing offered meanwhile is missed.
            let (offered, changed) = (signals.errand.notified(), signals.lanes.notified());
            tokio::pin!(offered, changed);
            changed.as_mut().enable();
            let may_work = {
                let state = self.shared.state();
                self.number < state.http.lanes(self.shared.settings.http_connections)
            };
            if !may_work {
                // It may have been woken for an errand that another lane has to take.
                signals.errand.notify_one();
                changed.await;
                continue;
            }
            offered.as_mut().enable();
            if let Some(errand) = self.next() {
                self.send(errand).await;
                continue;
            }
            tokio::select! {
                () = offered => {}
                () = changed => {}
            }
        }
    }

    fn next(&mut self) -> Option<Errand> {
        let mut state = self.shared.state();
        let now = Instant::now();
        state.take_errand(self.number, &mut self.payload, now)
    }

    async fn send(&mut self, errand: Errand) {
        let dressing = Dressing {
            console: &errand.console,
            scheme: errand.scheme,
            flaw: errand.shape.as_ref().and_then(|push| push.flaw.as_ref()),
            headers: SignatureHeaders::Sent,
            signed_at_s: errand.signed_at_s,
        };
        let target = &errand.target;
        let (payload, rng) = (&self.payload, &mut self.rng);
        self.buffers.write(target, &dressing, payload, rng);
        let kept = match self.connections.get_mut(&target.origin) {
            Some(kept) => kept,
            None => self.connections.entry(target.origin.clone()).or_default(),
        };
        let mut connections_opened = 0;
        let began = Instant::now();
        let result = exchange(
            kept,
            target,
            &self.shared.sender_tls,
            &self.buffers.request,
            errand.limits,
            &mut connections_opened,
        )
        .await;
        let now = Instant::now();
        let outcome = Outcome {
            number: errand.number,
            is_duplicate: errand.is_duplicate,
            began,
            took: now.saturating_duration_since(began),
            result,
            connections_opened,
        };
        self.shared.state().settle(outcome, now);
    }
}
