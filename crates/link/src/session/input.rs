//! What a session is told.

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use bytestring::ByteString;
use longwire_wire::answer::Echo;
use longwire_wire::event::NewEvent;
use longwire_wire::wecom::CommandName;
use serde_json::value::RawValue;

use super::cards::{CardResult, CardTicket};
use crate::generation::Generation;
use crate::unparsed::Unparsed;

/// What is true around the connection at the moment of an input.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings {
    /// The monotonic clock.
    pub now: Instant,
    /// The wall clock, in milliseconds since 1970.
    pub unix_ms: i64,
    /// Whether the store's writer takes more.
    pub writer_has_room: bool,
    /// How much unfinished input this connection may hold, with what it holds already.
    pub unfinished_most_bytes: usize,
    /// What connections of this bot that ended hold until it is recorded.
    pub retained_bytes: usize,
    /// Whether an application claims the card events of this bot. Where none does, they are answered as any event.
    pub cards_claimed: bool,
}

/// Something happened. It cannot be printed: much of it is what the platform or an application said.
pub enum Input<P, A> {
    /// The upgrade is done. These bytes came with it.
    Opened(Bytes),
    /// One read brought this.
    Bytes(Bytes),
    /// Everything that had come was read.
    Empty,
    /// The other side sends nothing any more, or reading failed: with these words, if any.
    InputEnded(String),
    /// Writing failed.
    WriteFailed(String),
    /// Events are durable.
    Recorded(Vec<P>),
    /// The events of these tickets are not.
    NotRecorded(Vec<u32>, NotRecorded),
    /// What came of the last group.
    Submitted(Submitted),
    /// An earlier connection of this bot has events left, which come before ours in the log.
    HasPredecessors,
    /// It has none any more.
    MayRecord,
    /// Ask the platform whether it hears us.
    SendPing,
    /// A pinger is there, which knows nothing yet.
    PingerAttached,
    /// An assembler is there, which holds nothing yet.
    AssemblerAttached,
    /// The assembler holds nothing, after so many fragments.
    AssemblerEmpty(u32),
    /// The assembler joined a split push.
    Assembled(Whole),
    /// What became of the question of this ticket.
    CardAnswered(CardTicket, CardResult),
    /// Somebody asks the platform something.
    Request(SessionRequest<A>),
    /// What becomes of the frame of [`Action::UnparsedFrame`](super::Action::UnparsedFrame).
    Unparsed(Unparsed),
    /// Whether what is not recorded may be held, see [`Action::Retain`](super::Action::Retain).
    Retained(bool),
    /// End this connection.
    Close(CloseMode),
}

/// Why events are not durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotRecorded {
    /// A rule of the store's schema refuses them, now and later.
    Rule,
    /// The store is in trouble, or the writer ended.
    Trouble,
}

/// What the writer said to a group.
#[derive(Debug)]
pub enum Submitted {
    /// It has it.
    Accepted,
    /// It has no room; these are the group's events.
    Full(Vec<NewEvent>),
    /// It takes nothing any more, because the process ends. The events are reported as not recorded.
    Stopped,
}

/// A split push that is whole.
#[derive(Debug)]
pub struct Whole {
    /// The answer's frame.
    pub echo: Echo,
    /// The id that all its parts had.
    pub message_id: ByteString,
    /// The platform's trace of it.
    pub trace_id: Option<ByteString>,
    /// All parts joined.
    pub payload: Bytes,
}

/// A request of an application.
pub struct SessionRequest<A> {
    /// Which.
    pub command: CommandName,
    /// The `req_id` of the callback that is answered. The other commands get one of their own.
    pub req_id: Option<ByteString>,
    /// The body, a JSON object, if the frame has one.
    pub body: Option<Box<RawValue>>,
    /// Over this connection or not at all.
    pub over: Option<Generation>,
    /// Who is told.
    pub asker: A,
}

/// Without the body, which is an application's.
impl<A> fmt::Debug for SessionRequest<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRequest")
            .field("command", &self.command)
            .field(
                "body_bytes",
                &self.body.as_ref().map_or(0, |body| body.get().len()),
            )
            .finish_non_exhaustive()
    }
}

/// How a connection is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseMode {
    /// Answer what was read and close with 1000. Where the platform repeats what is not answered, nothing more is read;
    /// where not, the close frame goes first, and everything is recorded that comes until the platform has closed as well.
    Finish {
        /// At most this long.
        within: Duration,
    },
    /// The other side does not answer anyway, or nobody waits for its answer.
    Abandon,
    /// The actor that owned the connection is gone.
    ParentGone,
}
