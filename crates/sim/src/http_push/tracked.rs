//! One HTTP push with its tries.

use std::time::{Duration, Instant};

use super::card_answer::{self, CardGeneration};
use super::exchange::{HttpAnswer, NoAnswer};
use super::push::{ClickedSchema, HttpPush};
use crate::http_ledger::{HttpPushKind, HttpPushRecord, HttpPushState, HttpTry, HttpVerdict};
use crate::push::PushId;
use crate::settings::CardAnswerRules;
use crate::tracked::PayloadSource;
use crate::wall_clock::WallClock;

/// Longest text of an answer that is kept.
const KEPT_BYTES: usize = 4 * 1024;

/// A push with everything that is needed to repeat it.
#[derive(Debug)]
pub(crate) struct TrackedHttpPush {
    pub(crate) number: u64,
    /// Index of the app.
    pub(crate) app: usize,
    pub(crate) kind: HttpPushKind,
    pub(crate) body: PayloadSource,
    /// `None` for generated traffic.
    pub(crate) shape: Option<Box<HttpPush>>,
    pub(crate) state: HttpPushState,
    pub(crate) tries: Vec<HttpTry>,
    pub(crate) duplicates: Vec<HttpTry>,
    /// Duplicates that have no answer yet.
    pub(crate) open_duplicates: u16,
    pub(crate) on_long_connection: Option<PushId>,
    /// Seconds since 1970 of the first try's signature.
    pub(crate) first_signed_at_s: Option<u64>,
}

impl TrackedHttpPush {
    pub(crate) fn new(
        number: u64,
        app: usize,
        kind: HttpPushKind,
        body: PayloadSource,
        shape: Option<Box<HttpPush>>,
    ) -> Self {
        Self {
            number,
            app,
            kind,
            body,
            open_duplicates: shape.as_ref().map_or(0, |push| push.duplicates),
            shape,
            state: HttpPushState::UnderWay,
            tries: Vec::new(),
            duplicates: Vec::new(),
            on_long_connection: None,
            first_signed_at_s: None,
        }
    }

    pub(crate) fn event_id(&self, seed: u64) -> String {
        self.body.event_id(self.number, seed)
    }

    pub(crate) fn record(&self, app: &str, seed: u64) -> HttpPushRecord {
        HttpPushRecord {
            push: PushId(self.number),
            event_id: self.event_id(seed),
            app: app.to_owned(),
            kind: self.kind,
            state: self.state,
            tries: self.tries.clone(),
            duplicates: self.duplicates.clone(),
            on_long_connection: self.on_long_connection,
        }
    }

    fn generation(&self) -> Option<CardGeneration> {
        let schema = || {
            let shape = self.shape.as_ref();
            shape.map_or(ClickedSchema::default(), |push| push.clicked_schema)
        };
        match self.kind {
            HttpPushKind::Event => None,
            HttpPushKind::Card => Some(CardGeneration::New(schema())),
            HttpPushKind::OldCard => Some(CardGeneration::Old),
        }
    }

    /// What the platform makes of a try that began at `at` and took so long.
    pub(crate) fn judge(
        &self,
        result: Result<HttpAnswer, NoAnswer>,
        (at, took): (Instant, Duration),
        wall_clock: WallClock,
        rules: CardAnswerRules,
    ) -> HttpTry {
        let mut judged = HttpTry {
            at_ms: wall_clock.unix_ms(at),
            duration_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            status: None,
            verdict: HttpVerdict::Unreachable,
            card: None,
            answer: None,
            error: None,
        };
        match result {
            Ok(answer) => {
                judged.status = Some(answer.status);
                judged.card = self.generation().map(|generation| {
                    card_answer::judge(generation, answer.status, &answer.body, rules)
                });
                judged.verdict = match (&judged.card, answer.status) {
                    (_, status) if status != 200 => HttpVerdict::Refused,
                    (Some(card), _) if card.code != card_answer::OK => HttpVerdict::BadCard,
                    (Some(_) | None, _) => HttpVerdict::Delivered,
                };
                if self.shape.is_some() || judged.verdict != HttpVerdict::Delivered {
                    let kept = &answer.body[..answer.body.len().min(KEPT_BYTES)];
                    judged.answer = Some(String::from_utf8_lossy(kept).into_owned());
                }
            }
            Err(error) => {
                let (verdict, code) = match error {
                    NoAnswer::Late => (HttpVerdict::TimedOut, card_answer::LATE),
                    NoAnswer::Name(_) => (HttpVerdict::Unreachable, card_answer::NO_NAME),
                    NoAnswer::Connect(_) | NoAnswer::Broken(_) | NoAnswer::Malformed => {
                        (HttpVerdict::Unreachable, card_answer::NO_CONNECTION)
                    }
                };
                judged.verdict = verdict;
                judged.card = self.generation().map(|_| card_answer::error(code));
                judged.error = Some(error.to_string());
            }
        }
        judged
    }
}
