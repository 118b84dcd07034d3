//! The way from a card event to the application that claims it, and of its answer back to the socket.
//!
//! ```text
//! socket ──CardQuestion──▶ CardBroker ──▶ the application
//!    ▲                                          │
//!    └───────CardAnswered────── CardReply ◀─────┘
//! ```
//! A request that brings a card event by HTTP takes the socket's place (`fleet/fleet/callbacks/asking.rs`).
//!
//! The event is durable before anybody is asked. When its answer comes too late, or never, the session answers by itself
//! (`link/session/cards.rs`); so a broker can lose a question without harm.

mod tally;

use actix::Message;
use bytes::Bytes;
use bytestring::ByteString;
use longwire_actor::{Receives, panic_text, send};
use longwire_installation::{InstallationId, Platform};
use longwire_link::session::{CardEvent, CardResult, CardSettings, CardTicket};
use longwire_wire::event::Seq;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

pub(crate) use tally::CardTally;

/// Asks applications for the answers to card events. Both methods are called on an arbiter, between the events of many
/// bots: they must not block.
pub trait CardBroker: Send + Sync {
    /// Whether an application claims the card events of this installation. Called several times per read burst of each bot,
    /// so it takes some nanoseconds; it must not panic.
    fn claims(&self, installation: InstallationId) -> bool;

    /// Passes a question on. A panic here is logged and the event is answered by default.
    fn ask(&self, question: CardQuestion);
}

/// A card event that is recorded, and whose answer is the application's: a click on a card, the preview of a link, or of
/// WeCom a first visit of a chat.
pub struct CardQuestion {
    /// The bot.
    pub installation: InstallationId,
    /// Its platform, which says what an answer looks like.
    pub platform: Platform,
    /// The event's place in the log. The same event may be asked about again over another connection
    /// ([`is_repeat`](Self::is_repeat)).
    pub seq: Seq,
    /// Whether the event was recorded before, so that the application may have been asked already.
    pub is_repeat: bool,
    /// The platform's type, such as `card.action.trigger` or `event.template_card_event`.
    pub event_type: ByteString,
    /// The platform's id of the event.
    pub event_id: Option<ByteString>,
    /// The chat it belongs to, where its type has one.
    pub chat: Option<ByteString>,
    /// When we had the whole of it, in milliseconds since 1970.
    pub received_ms: i64,
    /// The platform's bytes. They share memory with the record: let go of them when the question is answered.
    pub payload: Bytes,
    /// An answer that comes later is not used.
    pub due: Instant,
    /// Where the answer goes.
    pub reply: CardReply,
}

impl CardQuestion {
    pub(crate) fn new(
        installation: InstallationId,
        platform: Platform,
        is_repeat: bool,
        event: CardEvent,
        reply: CardReply,
    ) -> Self {
        let CardEvent {
            event_type,
            event_id,
            chat,
            received_ms,
            payload,
            due,
        } = event;
        Self {
            installation,
            platform,
            seq: reply.ticket.seq(),
            is_repeat,
            event_type,
            event_id,
            chat,
            received_ms,
            payload,
            due,
            reply,
        }
    }
}

/// Without the payload, which is what a user did.
impl fmt::Debug for CardQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardQuestion")
            .field("installation", &self.installation)
            .field("seq", &self.seq)
            .field("is_repeat", &self.is_repeat)
            .field("event_type", &self.event_type)
            .finish_non_exhaustive()
    }
}

/// The way of one answer back to the connection or request that its event came over. Dropping it says that there is none: the event is
/// then answered by default at once, or of WeCom not at all.
pub struct CardReply {
    asker: Arc<dyn Receives<CardAnswered>>,
    ticket: CardTicket,
    result: CardResult,
}

impl CardReply {
    pub(crate) fn new(asker: Arc<dyn Receives<CardAnswered>>, ticket: CardTicket) -> Self {
        Self {
            asker,
            ticket,
            result: CardResult::Unanswered,
        }
    }

    /// Answers with a JSON document that the platform takes; nobody looks at it any more. For Feishu and Lark it is the
    /// result (`toast`, `card`, `inline`) that goes into the ACK, for WeCom the body of `aibot_respond_update_msg` or
    /// `aibot_respond_welcome_msg`. An answer behind the deadline, or to a connection that is gone, is not used.
    pub fn answer(mut self, result_json: Bytes) {
        self.result = CardResult::Answered(result_json);
    }

    /// Says that no application claims this event, so that it is answered as any event, without the default.
    pub fn unclaimed(mut self) {
        self.result = CardResult::Unclaimed;
    }
}

impl Drop for CardReply {
    fn drop(&mut self) {
        let result = std::mem::replace(&mut self.result, CardResult::Unanswered);
        send(&*self.asker, CardAnswered(self.ticket, result));
    }
}

impl fmt::Debug for CardReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardReply")
            .field("ticket", &self.ticket)
            .finish_non_exhaustive()
    }
}

/// The application answered a question, or has nothing to say. From a `CardReply`, once per question; a session has asked no
/// more of them at a time than half its window.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct CardAnswered(pub(crate) CardTicket, pub(crate) CardResult);

/// Who is asked about card events, and what is answered when nobody answers.
#[derive(Clone, Default)]
pub struct CardAnswering {
    /// Who passes questions on. Without one, card events are answered as any event.
    pub broker: Option<Arc<dyn CardBroker>>,
    /// The deadline, and the default result.
    pub settings: CardSettings,
}

/// The same, as the sockets use it.
pub(crate) struct CardAsker {
    broker: Option<Arc<dyn CardBroker>>,
    settings: Arc<CardSettings>,
}

impl CardAsker {
    pub(crate) fn new(CardAnswering { broker, settings }: CardAnswering) -> Self {
        Self {
            broker,
            settings: Arc::new(settings),
        }
    }

    /// What sessions are told; `None` where nobody is ever asked.
    pub(crate) fn settings(&self) -> Option<&Arc<CardSettings>> {
        self.broker.as_ref().map(|_| &self.settings)
    }

    pub(crate) fn claims(&self, installation: InstallationId) -> bool {
        (self.broker.as_ref()).is_some_and(|broker| broker.claims(installation))
    }

    /// Passes a question on. Whatever becomes of it, the socket hears; the error is the text of the broker's panic. The
    /// socket is not the broker's, and the other events of its bot do not suffer from it.
    pub(crate) fn ask(&self, question: CardQuestion) -> Result<(), String> {
        let Some(broker) = &self.broker else {
            return Ok(());
        };
        catch_unwind(AssertUnwindSafe(|| broker.ask(question)))
            .map_err(|panic| panic_text(panic.as_ref()))
    }
}
