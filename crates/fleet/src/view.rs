//! What the fleet says of itself: one snapshot from which the admin JSON, the metrics, the demo's summary and later the
//! page are made, so that they cannot disagree.
//!
//! Everything here is plain data made from cards, lights and totals. Making a view asks no actor: one that is stuck shows
//! as stuck instead of keeping the reader waiting. Only an [`Inspection`] comes from an actor itself.

mod inspection;

pub use inspection::{
    ActorState, AssemblerState, DispatchState, Inspection, InstallationState, PingerState,
    SenderState, SocketState, SupervisorState,
};
pub use longwire_actor::ActorView;

use longwire_store::DiskConcern;
use std::collections::BTreeMap;

use longwire_access::Space;
use longwire_installation::Desired;

/// The whole fleet in one look.
#[derive(Debug, Clone)]
pub struct Overview {
    /// When this fleet started, Unix milliseconds.
    pub started_ms: i64,
    /// When this view was made, Unix milliseconds.
    pub now_ms: i64,
    /// Installations this process knows.
    pub installations: u64,
    /// Installations by state label (`live`, `backing_off`, …); states nobody is in are absent.
    pub by_state: BTreeMap<&'static str, u64>,
    /// Installations to which more came lately than could be recorded in time.
    pub overloaded: u64,
    /// Installations whose last attempts failed, five in a row or more.
    pub alarms: u64,
    /// Living actors by kind.
    pub actors: BTreeMap<&'static str, u64>,
    /// Events since the start.
    pub events: EventTotals,
    /// Answers to the platform since the start.
    pub answers: AnswerTotals,
    /// Questions to applications about card events since the start.
    pub cards: CardTotals,
    /// Callbacks since the start, by what became of them: `challenged`, `recorded`, `repeated`, and each cause of a refusal.
    pub callbacks: BTreeMap<&'static str, u64>,
    /// Connections since the start.
    pub connections: ConnectionTotals,
    /// Input that could not be understood, by kind, since the start.
    pub malformed: BTreeMap<&'static str, u64>,
    /// Time from the read of an event's last byte until it is durable and its ACK is encoded, in microseconds. Of
    /// platforms that ask for an ACK, but for the card events that an application claims.
    pub ack_latency_us: Quantiles,
    /// Time from the read of an event's last byte until it is durable, in microseconds. Of platforms that ask for no ACK.
    pub record_latency_us: Quantiles,
    /// Time from the read of a card event's last byte until its answer is encoded, in microseconds. Of those that an
    /// application claims.
    pub card_latency_us: Quantiles,
    /// Time from the head of a callback until its event is durable, in microseconds. Of all but card events that an
    /// application claims.
    pub callback_latency_us: Quantiles,
    /// The store.
    pub store: StoreView,
    /// What the limit on open files leaves to connections.
    pub connection_limit: ConnectionLimitView,
    /// True while the fleet is draining.
    pub draining: bool,
}

/// Events since the start.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventTotals {
    /// Whole events read from connections, repeats included.
    pub received: u64,
    /// Events that were new and are durable now.
    pub recorded: u64,
    /// Repeats found by the platform's event id.
    pub repeats_by_event_id: u64,
    /// Repeats found by message id and revision under a fresh event id.
    pub repeats_by_message: u64,
    /// Of the received, those whose payload could not be understood (recorded all the same).
    pub unparsed: u64,
    /// Frames that could not be understood and were not recorded: they exceeded what is kept of such for one bot and hour.
    /// Of platforms that repeat nothing.
    pub unparsed_dropped: u64,
    /// Split pushes put together.
    pub assembled: u64,
}

/// Answers to the platform since the start.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnswerTotals {
    /// Answered 200, each from a receipt.
    pub acked: u64,
    /// Answered 500 because the store did not record the event.
    pub refused: u64,
    /// Answered 500 because no receipt came within the budget.
    pub refused_late: u64,
    /// Answered 500 at once and unseen, because more came than can be recorded in time.
    pub shed: u64,
    /// Receipts that came after such a 500; the platform's repeat finds the row.
    pub late_receipts: u64,
    /// Receipts whose connection was gone; the platform's repeat finds the row.
    pub orphaned_receipts: u64,
    /// Events that were read, that nobody repeats, and that are lost: a rule of the schema refused them, the process ended
    /// before the store's trouble did, or connections that ended kept too much already.
    pub unrecorded: u64,
}

/// Questions to applications about card events since the start.
#[derive(Debug, Clone, Copy, Default)]
pub struct CardTotals {
    /// Questions asked. Those about events that no application claims after all have no other number.
    pub asked: u64,
    /// Card events answered as the application said.
    pub answered: u64,
    /// Card events of which it said nothing in time, or was not asked for lack of time or room. They got the default
    /// answer; WeCom was sent nothing.
    pub defaulted: u64,
    /// Answers of applications that came too late.
    pub late: u64,
}

/// Connections since the start.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConnectionTotals {
    /// Attempts begun.
    pub attempts: u64,
    /// Connections that opened.
    pub opened: u64,
    /// Connections that ended after they had opened.
    pub lost: u64,
    /// Of the opened, those that replaced an earlier one.
    pub reconnects: u64,
    /// Of these, those that were made with changed access beside the earlier one, which was closed once they were proved.
    pub renewed: u64,
    /// Changed access that the platform did not take, so that the earlier connection went on.
    pub renewals_failed: u64,
    /// Connections found half-open: a question without an answer.
    pub silent: u64,
    /// Connections that ended before everything was read that had come over them, where the platform sends nothing again.
    pub left_unread: u64,
    /// Actors that panicked.
    pub panics: u64,
}

/// The connections that the limit on open files allows, after the files that the process needs for itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConnectionLimitView {
    /// How many may be open at once; `None` when there is no limit.
    pub limit: Option<u64>,
    /// Of them, how many are open, being opened, or kept for a bot that was connected and is about to be again.
    pub held: u64,
    /// Installations that wait for one.
    pub waiting: u64,
}

/// A distribution in four numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quantiles {
    /// Values counted.
    pub count: u64,
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// Largest.
    pub max: u64,
}

/// The store as the fleet sees it.
#[derive(Debug, Clone)]
pub struct StoreView {
    /// `ok` or `degraded`.
    pub state: &'static str,
    /// Why it is degraded (`disk_full`, `locked`, …).
    pub cause: Option<&'static str>,
    /// The cause in the database's words.
    pub detail: Option<String>,
    /// What an operator can do.
    pub advice: Option<&'static str>,
    /// Since when, Unix milliseconds.
    pub since_ms: Option<i64>,
    /// Events waiting for the writer or in its hands.
    pub queue: u64,
    /// The most that ever waited.
    pub queue_high_water: u64,
    /// Transactions committed.
    pub commits: u64,
    /// Timeline notes dropped because the writer was busy.
    pub notes_dropped: u64,
    /// What becomes a trouble of the store unless somebody does something about it.
    pub concerns: Vec<DiskConcern>,
}

/// One installation, as far as its own facts go.
#[derive(Debug, Clone)]
pub struct InstallationView {
    /// Public id, `ins_…`.
    pub id: String,
    /// The operator's name for it.
    pub name: String,
    /// Who owns it.
    pub space: Space,
    /// `feishu` or `lark`.
    pub platform: &'static str,
    /// The platform's app id.
    pub app_id: String,
    /// `run` or `stop`.
    pub desired: &'static str,
    /// State label (`live`, `backing_off`, `refused`, …).
    pub state: &'static str,
    /// The same in the four words of the reference systems.
    pub legacy_state: &'static str,
    /// Since when, Unix milliseconds.
    pub state_since_ms: i64,
    /// When it goes on by itself (backing off, refused, displaced with a take-back, restarting), Unix milliseconds.
    pub until_ms: Option<i64>,
    /// Attempts since the last success.
    pub attempt: u32,
    /// Why it is not live: stable label.
    pub reason: Option<String>,
    /// Why it is not live, for people.
    pub reason_text: Option<String>,
    /// What to do about it.
    pub next_step: Option<String>,
    /// Generation of the current or last connection.
    pub generation: u64,
    /// What came of the latest change of its access, while it was connected.
    pub renewal: Option<RenewalView>,
    /// The lights beside the state.
    pub lights: Lights,
    /// The callbacks to it, if there were any since the start.
    pub callbacks: Option<CallbackView>,
}

/// The names that the state of an installation may have.
pub const STATE_LABELS: [&str; 10] = longwire_link::State::LABELS;

impl InstallationView {
    /// Whether it is wanted, needs a connection and has none.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.desired == Desired::Run.label() && !matches!(self.state, "live" | "webhook")
    }
}

/// The callbacks to an installation since the start.
#[derive(Debug, Clone)]
pub struct CallbackView {
    /// The last request of any kind, Unix milliseconds.
    pub last_ms: Option<i64>,
    /// The last one whose event is recorded, Unix milliseconds.
    pub last_recorded_ms: Option<i64>,
    /// How many there were, by what became of them.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// The last one that was not recorded.
    pub last_refusal: Option<RefusedCallback>,
    /// What to do where callbacks come although the mode of the installation says otherwise.
    pub unexpected: Option<&'static str>,
}

/// A callback that was not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedCallback {
    /// When it came, Unix milliseconds.
    pub at_ms: i64,
    /// Why it was not recorded, by a stable name.
    pub cause: &'static str,
    /// What to do about it.
    pub hint: &'static str,
}

/// What came of a change of a bot's secret, address or proxy that was tried on a second connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalView {
    /// When this was known, Unix milliseconds.
    pub at_ms: i64,
    /// What came of it.
    pub outcome: RenewalOutcome,
    /// Whether it was about a new secret that waited, and not about a changed row.
    pub is_of_candidate: bool,
    /// Why it was not proved, for people.
    pub reason: Option<String>,
    /// What to do about it.
    pub next_step: Option<&'static str>,
    /// The generation of the second connection.
    pub generation: u64,
    /// How long the bot had no connection, in milliseconds.
    pub gap_ms: u64,
}

/// What came of a second connection with changed access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewalOutcome {
    /// It serves.
    Proved,
    /// The platform does not take the access.
    Refused,
    /// The platform could not be asked.
    Failed,
    /// Nobody wanted it any more.
    GivenUp,
}

impl RenewalOutcome {
    /// A stable name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
        }
    }
}

/// What stands beside the state: each light is a fact of its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lights {
    /// When the connection opened, Unix milliseconds.
    pub connected_ms: Option<i64>,
    /// Last inbound bytes, Unix milliseconds.
    pub last_heard_ms: Option<i64>,
    /// Round trip of the last answered ping, microseconds.
    pub pong_round_trip_us: Option<u64>,
    /// Last event, Unix milliseconds.
    pub last_event_ms: Option<i64>,
    /// No event since this process started, although it has been live: the console's subscription may be wrong.
    pub never_heard_an_event: bool,
    /// The platform set a limit of attempts and it is exceeded; we go on all the same.
    pub attempts_exceeded: bool,
    /// Failures in a row since a connection lasted.
    pub failures: u32,
    /// Five of these or more: somebody should look. Over when a connection has lasted.
    pub alarm: bool,
    /// Rebuilds after a stop, an error or a panic.
    pub restarts: u64,
    /// Connections after the first.
    pub reconnects: u64,
    /// Events received, repeats included.
    pub events: u64,
    /// Of them, repeats.
    pub repeats: u64,
    /// Answered 200.
    pub acked: u64,
    /// Answered 500.
    pub refused: u64,
    /// Of them, those that came faster than they can be recorded in time.
    pub shed: u64,
    /// More came lately than could be recorded in time.
    pub overloaded: bool,
    /// Questions to applications about card events.
    pub cards: CardTotals,
    /// Events not yet answered.
    pub unanswered: u64,
    /// Events that were read, that nobody repeats, and that are lost.
    pub unrecorded: u64,
    /// Connections that ended before everything was read that had come over them. Nobody repeats it.
    pub left_unread: u64,
    /// Frames and parts that were not understood.
    pub malformed: u64,
    /// Of these, what was recorded all the same, as an event without a type.
    pub unparsed: u64,
    /// Of these, what nobody repeats and was not recorded: more than is kept of such for one bot and hour.
    pub unparsed_dropped: u64,
}

/// What a drain ended with. Every installation is either closed or abandoned.
#[derive(Debug, Clone, Copy, Default)]
pub struct Drained {
    /// Installations that have nothing in hand any more: their connections answered everything and closed in order, or
    /// there was none.
    pub closed: u64,
    /// Installations that did not finish in time.
    pub abandoned: u64,
    /// Events read but not answered, or of WeCom not recorded. Feishu and Lark repeat them, WeCom does not.
    pub unanswered: u64,
}
