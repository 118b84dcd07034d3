//! What an actor says of its state when it is asked.

use longwire_fleet::view::{
    ActorState, AssemblerState, DispatchState, Inspection, InstallationState, PingerState,
    SenderState, SocketState, SupervisorState,
};
use serde::Serialize;

/// `POST /actors/inspect`.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct InspectionDocument(#[serde(with = "InspectionFields")] pub Inspection);

#[derive(Serialize)]
#[serde(remote = "Inspection", tag = "outcome", rename_all = "snake_case")]
enum InspectionFields {
    /// It answered.
    Answered {
        /// Its state.
        #[serde(rename = "words", with = "StateFields")]
        state: ActorState,
    },
    /// It did not answer within 500 ms: it is stuck or busy, look at its card.
    NoAnswer,
    /// Nothing lives at that path now.
    Absent,
}

#[derive(Serialize)]
#[serde(remote = "ActorState", untagged)]
enum StateFields {
    Supervisor(#[serde(with = "SupervisorFields")] SupervisorState),
    Dispatch(#[serde(with = "DispatchFields")] DispatchState),
    Installation(#[serde(with = "InstallationFields")] InstallationState),
    Socket(#[serde(with = "SocketFields")] SocketState),
    Pinger(#[serde(with = "PingerFields")] PingerState),
    Assembler(#[serde(with = "AssemblerFields")] AssemblerState),
    Sender(#[serde(with = "SenderFields")] SenderState),
}

// Fields of a state are in alphabetical order.

#[derive(Serialize)]
#[serde(remote = "SupervisorState")]
struct SupervisorFields {
    arbiters: usize,
    attempts_under_way: usize,
    draining: bool,
    installations: usize,
    running: usize,
    waiting_for_a_turn: usize,
}

#[derive(Serialize)]
#[serde(remote = "DispatchState")]
struct DispatchFields {
    batch_rows_high_water: u64,
    commits: u64,
    queue: u64,
    writer: &'static str,
}

#[derive(Serialize)]
#[serde(remote = "InstallationState")]
struct InstallationFields {
    attempts_exceeded: bool,
    generation: u64,
    next_due_ms: Option<i64>,
    ping_interval_s: u64,
    reconnect_interval_s: u64,
    reconnect_nonce_s: u64,
    reconnects: u64,
    state: &'static str,
}

#[derive(Serialize)]
#[serde(remote = "SocketState")]
struct SocketFields {
    arbiter: u16,
    awaiting_application: usize,
    generation: u64,
    phase: &'static str,
    reading: bool,
    shedding: bool,
    unanswered: usize,
    unanswered_bytes: usize,
    unread_bytes: usize,
    unsent_bytes: usize,
    waiting_for_predecessors: bool,
    waiting_for_the_writer: usize,
}

#[derive(Serialize)]
#[serde(remote = "PingerState")]
struct PingerFields {
    generation: u64,
    next_due_ms: Option<i64>,
    round_trip_us: Option<u64>,
}

#[derive(Serialize)]
#[serde(remote = "AssemblerState")]
struct AssemblerFields {
    held_bytes: usize,
    open_pushes: usize,
}

#[derive(Serialize)]
#[serde(remote = "SenderState")]
struct SenderFields {
    under_way: usize,
    waiting: usize,
}
