//! What a simulated platform has counted, in words that hold for each: how far its events came, and what its clients
//! did. A count that one of them does not have stays 0.

use longwire_sim::{Latency, wecom};

/// Counters since the platform's start.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlatformCounts {
    /// Events it had for its clients.
    pub(crate) pushed: u64,
    /// Answered 200 in time, where it asks for an ACK: over a long connection, or over HTTP.
    pub(crate) acked: u64,
    /// Written to a connection whole, where it asks for none. Nobody tells it that they were read.
    pub(crate) delivered: u64,
    /// Given up, or lost with a connection before they were written.
    pub(crate) lost: u64,
    /// On their way, or waiting for a connection or a repeat.
    pub(crate) pending: u64,
    /// Of these, those that only a new connection brings on.
    pub(crate) waiting_for_connection: u64,
    pub(crate) re_pushed: u64,
    /// Answered with another code than 200.
    pub(crate) nacked: u64,
    /// ACKs that came after the platform had given up waiting for them.
    pub(crate) late_acks: u64,
    /// Pushes it gave up waiting for an answer to.
    pub(crate) timed_out: u64,
    /// From push to ACK. Of HTTP, from the request to its answer.
    pub(crate) ack_latency: Latency,
    /// Heartbeats it got, each of which it answers.
    pub(crate) pings: u64,
    pub(crate) connections_opened: u64,
    pub(crate) connections_ended: u64,
}

impl PlatformCounts {
    /// Events that the connected client must have recorded.
    pub(crate) fn owed(&self) -> u64 {
        self.acked + self.delivered
    }

    /// Adds what another platform has counted of its events.
    pub(crate) fn add_events(&mut self, other: &Self) {
        self.pushed += other.pushed;
        self.acked += other.acked;
        self.delivered += other.delivered;
        self.lost += other.lost;
        self.pending += other.pending;
        self.re_pushed += other.re_pushed;
        self.nacked += other.nacked;
    }
}

impl From<longwire_sim::Ledger> for PlatformCounts {
    fn from(of: longwire_sim::Ledger) -> Self {
        let http = &of.http;
        Self {
            pushed: of.pushed + http.pushed,
            acked: of.acked + http.delivered,
            delivered: 0,
            lost: of.lost + http.lost,
            pending: of.pending + http.pending,
            waiting_for_connection: of.waiting_for_connection,
            re_pushed: of.re_pushed + http.repeated,
            nacked: of.nacked + http.refused,
            late_acks: of.late_acks,
            timed_out: of.timed_out + http.timed_out,
            ack_latency: of.ack_latency.with(&http.latency),
            pings: of.pings,
            connections_opened: of.connections_opened,
            connections_ended: of.connections_ended,
        }
    }
}

impl From<wecom::Ledger> for PlatformCounts {
    fn from(of: wecom::Ledger) -> Self {
        Self {
            pushed: of.pushed,
            acked: 0,
            delivered: of.delivered,
            lost: of.lost,
            pending: of.waiting + of.unwritten,
            waiting_for_connection: of.waiting,
            re_pushed: of.re_pushed,
            nacked: 0,
            late_acks: 0,
            timed_out: 0,
            ack_latency: Latency::default(),
            pings: of.pings,
            connections_opened: of.connections_opened,
            connections_ended: of.connections_ended,
        }
    }
}
