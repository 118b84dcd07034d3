//! Accepts HTTP pushes, and saves the consoles that say where they go.

use std::sync::Arc;
use std::time::Instant;

use crate::http_ledger::HttpPushKind;
use crate::http_push::{
    Console, HttpPush, HttpPushScheme, NoRequestUrl, Roads, TrackedHttpPush, Waiting,
};
use crate::push::{Payload, Push, PushId};
use crate::state::PlatformState;
use crate::tracked::PayloadSource;

impl PlatformState {
    /// Saves the console of an app.
    pub(super) fn save_console(&mut self, app: &str, console: Console) {
        let index = self.app(app);
        self.forget_templates();
        self.http.consoles.insert(index, Arc::new(console));
        self.http.ledger.urls_saved += 1;
    }

    /// Accepts a push.
    pub(super) fn push_http(
        &mut self,
        app: &str,
        mut push: HttpPush,
        now: Instant,
    ) -> Result<PushId, NoRequestUrl> {
        let index = self.app(app);
        let console = self.http.consoles.get(&index).cloned().unwrap_or_default();
        let number = self.next_number();
        let (kind, body) = self.http_body(&push, number, index, now);
        if console.target(kind).is_none() {
            return Err(NoRequestUrl {
                app: app.to_owned(),
            });
        }
        let also = match push.roads {
            Roads::Http => None,
            Roads::Both => Some(self.push_along(app, &push, &body, number, now)),
        };
        // What was made of it is kept; the rest of the push is only needed for its flaws.
        push.payload = Payload::MadeUp { bytes: 0 };
        let (delay, duplicates) = (push.delay, push.duplicates);
        let mut tracked = TrackedHttpPush::new(number, index, kind, body, Some(Box::new(push)));
        tracked.on_long_connection = also;
        self.http.ledger.pushed += 1;
        self.http.unfinished.insert(number, tracked);
        if delay.is_zero() {
            self.http.offer(Waiting::Try(number));
        } else {
            self.http.repeats.add(now + delay, number);
        }
        for _ in 0..duplicates {
            self.http.offer(Waiting::Duplicate(number));
        }
        self.http.signals.clock.notify_one();
        Ok(PushId(number))
    }

    fn http_body(
        &mut self,
        push: &HttpPush,
        number: u64,
        app: usize,
        now: Instant,
    ) -> (HttpPushKind, PayloadSource) {
        let is_old = push.scheme == HttpPushScheme::OldCard;
        let mut kind = if is_old {
            HttpPushKind::OldCard
        } else {
            HttpPushKind::Event
        };
        let body = match &push.payload {
            Payload::CardClick(click) if is_old => {
                let invented = self.invent(number, app, now);
                PayloadSource::Given {
                    payload: click.old_payload(&invented),
                    event_id: invented.event_id,
                }
            }
            other => {
                let event_id = push.event_id.as_deref();
                let (body, is_callback) = self.body_of(other, event_id, number, app, now);
                if is_callback && !is_old {
                    kind = HttpPushKind::Card;
                }
                body
            }
        };
        (kind, body)
    }

    /// Pushes the same event over a long connection.
    fn push_along(
        &mut self,
        app: &str,
        push: &HttpPush,
        body: &PayloadSource,
        number: u64,
        now: Instant,
    ) -> PushId {
        let mut payload = Vec::new();
        body.write(number, self.settings.seed, &mut payload);
        let mut along = Push::of(payload);
        along.event_id.clone_from(&push.event_id);
        self.push(app, along, now)
    }
}
