//! What one client of a WeCom bot says and is told, as a machine.
//!
//! ```text
//! New ──aibot_subscribe──▶ Admitting ──ok──▶ Subscribed ──▶ callbacks out, commands in
//!                           │      ▲            │
//!                           │      └─a passing cause: asked again, until it is dropped
//!                           └─no─▶ Refused ──▶ dropped after a while, as nobody else closes it
//! ```
//! - The first frame that a client gets is the answer to its subscribe. What it says before that waits.
//! - A passing cause never refuses a subscribe: clients count refusals and stay away after a few. They are made to come
//!   again by dropping the connection.
//! - Nothing here tells a client that another one took its bot, whatever becomes of the bot's own connection.
//!
//! The end of a connection is a TCP connection that ends without a close frame, as the platform does it: the official
//! Python SDK does not come back after one with a close frame.

mod commands;
mod events;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::mem;
use std::time::{Duration, Instant};

use bytes::Bytes;
use longwire_consumer::DeliveryId;
use longwire_platform_server::wecom::{CommandResult, code};

use super::frame::{self, ClientFrame, Credentials, NoCommand};
use super::hand_over::HandOver;
use super::owners::{BotClients, ClientId};
use super::requests::{ClientRequests, Start};

/// So long a client may be connected without a subscribe. They send it with their first bytes.
const SUBSCRIBE: Duration = Duration::from_secs(30);

/// So long a subscribe waits for a passing cause to pass. The official clients wait for ever, others ten seconds.
const PASSING: Duration = Duration::from_secs(8);

/// The pause between two looks at it.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// A refused connection stays open so long, since the platform does not close it either.
const REFUSED: Duration = Duration::from_secs(60);

/// Refused subscribes of one connection.
const REFUSALS: u32 = 5;

/// After this silence of a client that has nothing in hand, its connection is dead. They ping every 30 s, the slowest that
/// is known subscribes again every 60 s.
const SILENCE: Duration = Duration::from_secs(300);

/// What a client may say before its subscribe is answered: frames, and their bytes.
const HELD: usize = 64;
const HELD_BYTES: usize = 1 << 20;

/// Messages of one connection that are no commands, before it is dropped.
const NONSENSE: u32 = 100;

/// What is to be done.
pub(crate) enum Action {
    /// Send this text.
    Text(Bytes),
    /// Find out whether these credentials are good, and say it with [`Session::handle_admitted`].
    Admit(Credentials),
    /// Pass this on over the bot's connection, and say what came of it with [`Session::handle_answer`].
    PassOn(Start),
    /// The client has this event, or gets nothing of it.
    Done(DeliveryId),
    /// End the connection, without a close frame.
    Drop(DropReason),
}

/// Why a connection is ended from here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DropReason {
    /// It did not subscribe.
    NoSubscribe,
    /// Its credentials are wrong. The client was told.
    Refused,
    /// It could not be admitted for now.
    NotReady,
    /// It subscribed again as somebody else.
    OtherCredentials,
    /// It answers no WebSocket pings, so nobody knows what it has.
    NoPongs,
    /// It was silent for too long.
    Silent,
    /// It said too much that is no command, or too much before its subscribe was answered.
    Nonsense,
    /// The bot was removed.
    BotRemoved,
}

impl DropReason {
    /// A stable name, for the log and the admin view.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::NoSubscribe => "no_subscribe",
            Self::Refused => "refused",
            Self::NotReady => "not_ready",
            Self::OtherCredentials => "other_credentials",
            Self::NoPongs => "no_pongs",
            Self::Silent => "silent",
            Self::Nonsense => "nonsense",
            Self::BotRemoved => "bot_removed",
        }
    }
}

/// What became of credentials.
pub(crate) enum Admission {
    /// They are good. Handlers of this consumer may take so long; `None` when the client subscribed before with the same.
    Admitted(Option<(ClientId, Duration)>),
    /// They are good, and other ones than before.
    Other,
    /// They are not.
    Wrong,
    /// It cannot be said, or not be served, for now.
    NotYet,
}

enum Phase {
    New { until: Instant },
    Admitting(Box<Admitting>),
    Subscribed(Box<Subscribed>),
    Refused { until: Instant },
    Dropped,
}

/// A subscribe that is not answered yet.
struct Admitting {
    req_id: String,
    credentials: Credentials,
    /// When it is looked again; `None` while it is being looked.
    again_at: Option<Instant>,
    until: Instant,
    /// What the client said meanwhile.
    held: VecDeque<Bytes>,
    held_bytes: usize,
}

struct Subscribed {
    client: ClientId,
    hand_over: HandOver,
    requests: ClientRequests,
    /// The `req_id` of a subscribe that was repeated and is not answered.
    again: Option<String>,
}

/// What one client of a WeCom bot says and is told.
pub(crate) struct Session {
    phase: Phase,
    actions: VecDeque<Action>,
    heard_at: Instant,
    refusals: u32,
    nonsense: u32,
    /// Numbers our own answers.
    answers: u64,
}

impl Session {
    /// A client whose upgrade is done.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            phase: Phase::New {
                until: now + SUBSCRIBE,
            },
            actions: VecDeque::new(),
            heard_at: now,
            refusals: 0,
            nonsense: 0,
            answers: 0,
        }
    }

    /// The client sent a text, or the same as binary.
    pub(crate) fn handle_message(&mut self, bytes: Bytes, clients: &mut BotClients, now: Instant) {
        self.heard(now);
        if let Phase::Admitting(admitting) = &mut self.phase {
            admitting.held_bytes += bytes.len();
            admitting.held.push_back(bytes);
            if admitting.held.len() > HELD || admitting.held_bytes > HELD_BYTES {
                self.drop_connection(DropReason::Nonsense);
            }
            return;
        }
        self.take(&bytes, clients, now);
    }

    fn take(&mut self, bytes: &[u8], clients: &mut BotClients, now: Instant) {
        match ClientFrame::parse(bytes) {
            Ok(frame) => self.command(frame, clients, now),
            Err(NoCommand::Answer) => {}
            Err(NoCommand::Unreadable) => {
                self.nonsense += 1;
                if self.nonsense > NONSENSE {
                    self.drop_connection(DropReason::Nonsense);
                }
            }
        }
    }

    /// The client answered a WebSocket ping.
    pub(crate) fn handle_pong(&mut self, payload: &[u8], now: Instant) {
        self.heard_at = now;
        if let Phase::Subscribed(subscribed) = &mut self.phase {
            let proved = subscribed.hand_over.handle_pong(payload);
            self.actions.extend(proved.into_iter().map(Action::Done));
        }
    }

    /// Anything else came from the client.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard_at = now;
        if let Phase::Subscribed(subscribed) = &mut self.phase {
            subscribed.hand_over.heard(now);
        }
    }

    /// What became of the credentials of [`Action::Admit`].
    pub(crate) fn handle_admitted(
        &mut self,
        admission: Admission,
        clients: &mut BotClients,
        now: Instant,
    ) {
        match mem::replace(&mut self.phase, Phase::Dropped) {
            Phase::Admitting(admitting) => {
                self.first_admission(*admitting, admission, clients, now)
            }
            Phase::Subscribed(mut subscribed) => {
                let req_id = subscribed.again.take();
                self.phase = Phase::Subscribed(subscribed);
                self.repeated_admission(req_id, &admission);
            }
            other @ (Phase::New { .. } | Phase::Refused { .. } | Phase::Dropped) => {
                self.phase = other;
            }
        }
    }

    fn first_admission(
        &mut self,
        mut admitting: Admitting,
        admission: Admission,
        clients: &mut BotClients,
        now: Instant,
    ) {
        match admission {
            Admission::Admitted(Some((client, handler_limit))) => {
                self.phase = Phase::Subscribed(Box::new(Subscribed {
                    client,
                    hand_over: HandOver::new(handler_limit),
                    requests: ClientRequests::default(),
                    again: None,
                }));
                self.answer(&admitting.req_id, &CommandResult::ok());
                for bytes in admitting.held {
                    self.take(&bytes, clients, now);
                }
            }
            Admission::Wrong => {
                let until = now + REFUSED;
                self.phase = Phase::Refused { until };
                self.refusals += 1;
                let refused = CommandResult::refused(code::BAD_CREDENTIALS);
                self.answer(&admitting.req_id, &refused);
                if self.refusals >= REFUSALS {
                    self.drop_connection(DropReason::Refused);
                }
            }
            Admission::Admitted(None) | Admission::Other | Admission::NotYet => {
                admitting.again_at = Some(now + LOOK_AGAIN);
                self.phase = Phase::Admitting(Box::new(admitting));
            }
        }
    }

    fn repeated_admission(&mut self, req_id: Option<String>, admission: &Admission) {
        match (req_id, admission) {
            (Some(req_id), Admission::Admitted(_)) => self.answer(&req_id, &CommandResult::ok()),
            (Some(req_id), Admission::Wrong) => {
                self.answer(&req_id, &CommandResult::refused(code::BAD_CREDENTIALS));
                self.drop_connection(DropReason::Refused);
            }
            (_, Admission::Other) => self.drop_connection(DropReason::OtherCredentials),
            (Some(_), Admission::NotYet) => self.drop_connection(DropReason::NotReady),
            (None, _) => {}
        }
    }

    /// The time of [`poll_timeout`](Self::poll_timeout) has come; harmless when early.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let reason = match &mut self.phase {
            Phase::New { until } if *until <= now => DropReason::NoSubscribe,
            Phase::Refused { until } if *until <= now => DropReason::Refused,
            Phase::Admitting(admitting) if admitting.until <= now => DropReason::NotReady,
            Phase::Admitting(admitting) => {
                if admitting.again_at.is_some_and(|at| at <= now) {
                    admitting.again_at = None;
                    let again = admitting.credentials.again();
                    self.actions.push_back(Action::Admit(again));
                }
                return;
            }
            Phase::Subscribed(subscribed) => {
                let expired = subscribed.requests.expire(now);
                let is_unproved = subscribed.hand_over.poll_timeout();
                let is_silent =
                    !subscribed.hand_over.is_waiting() && self.heard_at + SILENCE <= now;
                for req_id in expired {
                    self.answer(
                        &req_id,
                        &events::not_sent("it waited for others of this req_id"),
                    );
                }
                if is_unproved.is_some_and(|due| due <= now) {
                    DropReason::NoPongs
                } else if is_silent {
                    DropReason::Silent
                } else {
                    return;
                }
            }
            Phase::New { .. } | Phase::Refused { .. } | Phase::Dropped => return,
        };
        self.drop_connection(reason);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match &self.phase {
            Phase::New { until } | Phase::Refused { until } => Some(*until),
            Phase::Admitting(admitting) => {
                let due = admitting.again_at.unwrap_or(admitting.until);
                Some(due.min(admitting.until))
            }
            Phase::Subscribed(subscribed) => {
                let silent = (!subscribed.hand_over.is_waiting()).then(|| self.heard_at + SILENCE);
                let due = [
                    silent,
                    subscribed.hand_over.poll_timeout(),
                    subscribed.requests.poll_timeout(),
                ];
                due.into_iter().flatten().min()
            }
            Phase::Dropped => None,
        }
    }

    /// What is to be done next.
    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        let action = self.actions.pop_front();
        if action.is_none() {
            // Most clients are idle, and there are thousands.
            self.actions = VecDeque::new();
        }
        action
    }

    /// The payload of the ping that goes behind the events that were sent since the last one. Asked for once all events that
    /// there were are sent.
    pub(crate) fn poll_ping(&mut self, now: Instant) -> Option<[u8; 8]> {
        self.subscribed_mut()?.hand_over.poll_ping(now)
    }

    /// Whether the client is waiting for the answer to its subscribe: what it says is better left in its socket.
    pub(crate) fn is_admitting(&self) -> bool {
        matches!(self.phase, Phase::Admitting(_))
    }

    /// Whether the client has an event that is not proved, or waits for an answer.
    pub(crate) fn is_busy(&self) -> bool {
        let subscribed = self.subscribed();
        subscribed.is_some_and(|it| it.hand_over.is_waiting() || it.requests.len() > 0)
    }

    /// Requests of the client that are not answered.
    pub(crate) fn requests(&self) -> usize {
        let subscribed = self.subscribed();
        subscribed.map_or(0, |subscribed| subscribed.requests.len())
    }

    fn subscribed(&self) -> Option<&Subscribed> {
        match &self.phase {
            Phase::Subscribed(subscribed) => Some(subscribed),
            Phase::New { .. } | Phase::Admitting(_) | Phase::Refused { .. } | Phase::Dropped => {
                None
            }
        }
    }

    fn subscribed_mut(&mut self) -> Option<&mut Subscribed> {
        match &mut self.phase {
            Phase::Subscribed(subscribed) => Some(subscribed),
            Phase::New { .. } | Phase::Admitting(_) | Phase::Refused { .. } | Phase::Dropped => {
                None
            }
        }
    }

    fn drop_connection(&mut self, reason: DropReason) {
        if !matches!(self.phase, Phase::Dropped) {
            self.phase = Phase::Dropped;
            self.actions.push_back(Action::Drop(reason));
        }
    }

    fn answer(&mut self, req_id: &str, result: &CommandResult) {
        self.answers += 1;
        let text = frame::answer(req_id, result, self.answers);
        self.actions.push_back(Action::Text(text));
    }
}
