//! What the show asks of the gateway.

/// A gateway that is shown. The names of its bots are those that the [`DemoStage`](super::DemoStage) gave.
pub trait ShownGateway {
    /// All of it in numbers.
    fn overview(&self) -> ShownOverview;

    /// One bot; `None` if there is none of this name.
    fn bot(&self, name: &str) -> Option<ShownBot>;
}

/// A gateway in numbers, counted since its start.
#[derive(Debug, Clone, Default)]
pub struct ShownOverview {
    /// Bots by their state, in the order they are shown in.
    pub by_state: Vec<(&'static str, u64)>,
    /// Events recorded.
    pub recorded: u64,
    /// Events that came again and were recognized.
    pub repeats: u64,
    /// Connections that replaced one.
    pub reconnects: u64,
    /// Connections that were found half-open.
    pub silent: u64,
    /// From the read of an event to its ACK.
    pub ack_latency: ShownLatency,
    /// From the read of an event until it is durable.
    pub record_latency: ShownLatency,
}

impl ShownOverview {
    /// Bots that are connected and have had a pong.
    pub(super) fn live(&self) -> u64 {
        let live = self.by_state.iter().find(|(state, _)| *state == LIVE);
        live.map_or(0, |&(_, bots)| bots)
    }
}

/// The state of a bot that is connected and has had a pong.
pub(super) const LIVE: &str = "live";

/// A latency, in microseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct ShownLatency {
    /// Of half of the events, at most.
    pub p50_us: u64,
    /// Of 99 in 100, at most.
    pub p99_us: u64,
}

/// One bot.
#[derive(Debug, Clone, Copy)]
pub struct ShownBot {
    /// Its state, as in [`ShownOverview::by_state`].
    pub state: &'static str,
    /// Connections that replaced one.
    pub reconnects: u64,
    /// Whole events that were read, repeats included.
    pub events: u64,
    /// Of these, repeats.
    pub repeats: u64,
}
