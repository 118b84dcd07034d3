//! The one place where a socket knows its platforms apart: what each says and wants to hear is in a file of its own.
//!
//! | | Feishu, Lark | WeCom |
//! |---|---|---|
//! | open | with the upgrade | when the subscription is confirmed |
//! | a message is | a protobuf frame | a JSON object |
//! | an event is answered | with 200 from a receipt, or 500 for a repeat | not at all; it is offered to the store until it is recorded |
//! | too much | is refused | waits unread |
//! | groups at the store | any number | one, so that a refusal changes no order |
//! | the end | answers what was read | records what was read and what still comes |

use super::Socket;
use super::feishu::{Feishu, Unanswered};
use super::inbound::Owed;
use super::news::Opened;
use super::pump::Ended;
use super::wecom::Wecom;
use crate::access::Access;
use bytes::Bytes;
use longwire_actor::send;
use longwire_link::{Backlog, Flight, Settled, Ticket, Timing};
use longwire_store::{Cause, NewEvent, Receipt, RecordOutcome};
use longwire_wire::frame::Frame;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// An event that nobody waits for an answer to waits as long as it takes.
const UNHURRIED: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// What the platform at the other end speaks.
pub(super) enum Session {
    Feishu(Feishu),
    Wecom(Box<Wecom>),
}

/// The content of one WebSocket message.
pub(super) enum Content {
    Binary(Bytes),
    Text(Bytes),
}

impl Session {
    pub(super) fn new(access: Access, timing: &Timing) -> Self {
        match access {
            Access::Feishu(url) => Self::Feishu(Feishu {
                service: url.service_id(),
            }),
            Access::Wecom { bot_id, secret, .. } => {
                Self::Wecom(Box::new(Wecom::new(bot_id, secret, timing)))
            }
        }
    }

    /// Whether what is not recorded is lost, since the platform neither waits for an answer nor sends anything again.
    pub(super) fn repeats_nothing(&self) -> bool {
        match self {
            Self::Feishu(_) => false,
            Self::Wecom(_) => true,
        }
    }

    /// How many groups the store may have at a time.
    pub(super) fn flight(&self) -> Flight {
        if self.repeats_nothing() {
            Flight::One
        } else {
            Flight::Many
        }
    }

    /// How many events may be unanswered where `most` are allowed at the store. With one group there at a time, as many
    /// are read meanwhile: were it one window for both, each group would be half as large, and a commit costs the same.
    pub(super) fn window_events(&self, most: usize) -> usize {
        match self.flight() {
            Flight::Many => most,
            Flight::One => 2 * most,
        }
    }

    /// Counts how far the connection is behind, where the platform hears a refusal.
    pub(super) fn backlog(&self) -> Option<Backlog> {
        match self {
            Self::Feishu(_) => Some(Backlog::default()),
            Self::Wecom(_) => None,
        }
    }

    /// How long an event may wait for the store.
    pub(super) fn answer_budget(&self, timing: &Timing) -> Duration {
        match self {
            Self::Feishu(_) => timing.answer_budget,
            Self::Wecom(_) => UNHURRIED,
        }
    }
}

impl Socket {
    /// The upgrade is done.
    pub(super) fn greet(&mut self) {
        match self.session {
            Session::Feishu(_) => self.tell_opened(),
            Session::Wecom(_) => self.subscribe(),
        }
    }

    pub(super) fn tell_opened(&self) {
        send(&*self.installation, Opened(self.generation));
    }

    /// One message of the platform.
    ///
    /// # Errors
    /// When it ends the connection.
    pub(super) fn take_message(&mut self, content: Content) -> Result<(), Ended> {
        match (&self.session, content) {
            (Session::Feishu(feishu), Content::Binary(bytes)) => {
                self.take_frame(feishu.service, bytes);
                Ok(())
            }
            (Session::Feishu(_), Content::Text(text)) => {
                self.malformed("text_message", text.len());
                Ok(())
            }
            // The platform sends text; its official clients read a binary message as the same JSON.
            (Session::Wecom(_), Content::Text(bytes) | Content::Binary(bytes)) => {
                self.take_json(bytes)
            }
        }
    }

    /// The pinger asks whether the platform hears us.
    pub(super) fn ask(&mut self) {
        match &self.session {
            Session::Feishu(feishu) => self.outbound.frame(&Frame::ping(feishu.service)),
            Session::Wecom(_) => self.ping(),
        }
    }

    /// An event is durable.
    pub(super) fn recorded(&mut self, receipt: Receipt, now: Instant) {
        let outcome = receipt.outcome();
        self.shared.totals.recorded(outcome);
        if matches!(outcome, RecordOutcome::Repeat { .. }) {
            self.bot.tally.repeats.fetch_add(1, Relaxed);
        }
        match self.window.settle(Ticket(receipt.ticket())) {
            Settled::Answer { kept, waited_since } => {
                let waited = now.saturating_duration_since(waited_since);
                match kept {
                    Owed::Answer(Unanswered { echo, .. }) => {
                        self.shared.totals.acknowledged(waited);
                        self.answer_recorded(echo, receipt, waited_since);
                    }
                    Owed::Record(_) => {
                        self.shared.totals.kept(waited);
                        drop(receipt);
                    }
                }
            }
            Settled::Late | Settled::Unknown => {
                self.shared.totals.late_receipts.fetch_add(1, Relaxed);
            }
        }
    }

    /// Events are not durable: the platform is asked to repeat them, or they are offered again.
    pub(super) fn not_recorded(&mut self, tickets: Vec<u32>, cause: Cause, now: Instant) {
        let mut events: Vec<NewEvent> = Vec::new();
        for ticket in tickets {
            let Settled::Answer { kept, waited_since } = self.window.settle(Ticket(ticket)) else {
                continue;
            };
            match kept {
                Owed::Answer(unanswered) => {
                    self.shared.totals.refused.fetch_add(1, Relaxed);
                    self.answer_refused(unanswered, waited_since);
                }
                Owed::Record(event) => events.push(*event),
            }
        }
        if !events.is_empty() {
            self.offer_again(events, cause, now);
        }
    }

    /// Whether the platform has confirmed that the bot's events come over this connection, where that takes a word.
    pub(super) fn is_subscribed(&self) -> bool {
        match &self.session {
            Session::Feishu(_) => false,
            Session::Wecom(wecom) => wecom.is_subscribed(),
        }
    }

    /// When something of the session is due that no input announces. [`tend_session`](Self::tend_session) acts on it, in
    /// every phase in which it may be due.
    pub(super) fn session_due(&self) -> Option<Instant> {
        match &self.session {
            Session::Feishu(_) => None,
            Session::Wecom(wecom) => wecom.poll_timeout(),
        }
    }

    /// Carries out what of it is due, and sends what can be sent.
    ///
    /// # Errors
    /// When it ends the connection.
    pub(super) fn tend_session(&mut self, now: Instant) -> Result<(), Ended> {
        match self.session {
            Session::Feishu(_) => Ok(()),
            Session::Wecom(_) => self.tend_requests(now),
        }
    }

    /// The connection is over; whoever waits for an answer over it is told.
    pub(super) fn end_session(&mut self) {
        if let Session::Wecom(wecom) = &mut self.session {
            wecom.end();
        }
    }
}
