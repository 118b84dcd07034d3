//! What lanes have to send, and what comes of it: tries, verdicts, repeats.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::http_ledger::{HttpPushKind, HttpPushState, HttpTry, HttpVerdict};
use crate::http_push::{
    Console, ExchangeLimits, HttpAnswer, HttpPush, HttpPushScheme, NoAnswer, Target, Waiting,
};
use crate::settings::RepeatTimestamp;
use crate::state::PlatformState;

/// A request for a lane to make. The payload lies in the lane's buffer.
#[derive(Debug)]
pub(super) struct Errand {
    pub(super) number: u64,
    pub(super) is_duplicate: bool,
    pub(super) console: Arc<Console>,
    pub(super) target: Arc<Target>,
    pub(super) scheme: HttpPushScheme,
    /// What is wrong with it.
    pub(super) shape: Option<Box<HttpPush>>,
    pub(super) signed_at_s: u64,
    pub(super) limits: ExchangeLimits,
}

/// What came of an errand.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) number: u64,
    pub(super) is_duplicate: bool,
    pub(super) began: Instant,
    pub(super) took: Duration,
    pub(super) result: Result<HttpAnswer, NoAnswer>,
    pub(super) connections_opened: u64,
}

impl PlatformState {
    /// The next request for this lane, whose payload is written to `payload`.
    pub(super) fn take_errand(
        &mut self,
        lane: usize,
        payload: &mut Vec<u8>,
        now: Instant,
    ) -> Option<Errand> {
        if lane >= self.http.lanes(self.settings.http_connections) {
            return None;
        }
        loop {
            let (number, is_duplicate) = match self.http.ready.pop_front() {
                Some(Waiting::Try(number)) => (number, false),
                Some(Waiting::Duplicate(number)) => (number, true),
                None => (self.make_looped(now)?, false),
            };
            if let Some(errand) = self.errand(number, is_duplicate, payload, now) {
                return Some(errand);
            }
        }
    }

    fn errand(
        &mut self,
        number: u64,
        is_duplicate: bool,
        payload: &mut Vec<u8>,
        now: Instant,
    ) -> Option<Errand> {
        // A reset may have removed it, and the console may have lost its URL.
        let tracked = self.http.unfinished.get_mut(&number)?;
        let console = Arc::clone(self.http.consoles.get(&tracked.app)?);
        let target = Arc::clone(console.target(tracked.kind)?);
        payload.clear();
        tracked.body.write(number, self.settings.seed, payload);
        let fresh = self.wall_clock.unix_us(now) / 1_000_000;
        let first = *tracked.first_signed_at_s.get_or_insert(fresh);
        self.http.ledger.tries += 1;
        if is_duplicate {
            self.http.ledger.duplicates += 1;
        } else {
            tracked.state = HttpPushState::UnderWay;
            self.http.ledger.repeated += u64::from(!tracked.tries.is_empty());
        }
        let scheme = match tracked.kind {
            HttpPushKind::Event | HttpPushKind::Card => HttpPushScheme::Event,
            HttpPushKind::OldCard => HttpPushScheme::OldCard,
        };
        Some(Errand {
            number,
            is_duplicate,
            console,
            target,
            scheme,
            shape: tracked.shape.clone(),
            signed_at_s: match self.settings.repeat_timestamp {
                RepeatTimestamp::Fresh => fresh,
                RepeatTimestamp::First => first,
            },
            limits: ExchangeLimits {
                answer: self.settings.scaled(self.settings.ack_deadline),
                connect: self.settings.scaled(self.settings.connect_deadline),
            },
        })
    }

    /// Handles what came of an errand.
    pub(super) fn settle(&mut self, outcome: Outcome, now: Instant) {
        self.http.ledger.connections_opened += outcome.connections_opened;
        let Some(tracked) = self.http.unfinished.get_mut(&outcome.number) else {
            return;
        };
        let rules = self.settings.card_answers;
        let times = (outcome.began, outcome.took);
        let judged = tracked.judge(outcome.result, times, self.wall_clock, rules);
        let ledger = &mut self.http.ledger;
        match judged.verdict {
            HttpVerdict::Delivered => self.http.latency.record(outcome.took),
            HttpVerdict::Refused => ledger.refused += 1,
            HttpVerdict::TimedOut => ledger.timed_out += 1,
            HttpVerdict::Unreachable => ledger.unreachable += 1,
            HttpVerdict::BadCard => ledger.bad_cards += 1,
        }
        if outcome.is_duplicate {
            tracked.duplicates.push(judged);
            tracked.open_duplicates = tracked.open_duplicates.saturating_sub(1);
        } else {
            self.settle_try(outcome.number, judged, now);
        }
        self.finish_if_over(outcome.number);
    }

    fn settle_try(&mut self, number: u64, judged: HttpTry, now: Instant) {
        let Some(tracked) = self.http.unfinished.get_mut(&number) else {
            return;
        };
        let verdict = judged.verdict;
        let is_click = tracked.kind != HttpPushKind::Event;
        let clicked = (is_click && verdict == HttpVerdict::Delivered).then(|| {
            let token = format!("c-{}", tracked.event_id(self.settings.seed));
            (token, judged.answer.clone())
        });
        tracked.tries.push(judged);
        let rung = tracked.tries.len() - 1;
        let ladder = &self.settings.ladder;
        let repeats = tracked.kind == HttpPushKind::Event;
        tracked.state = match (verdict, ladder.get(rung).filter(|_| repeats)) {
            (HttpVerdict::Delivered, _) => HttpPushState::Delivered,
            (_, None) => HttpPushState::Lost,
            (_, Some(wait)) => {
                self.http
                    .repeats
                    .add(now + self.settings.scaled(*wait), number);
                self.http.signals.clock.notify_one();
                HttpPushState::Failed
            }
        };
        if let Some((token, answer)) = clicked {
            let now = self.open_api.now(now);
            self.click_answered(&token, answer.as_deref().map(str::as_bytes), now);
        }
    }

    fn finish_if_over(&mut self, number: u64) {
        let http = &mut self.http;
        let Some(tracked) = http.unfinished.get(&number) else {
            return;
        };
        match tracked.state {
            HttpPushState::UnderWay | HttpPushState::Failed => return,
            HttpPushState::Delivered | HttpPushState::Lost if tracked.open_duplicates > 0 => {
                return;
            }
            HttpPushState::Delivered => http.ledger.delivered += 1,
            HttpPushState::Lost => http.ledger.lost += 1,
        }
        let finished = http.unfinished.remove(&number);
        if self.settings.keep_records == 0 {
            return;
        }
        if http.finished.len() >= self.settings.keep_records {
            http.finished.pop_front();
        }
        http.finished.extend(finished);
    }
}
