//! Every duration the machines obey, as one value.

use std::time::Duration;

/// How long things may take and how far apart they are. Machines receive it as a value, so nothing behaves
/// differently because it runs under test.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Timing {
    /// The HTTP call that asks for a connection URL. The official Node SDK waits as long; the Go and
    /// Python ones for ever (oapi-sdk-python#169).
    pub bootstrap: Duration,
    /// From the first byte of the dial to the 101.
    pub handshake: Duration,
    /// What the caller may take beyond `bootstrap` and `handshake` before the machine stops believing
    /// that it will ever report.
    pub slack: Duration,
    /// How long a place in the queue for the connect-rate budget is kept before it is asked for again.
    pub turn: Duration,
    /// One write to the socket.
    pub write: Duration,
    /// Distance of pings until the platform names its own.
    pub ping_interval: Duration,
    /// How long a ping may stay unanswered. 3 s proved far too short on lossy networks
    /// (lark-coding-agent-bridge#252).
    pub pong_grace: Duration,
    /// How long an event may wait for its receipt before it is refused; the platform allows 3 s.
    pub answer_budget: Duration,
    /// How long an incomplete split push waits for its next fragment.
    pub fragment_ttl: Duration,
    /// Longest first delay of a series, whatever `ReconnectNonce` the platform names: a value of a day is
    /// legal there and would make a bot deaf for a day.
    pub nonce_cap: Duration,
    /// First step of the backoff after the nonce.
    pub backoff_base: Duration,
    /// Highest step of the backoff, and the highest `ReconnectInterval` that is obeyed.
    pub backoff_cap: Duration,
    /// Delay after "system busy".
    pub busy: Duration,
    /// First delay after "too many connections" or a rate limit; it doubles.
    pub limited_base: Duration,
    /// Highest delay after "too many connections" or a rate limit.
    pub limited_cap: Duration,
    /// Distance of the probes while the platform refuses this installation.
    pub refused_probe: Duration,
    /// How long a drain waits for answers that are still owed.
    pub drain: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            bootstrap: Duration::from_secs(15),
            handshake: Duration::from_secs(15),
            slack: Duration::from_secs(2),
            turn: Duration::from_secs(10 * 60),
            write: Duration::from_secs(10),
            ping_interval: Duration::from_secs(120),
            pong_grace: Duration::from_secs(20),
            answer_budget: Duration::from_millis(2500),
            fragment_ttl: Duration::from_secs(10),
            nonce_cap: Duration::from_secs(5 * 60),
            backoff_base: Duration::from_secs(1),
            backoff_cap: Duration::from_secs(60),
            busy: Duration::from_secs(30),
            limited_base: Duration::from_secs(60),
            limited_cap: Duration::from_secs(15 * 60),
            refused_probe: Duration::from_secs(60 * 60),
            drain: Duration::from_secs(10),
        }
    }
}
