//! One push with its attempts, and the frames that carry it.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use rand::rngs::StdRng;
use serde::Deserialize;

use longwire_platform_server::feishu::{FrameHead, cut};
use longwire_wire::answer;
use longwire_wire::frame::{FrameView, METHOD_DATA, Part, key};

use crate::fault::ConnectionId;
use crate::fragments;
use crate::ids::{AttemptId, WireIds, hex32};
use crate::ledger::{Attempt, AttemptOutcome, PushRecord, RecordState};
use crate::message::{Template, event_words};
use crate::push::{Push, PushId};
use crate::wall_clock::WallClock;

/// A push with everything that is needed to repeat it.
#[derive(Debug)]
pub(crate) struct TrackedPush {
    pub(crate) number: u64,
    /// Index of the app.
    pub(crate) app: usize,
    pub(crate) body: PayloadSource,
    /// `None` for generated traffic.
    pub(crate) shape: Option<Box<Push>>,
    pub(crate) repeats: bool,
    pub(crate) state: RecordState,
    /// Number of the current attempt; 0 before the first.
    pub(crate) attempt: u16,
    pub(crate) connection: ConnectionId,
    pub(crate) at: Instant,
    pub(crate) outcome: AttemptOutcome,
    /// Attempts before the current one.
    earlier: Vec<Attempt>,
    /// Whether it counts in the window of a closed loop.
    pub(crate) looped: bool,
    pub(crate) acked_at: Option<Instant>,
    pub(crate) answer_data: Option<Vec<u8>>,
}

/// The payload, or how to make it.
#[derive(Debug)]
pub(crate) enum PayloadSource {
    Given {
        payload: Bytes,
        event_id: String,
    },
    MadeUp {
        template: Arc<Template>,
        created_us: u64,
    },
}

impl PayloadSource {
    /// Appends the payload of the push with this number.
    pub(crate) fn write(&self, number: u64, seed: u64, out: &mut Vec<u8>) {
        match self {
            Self::Given { payload, .. } => out.extend_from_slice(payload),
            Self::MadeUp {
                template,
                created_us,
            } => template.write(number, seed, *created_us, out),
        }
    }

    pub(crate) fn event_id(&self, number: u64, seed: u64) -> String {
        match self {
            Self::Given { event_id, .. } => event_id.clone(),
            Self::MadeUp { .. } => {
                let (high, low) = event_words(number, seed);
                hex32(high, low)
            }
        }
    }
}

impl TrackedPush {
    pub(crate) fn new(
        number: u64,
        app: usize,
        body: PayloadSource,
        shape: Option<Box<Push>>,
        now: Instant,
    ) -> Self {
        Self {
            number,
            app,
            body,
            shape,
            repeats: true,
            state: RecordState::Waiting,
            attempt: 0,
            connection: ConnectionId(0),
            at: now,
            outcome: AttemptOutcome::Open,
            earlier: Vec::new(),
            looped: false,
            acked_at: None,
            answer_data: None,
        }
    }

    pub(crate) fn delivery(&self) -> AttemptId {
        AttemptId {
            push: self.number,
            attempt: self.attempt,
        }
    }

    pub(crate) fn begin_attempt(
        &mut self,
        connection: ConnectionId,
        now: Instant,
        wall_clock: WallClock,
    ) {
        if self.attempt > 0 {
            // Usually there is one repeat, and an overload has millions of them, so nothing more is reserved.
            self.earlier.reserve_exact(1);
            self.earlier.push(self.current(wall_clock));
        }
        self.attempt = self.attempt.saturating_add(1);
        self.connection = connection;
        self.at = now;
        self.outcome = AttemptOutcome::Open;
        self.state = RecordState::UnderWay;
    }

    fn current(&self, wall_clock: WallClock) -> Attempt {
        Attempt {
            at_ms: wall_clock.unix_ms(self.at),
            connection: self.connection,
            outcome: self.outcome,
        }
    }

    pub(crate) fn event_id(&self, seed: u64) -> String {
        self.body.event_id(self.number, seed)
    }

    pub(crate) fn record(&self, app: &str, seed: u64, wall_clock: WallClock) -> PushRecord {
        let mut attempts = self.earlier.clone();
        if self.attempt > 0 {
            attempts.push(self.current(wall_clock));
        }
        PushRecord {
            push: PushId(self.number),
            event_id: self.event_id(seed),
            app: app.to_owned(),
            state: self.state,
            attempts,
            acked_at_ms: self.acked_at.map(|at| wall_clock.unix_ms(at)),
            answer_data: self
                .answer_data
                .as_deref()
                .map(|data| String::from_utf8_lossy(data).into_owned()),
        }
    }

    fn body_len(&self) -> usize {
        match &self.body {
            PayloadSource::Given { payload, .. } => payload.len(),
            PayloadSource::MadeUp { template, .. } => template.len(),
        }
    }

    fn write_body(&self, seed: u64, out: &mut Vec<u8>) {
        self.body.write(self.number, seed, out);
    }

    /// Appends the current attempt's frames.
    pub(crate) fn write(&self, out: &mut Vec<u8>, to: &FrameStyle, rng: &mut StdRng) {
        let len = self.body_len();
        if self.shape.is_some() || to.pieces > 1 || len > to.fragment_bytes {
            for frame in self.frames(to, rng) {
                out.extend_from_slice(&frame);
            }
            return;
        }
        let ids = WireIds::of(self.delivery(), to.seed);
        let headers = [
            (key::TYPE, "event"),
            (key::MESSAGE_ID, ids.message_id()),
            (key::SUM, "1"),
            (key::SEQ, "0"),
            (key::TRACE_ID, ids.trace_id()),
        ];
        let head = self.head(to, 0, &headers);
        head.write(out, len, |out| self.write_body(to.seed, out));
    }

    /// The current attempt's frames one by one.
    pub(crate) fn frames(&self, to: &FrameStyle, rng: &mut StdRng) -> Vec<Vec<u8>> {
        let mut payload = Vec::with_capacity(self.body_len());
        self.write_body(to.seed, &mut payload);
        let plan = self.shape.as_ref().and_then(|push| push.fragments.as_ref());
        let size = plan
            .and_then(|plan| plan.size_bytes)
            .unwrap_or(to.fragment_bytes);
        let parts = cut(payload.len(), size);
        let order = match plan {
            Some(plan) => fragments::sequence(plan, parts.len(), self.attempt, rng),
            None => (0..parts.len()).collect(),
        };
        let sum = parts.len().to_string();
        let ids = WireIds::of(self.delivery(), to.seed);
        let frame = |seq: usize| {
            let text = seq.to_string();
            let headers = self.headers(&ids, &sum, &text);
            let head = self.head(to, seq as u64, &headers);
            let mut out = Vec::new();
            let part = &payload[parts[seq].clone()];
            if to.pieces > 1 {
                head.write_in_pieces(&mut out, part, to.pieces);
            } else {
                head.write(&mut out, part.len(), |out| out.extend_from_slice(part));
            }
            out
        };
        order.into_iter().map(frame).collect()
    }

    fn head<'a>(
        &self,
        to: &FrameStyle,
        seq: u64,
        headers: &'a [(&'a str, &'a str)],
    ) -> FrameHead<'a> {
        FrameHead {
            seq_id: self.number + seq,
            // Above 2^53 as on the platform, so that a client that stores it in a double is detected.
            log_id: 7_300_000_000_000_000_000 + self.number,
            service: to.service,
            method: METHOD_DATA,
            headers,
        }
    }

    /// The frame headers, with the changes that the push asks for.
    fn headers<'a>(
        &'a self,
        ids: &'a WireIds,
        sum: &'a str,
        seq: &'a str,
    ) -> Vec<(&'a str, &'a str)> {
        let mut headers = vec![
            (
                key::TYPE,
                self.shape
                    .as_ref()
                    .map_or("event", |push| push.header_type.as_str()),
            ),
            (key::MESSAGE_ID, ids.message_id()),
            (key::SUM, sum),
            (key::SEQ, seq),
            (key::TRACE_ID, ids.trace_id()),
        ];
        for (name, value) in self.shape.iter().flat_map(|push| &push.headers) {
            headers.retain(|(key, _)| key != name);
            if let Some(value) = value {
                headers.push((name, value));
            }
        }
        headers
    }

    /// Whether an answer echoes the headers of the current attempt. `seq` may be that of any fragment, because any of
    /// them may arrive last.
    pub(crate) fn echoed(&self, answer: &FrameView, to: &FrameStyle) -> bool {
        let ids = WireIds::of(self.delivery(), to.seed);
        let Some(shape) = &self.shape else {
            let sum = self.body_len().div_ceil(to.fragment_bytes).max(1);
            return answer.header(key::TYPE) == Some("event")
                && answer.header(key::TRACE_ID) == Some(ids.trace_id())
                && echoes_part(answer, sum);
        };
        let size = shape.fragments.as_ref().and_then(|plan| plan.size_bytes);
        let sum = cut(self.body_len(), size.unwrap_or(to.fragment_bytes)).len();
        let sum_text = sum.to_string();
        let own_part = [key::SUM, key::SEQ]
            .iter()
            .any(|key| shape.headers.contains_key(*key));
        (own_part || echoes_part(answer, sum))
            && self
                .headers(&ids, &sum_text, "")
                .iter()
                .filter(|(name, value)| !(*name == key::SEQ && value.is_empty()))
                .all(|(name, value)| answer.header(name) == Some(value))
    }
}

fn echoes_part(answer: &FrameView, sum: usize) -> bool {
    let present = answer.header(key::SUM).is_some() && answer.header(key::SEQ).is_some();
    present
        && match answer.part() {
            Ok(Part::Whole) => sum == 1,
            Ok(Part::Fragment { sum: echoed, .. }) => usize::from(echoed) == sum,
            // There are more parts than a client accepts, so there is nothing to compare.
            Err(_) => sum > usize::from(longwire_wire::frame::MAX_PARTS),
        }
}

/// The properties of a connection and its app that its frames depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameStyle {
    pub(crate) seed: u64,
    pub(crate) service: i32,
    pub(crate) fragment_bytes: usize,
    /// WebSocket frames per message.
    pub(crate) pieces: usize,
}

/// The facts of a given payload. All are optional, because a payload need not be an event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PayloadFacts {
    header: Option<HeaderFacts>,
    uuid: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct HeaderFacts {
    event_id: Option<String>,
    event_type: Option<String>,
}

impl PayloadFacts {
    pub(crate) fn of(payload: &[u8]) -> Self {
        serde_json::from_slice(payload).unwrap_or_default()
    }

    pub(crate) fn event_id(&self) -> Option<&str> {
        let header = self
            .header
            .as_ref()
            .and_then(|header| header.event_id.as_deref());
        header.or(self.uuid.as_deref())
    }

    /// Whether it is a card callback, which the platform does not repeat.
    pub(crate) fn is_callback(&self) -> bool {
        let kind = self
            .header
            .as_ref()
            .and_then(|header| header.event_type.as_deref());
        kind.is_some_and(answer::wants_result)
    }
}
