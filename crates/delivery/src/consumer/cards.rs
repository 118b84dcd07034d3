//! What applications answer: to a click on a card, and as a reply in the chat.
//!
//! A click is recorded and comes over the log like any event. Whoever waits for its answer asks beside that, and is answered
//! with what the application says to that event before the deadline. A consumer that cannot send now, or lags, lets the click be
//! answered by default at once.

use std::time::Instant;

use actix::{Handler, Message};
use bytes::Bytes;
use longwire_consumer::{Moment, QueueState, Road, Urgent};
use longwire_installation::Platform;
use longwire_store::Happening;
use longwire_wire::card_answer::{AnswerShape, CardAnswer};
use longwire_wire::event::Seq;
use longwire_wire::wecom::{Command, check_body};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Consumer;
use crate::asked_card::AskedCard;
use crate::clock;
use crate::logged_event::LoggedEvent;
use crate::outbox::Job;
use crate::settings::{ChatReply, ChatReplyFailed};

/// Clicks of one consumer that wait for an answer.
const WAITING: usize = 1_024;
/// Answers that came before their questions are kept of so many clicks.
const EARLY: usize = 64;
/// A consumer that has so many events to read before the click lags.
const BEHIND: i64 = 256;

/// Somebody waits for the application's answer to a click. From the handle, once per click that this consumer claims.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct AskCard(pub(crate) AskedCard);

/// A reply was sent, or not. From the task that waited for it, once per reply.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Replied(Seq, Result<(), ChatReplyFailed>);

/// A reader answers an event that it has. The result says what is wrong with the answer. From the handle, once per call.
#[derive(Message)]
#[rtype(result = "Result<(), String>")]
pub(crate) struct AnswerEvent {
    pub(crate) seq: Seq,
    pub(crate) answer: Bytes,
}

pub(super) struct WaitingClick {
    card: AskedCard,
    asked: Moment,
}

/// What an application said to a click before somebody asked: the question and the event go different ways.
pub(super) struct EarlyAnswer {
    seq: i64,
    answer: Result<Bytes, String>,
}

/// What a body may say beside an answer to a click.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    reply: Option<SaidReply>,
}

#[derive(Deserialize)]
struct SaidReply {
    text: String,
}

impl Handler<AskCard> for Consumer {
    type Result = ();

    fn handle(&mut self, AskCard(card): AskCard, ctx: &mut Self::Context) {
        let now = clock::now();
        let seq = card.seq;
        if let Some(why) = self.why_no_answer(seq) {
            self.click_defaulted(seq, now, why);
            self.drive(ctx);
            return;
        }
        if let Some(early) = self.early_answer(seq) {
            let click = WaitingClick { card, asked: now };
            match early {
                Ok(answer) => self.click_answered(click, answer, now),
                Err(why) => self.click_defaulted(seq, now, &why),
            }
            self.drive(ctx);
            return;
        }
        // An earlier question about the same event is answered by default.
        let click = WaitingClick { card, asked: now };
        if self.clicks.insert(seq.0, click).is_some() {
            self.click_defaulted(seq, now, "it was asked about again over another connection");
        }
        self.drive(ctx);
    }
}

impl Handler<Replied> for Consumer {
    type Result = ();

    fn handle(&mut self, Replied(seq, result): Replied, ctx: &mut Self::Context) {
        let what = match result {
            Ok(()) => Happening::ReplySent,
            Err(ChatReplyFailed(detail)) => Happening::ReplyFailed { detail },
        };
        self.note(seq, clock::unix_ms(), what);
        self.drive(ctx);
    }
}

impl Handler<AnswerEvent> for Consumer {
    type Result = Result<(), String>;

    fn handle(&mut self, message: AnswerEvent, ctx: &mut Self::Context) -> Self::Result {
        let AnswerEvent { seq, answer } = message;
        let event = self.claimed.get(&seq.0).map(super::claims::Claimed::event);
        let Some(event) = event else {
            return Err("no reader has this event now".to_owned());
        };
        let now = clock::now();
        let answered = self.answer_click(&event, &answer, now);
        self.send_reply(&event, &answer);
        self.drive(ctx);
        answered.map(drop)
    }
}

impl Consumer {
    fn why_no_answer(&self, seq: Seq) -> Option<&'static str> {
        let Some(main) = self.tracks.first() else {
            return Some("the consumer does not run");
        };
        if self.draining.is_some() {
            return Some("this process ends");
        }
        if matches!(self.definition.road, Road::Relay(_)) && self.connections.is_empty() {
            return Some("no application is connected");
        }
        if self.clicks.len() >= WAITING {
            return Some("too many clicks wait for this consumer");
        }
        match main.queue.state() {
            QueueState::Active => {}
            QueueState::Failing { .. } => return Some("the application does not answer"),
            QueueState::Paused | QueueState::Stopped => return Some("the consumer is paused"),
        }
        (seq.0 - main.queue.reached().0 > BEHIND).then_some("the consumer lags")
    }

    /// What the application said to this click already.
    fn early_answer(&mut self, seq: Seq) -> Option<Result<Bytes, String>> {
        let at = self.early.iter().position(|early| early.seq == seq.0);
        if let Some(at) = at {
            return self.early.remove(at).map(|early| early.answer);
        }
        let is_done = self.tracks.first()?.queue.floor() >= seq;
        is_done.then(|| Err("the application had it before and is not asked again".to_owned()))
    }

    /// Keeps what the application said to a click about which nobody has asked yet.
    fn answered_early(&mut self, event: &LoggedEvent, answer: Result<Bytes, String>) {
        if !self.definition.claims_cards || event.urgency() == Urgent::No {
            return;
        }
        if self.early.len() >= EARLY {
            self.early.pop_front();
        }
        let seq = event.record.seq.0;
        self.early.push_back(EarlyAnswer { seq, answer });
    }

    fn click_answered(&mut self, click: WaitingClick, answer: Bytes, now: Moment) {
        let seq = click.card.seq;
        let after = now.instant.saturating_duration_since(click.asked.instant);
        let after_us = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        click.card.reply(answer);
        self.note(seq, now.unix_ms, Happening::CardAnswered { after_us });
    }

    /// Uses what an application answered with 2xx. Returns whether it said something.
    pub(super) fn use_answer(&mut self, job: &Job, body: &[u8], now: Moment) -> bool {
        let body = body.trim_ascii();
        let [event] = &*job.delivery.events else {
            return false;
        };
        let event = std::rc::Rc::clone(&event.payload);
        if body.is_empty() {
            self.default_click(&event, now, "the application answered nothing");
            return false;
        }
        // An answer that is wrong is worth keeping, too.
        let answered = self.answer_click(&event, body, now).unwrap_or(true);
        self.send_reply(&event, body) || answered
    }

    /// Gives the answer to whoever waits for it. Returns whether somebody did.
    pub(super) fn answer_click(
        &mut self,
        event: &LoggedEvent,
        body: &[u8],
        now: Moment,
    ) -> Result<bool, String> {
        let seq = event.record.seq;
        let Some(click) = self.clicks.remove(&seq.0) else {
            if event.urgency() == Urgent::Click {
                self.answered_early(event, checked_answer(event, body));
            }
            return Ok(false);
        };
        let late = now.instant > click.card.due;
        match checked_answer(event, body) {
            Ok(_) if late => {
                let why = "the application answered after the deadline";
                self.click_defaulted(seq, now, why);
                Err(why.to_owned())
            }
            Ok(answer) => {
                self.click_answered(click, answer, now);
                Ok(true)
            }
            Err(wrong) => {
                self.click_defaulted(seq, now, &wrong);
                Err(wrong)
            }
        }
    }

    /// The click, if somebody waits for its answer, is answered by default.
    pub(super) fn default_click(&mut self, event: &LoggedEvent, now: Moment, why: &str) {
        let seq = event.record.seq;
        if self.clicks.remove(&seq.0).is_some() {
            self.click_defaulted(seq, now, why);
        } else {
            self.answered_early(event, Err(why.to_owned()));
        }
    }

    fn click_defaulted(&mut self, seq: Seq, now: Moment, why: &str) {
        let detail = why.to_owned();
        self.note(seq, now.unix_ms, Happening::CardDefaulted { detail });
    }

    /// The clicks of a delivery that failed are answered by default.
    pub(super) fn default_clicks_of(&mut self, job: &Job, why: &str) {
        let now = clock::now();
        for event in &job.delivery.events {
            if event.payload.urgency() == Urgent::Click {
                self.default_click(&event.payload, now, why);
            }
        }
    }

    /// Clicks whose time is over.
    pub(super) fn check_clicks(&mut self, now: Moment) {
        if self.clicks.is_empty() {
            return;
        }
        let over = self
            .clicks
            .iter()
            .filter(|(_, click)| now.instant >= click.card.due);
        let over: Vec<i64> = over.map(|(seq, _)| *seq).collect();
        for seq in over {
            self.clicks.remove(&seq);
            self.click_defaulted(Seq(seq), now, "the application did not answer in time");
        }
    }

    /// When to look at clicks again.
    pub(super) fn clicks_due(&self) -> Option<Instant> {
        self.clicks.values().map(|click| click.card.due).min()
    }

    /// Sends the reply that the body has, if it has one. Returns whether it has.
    fn send_reply(&mut self, event: &LoggedEvent, body: &[u8]) -> bool {
        let Some(text) = reply_text(body) else {
            return false;
        };
        let record = &event.record;
        let Some(platform) = event.platform() else {
            let why = "an event of longwire's own has no chat to reply in";
            self.me
                .send(Replied(record.seq, Err(ChatReplyFailed(why.to_owned()))));
            return true;
        };
        let view = event.view();
        let reply = ChatReply {
            installation: record.installation,
            platform,
            seq: record.seq,
            event_type: record.event_type.clone(),
            chat: record.chat.clone(),
            message_id: view.message.as_ref().and_then(|message| message.id.clone()),
            sender: view.sender.as_ref().map(|sender| sender.kind),
            received_ms: record.received_ms,
            payload: record.payload.clone(),
            text,
            key: format!("{}-{}", event.id, self.entry.id),
        };
        let outcome = self.shared.settings.replies.reply(reply);
        let (me, seq) = (std::sync::Arc::clone(&self.me), record.seq);
        actix_rt::spawn(async move { me.send(Replied(seq, outcome.await)) });
        true
    }
}

/// The text of `{"reply": {"text": …}}`.
fn reply_text(body: &[u8]) -> Option<String> {
    let has_reply = body.starts_with(b"{") && body.windows(7).any(|part| part == b"\"reply\"");
    if !has_reply {
        return None;
    }
    let said: Said = serde_json::from_slice(body).ok()?;
    said.reply
        .map(|reply| reply.text)
        .filter(|text| !text.is_empty())
}

/// The answer as the platform takes it, or what is wrong with it.
fn checked_answer(event: &LoggedEvent, body: &[u8]) -> Result<Bytes, String> {
    let event_type = event.record.event_type.as_deref().unwrap_or_default();
    match event.platform() {
        Some(Platform::Feishu | Platform::Lark) => {
            let Some(shape) = AnswerShape::of(event_type) else {
                return Err("this event takes no answer".to_owned());
            };
            let answer = CardAnswer::parse(shape, body).map_err(|error| error.to_string())?;
            Ok(answer.json().clone())
        }
        Some(Platform::Wecom) => {
            let command = match event_type {
                "event.enter_chat" => Command::RespondWelcome,
                _ => Command::RespondUpdate,
            };
            let raw: &RawValue = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            check_body(command, raw).map_err(|refusal| refusal.to_string())?;
            Ok(Bytes::copy_from_slice(body))
        }
        None => Err("this event takes no answer".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_found_in_an_object_only() {
        for (body, expected) in [
            (r#"{"reply":{"text":"hi"}}"#, Some("hi")),
            (
                r#"{"toast":{}, "reply": {"text": "hi", "other": 1}}"#,
                Some("hi"),
            ),
            (r#"{"reply":{"text":""}}"#, None),
            (r#"{"reply":{}}"#, None),
            (r#"{"reply":"hi"}"#, None),
            (r#"["reply"]"#, None),
            ("ok", None),
        ] {
            assert_eq!(reply_text(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }
}
