//! What an actor says of itself when it is asked: one type per kind of actor.

use actix::Handler;
use longwire_actor::{Asked, Inspect, Mailbox, TreeActor};
use std::sync::Arc;

/// What came of asking an actor for its state.
#[derive(Debug, Clone)]
pub enum Inspection {
    /// It answered.
    Answered {
        /// Its state.
        state: ActorState,
    },
    /// It did not answer within 500 ms: it is stuck or busy, look at its card.
    NoAnswer,
    /// Nothing lives at that path now.
    Absent,
}

impl<T: Into<ActorState>> From<Asked<T>> for Inspection {
    fn from(asked: Asked<T>) -> Self {
        match asked {
            Asked::Answered(state) => Self::Answered {
                state: state.into(),
            },
            Asked::NoAnswer => Self::NoAnswer,
            Asked::Gone => Self::Absent,
        }
    }
}

impl Inspection {
    /// Asks an actor, if there is one.
    pub(crate) fn of<A, S>(
        mailbox: Option<&Arc<Mailbox<A>>>,
    ) -> impl Future<Output = Self> + use<A, S>
    where
        A: TreeActor + Handler<Inspect<S>>,
        S: Into<ActorState> + Send + 'static,
    {
        let asked = mailbox.map(|mailbox| mailbox.ask(Inspect::<S>::new(), Inspect::<S>::LIMIT));
        async move {
            match asked {
                Some(asked) => Self::from(asked.await),
                None => Self::Absent,
            }
        }
    }
}

/// An actor's state, by the kind of actor.
#[derive(Debug, Clone)]
pub enum ActorState {
    /// Of the supervisor.
    Supervisor(SupervisorState),
    /// Of the actor that keeps the store's writer alive.
    Dispatch(DispatchState),
    /// Of one bot's installation.
    Installation(InstallationState),
    /// Of one connection's socket.
    Socket(SocketState),
    /// Of one connection's pinger.
    Pinger(PingerState),
    /// Of one connection's assembler.
    Assembler(AssemblerState),
    /// Of one bot's sender.
    Sender(SenderState),
}

macro_rules! is_the_state_of {
    ($($state:ident => $actor:ident),+ $(,)?) => {
        $(impl From<$state> for ActorState {
            fn from(state: $state) -> Self {
                Self::$actor(state)
            }
        })+
    };
}

is_the_state_of! {
    SupervisorState => Supervisor,
    DispatchState => Dispatch,
    InstallationState => Installation,
    SocketState => Socket,
    PingerState => Pinger,
    AssemblerState => Assembler,
    SenderState => Sender,
}

/// The supervisor's state.
#[derive(Debug, Clone, Copy)]
pub struct SupervisorState {
    /// Installations it knows.
    pub installations: usize,
    /// Of them, those that run.
    pub running: usize,
    /// Threads that carry installations.
    pub arbiters: usize,
    /// Installations that wait for a permit to connect.
    pub waiting_for_a_turn: usize,
    /// Attempts that had a permit and are not over.
    pub attempts_under_way: usize,
    /// Whether a drain is under way.
    pub draining: bool,
}

/// The state of the actor that keeps the store's writer alive.
#[derive(Debug, Clone, Copy)]
pub struct DispatchState {
    /// `writing`, `rebuilding`, `draining` or `ended`.
    pub writer: &'static str,
    /// Transactions committed.
    pub commits: u64,
    /// Events with the writer.
    pub queue: u64,
    /// The most rows that one transaction had.
    pub batch_rows_high_water: u64,
}

/// An installation's state.
#[derive(Debug, Clone, Copy)]
pub struct InstallationState {
    /// State label of its link.
    pub state: &'static str,
    /// Generation of the current or last connection.
    pub generation: u64,
    /// Connections after the first.
    pub reconnects: u64,
    /// The platform set a limit of attempts and it is exceeded.
    pub attempts_exceeded: bool,
    /// Seconds between pings.
    pub ping_interval_s: u64,
    /// What the platform says of the pause between attempts, in seconds.
    pub reconnect_interval_s: u64,
    /// What the platform says of the pause before the first attempt, in seconds.
    pub reconnect_nonce_s: u64,
    /// When its link acts next by itself, Unix milliseconds.
    pub next_due_ms: Option<i64>,
}

/// A socket's state.
#[derive(Debug, Clone, Copy)]
pub struct SocketState {
    /// Generation of its connection.
    pub generation: u64,
    /// `dialing`, `open`, `finishing`, `leaving`, `ending`, `keeping` or `over`.
    pub phase: &'static str,
    /// The arbiter it runs on.
    pub arbiter: u16,
    /// Events that were read and are not answered or recorded.
    pub unanswered: usize,
    /// Their payloads.
    pub unanswered_bytes: usize,
    /// Card events that are recorded and wait for the application's answer.
    pub awaiting_application: usize,
    /// Read, and not a whole message yet.
    pub unread_bytes: usize,
    /// Written here, and not taken by the kernel yet.
    pub unsent_bytes: usize,
    /// Events that the writer has not taken yet.
    pub waiting_for_the_writer: usize,
    /// Whether an earlier connection of the bot has to record what it brought first.
    pub waiting_for_predecessors: bool,
    /// Whether it reads.
    pub reading: bool,
    /// Whether more comes than can be recorded in time, so that some of it is refused unseen.
    pub shedding: bool,
}

/// A pinger's state.
#[derive(Debug, Clone, Copy)]
pub struct PingerState {
    /// Generation of its connection.
    pub generation: u64,
    /// When it asks next or gives up, Unix milliseconds.
    pub next_due_ms: Option<i64>,
    /// Round trip of the last answered ping, microseconds.
    pub round_trip_us: Option<u64>,
}

/// An assembler's state.
#[derive(Debug, Clone, Copy)]
pub struct AssemblerState {
    /// Split pushes that lack a part.
    pub open_pushes: usize,
    /// Bytes of their parts.
    pub held_bytes: usize,
}

/// A sender's state.
#[derive(Debug, Clone, Copy)]
pub struct SenderState {
    /// Messages that the platform was asked to send and has not answered.
    pub under_way: usize,
    /// Messages that wait for their turn.
    pub waiting: usize,
}
