//! All durations of the machines, as one value.

use std::time::Duration;

/// All limits and distances in time. Machines receive it as a value, so no behaviour depends on whether it runs under
/// test.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Timing {
    /// Limit of the HTTP call that asks for a connection URL. The official Node SDK has the same; the Go and Python SDKs
    /// wait for ever (oapi-sdk-python#169).
    pub bootstrap: Duration,
    /// Limit of the dial, from its first byte to the 101.
    pub handshake: Duration,
    /// Limit of a subscription, from the request to the answer, on platforms that have one.
    pub subscribe: Duration,
    /// After `bootstrap` or `handshake` and this, the link no longer waits for its owner's report.
    pub slack: Duration,
    /// How long the link waits for the connect scheduler or for a record on disk before it asks again.
    pub permit: Duration,
    /// Limit of one write to the socket.
    pub write: Duration,
    /// The longest distance of pings. The platform's own holds if it is shorter.
    pub ping_interval: Duration,
    /// Limit of the answer to a ping. 3 s is far too short on lossy networks
    /// (lark-coding-agent-bridge#252).
    pub pong_grace: Duration,
    /// Limit of the answer to a command. The official Node SDK has the same; measured answers took half a second.
    pub ack: Duration,
    /// Limit of the answer to a step of an upload, the transfer of 700 KB included.
    pub upload_ack: Duration,
    /// How long an event may wait for its receipt before it gets 500. The platform allows 3 s.
    pub answer_budget: Duration,
    /// How long an incomplete split push waits for its next fragment.
    pub fragment_ttl: Duration,
    /// The longest first delay of a series, whatever `ReconnectNonce` the platform names. It may name a day, and the bot
    /// would be disconnected for as long.
    pub nonce_cap: Duration,
    /// The first step of the backoff after the nonce.
    pub backoff_base: Duration,
    /// The highest step of the backoff, and the highest `ReconnectInterval` that is followed.
    pub backoff_cap: Duration,
    /// After this life a connection that answered a ping is stable, and the backoff starts over. One that ends sooner
    /// counts as a failure, because a platform that accepts and drops must not cause a tight loop.
    pub stable_after: Duration,
    /// The delay after "system busy".
    pub busy: Duration,
    /// The first delay after "too many connections" or a rate limit; it doubles.
    pub limited_base: Duration,
    /// The highest delay after "too many connections" or a rate limit.
    pub limited_cap: Duration,
    /// The first probe after a refusal if the connection before it lived for [`long_life`](Self::long_life). One odd answer
    /// after weeks of service is more likely an error than a decision. No longer than `refused_base`.
    pub refused_early: Duration,
    /// The first probe after a refusal. The next ones come after 2, 5 and 15 times as long.
    pub refused_base: Duration,
    /// The distance of all further probes, and the longest distance of the first ones.
    pub refused_probe: Duration,
    /// A connection that lived as long makes the next refusal less credible.
    pub long_life: Duration,
    /// How long a drain waits for answers that events still await.
    pub drain: Duration,
    /// Limit of one HTTP call that sends a message, its token not included. The platform answers within a second.
    pub message_call: Duration,
    /// How long a bot's sender stays without a message to send.
    pub sender_idle: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            bootstrap: Duration::from_secs(15),
            handshake: Duration::from_secs(15),
            subscribe: Duration::from_secs(10),
            slack: Duration::from_secs(2),
            permit: Duration::from_secs(10 * 60),
            write: Duration::from_secs(10),
            ping_interval: Duration::from_secs(120),
            pong_grace: Duration::from_secs(20),
            ack: Duration::from_secs(5),
            upload_ack: Duration::from_secs(30),
            answer_budget: Duration::from_millis(2500),
            fragment_ttl: Duration::from_secs(10),
            nonce_cap: Duration::from_secs(5 * 60),
            backoff_base: Duration::from_secs(1),
            backoff_cap: Duration::from_secs(60),
            stable_after: Duration::from_secs(1),
            busy: Duration::from_secs(30),
            limited_base: Duration::from_secs(60),
            limited_cap: Duration::from_secs(15 * 60),
            refused_early: Duration::from_secs(10),
            refused_base: Duration::from_secs(60),
            refused_probe: Duration::from_secs(60 * 60),
            long_life: Duration::from_secs(60 * 60),
            drain: Duration::from_secs(10),
            message_call: Duration::from_secs(10),
            sender_idle: Duration::from_secs(60),
        }
    }
}

/// The distance of pings that WeCom documents.
const WECOM_PING_INTERVAL: Duration = Duration::from_secs(30);
/// The limit of WeCom's handshake.
const WECOM_HANDSHAKE: Duration = Duration::from_secs(10);
/// WeCom names no nonce, so the first delay is below a second.
const WECOM_NONCE: Duration = Duration::from_secs(1);
/// WeCom limits subscriptions, and the connections of two programs that displace each other live shortly. Only a connection
/// that lives this long is stable.
const WECOM_STABLE_AFTER: Duration = Duration::from_secs(60);

impl Timing {
    /// The durations for a bot of WeCom. Durations that the operator made shorter stay as short.
    #[must_use]
    pub fn for_wecom(&self) -> Self {
        Self {
            handshake: self.handshake.min(WECOM_HANDSHAKE),
            // The subscription is a part of the dial, after the handshake.
            slack: self.slack + self.subscribe,
            ping_interval: self.ping_interval.min(WECOM_PING_INTERVAL),
            nonce_cap: self.nonce_cap.min(WECOM_NONCE),
            // Each probe is a subscription, and WeCom's limit on them is unknown: no extra probe.
            refused_early: self.refused_base,
            // In proportion, because a quick backoff has to start over as much sooner.
            stable_after: self.stable_after.saturating_mul(60).min(WECOM_STABLE_AFTER),
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S147 and S149: a heartbeat every 30 s, dead 20 s after one without an answer.
    #[test]
    fn wecom_has_its_own() {
        let secs = Duration::from_secs;
        let timing = Timing::default().for_wecom();
        assert_eq!(timing.handshake, secs(10));
        assert_eq!(timing.subscribe, secs(10));
        assert_eq!(timing.slack, secs(12), "the subscription is awaited too");
        assert_eq!(timing.ping_interval, secs(30));
        assert_eq!(timing.pong_grace, secs(20));
        assert_eq!(timing.stable_after, secs(60));
        assert_eq!(timing.nonce_cap, secs(1));
        assert_eq!(timing.backoff_base..timing.backoff_cap, secs(1)..secs(60));
        assert_eq!(timing.limited_base..timing.limited_cap, secs(60)..secs(900));
        assert_eq!(timing.refused_early, secs(60), "no extra subscription");
    }

    #[test]
    fn what_was_shortened_stays_short() {
        let ms = Duration::from_millis;
        let short = Timing {
            handshake: ms(300),
            subscribe: ms(200),
            ping_interval: ms(1000),
            pong_grace: ms(100),
            nonce_cap: ms(10),
            backoff_base: ms(50),
            stable_after: ms(50),
            ..Timing::default()
        };
        let wecom = short.for_wecom();
        assert_eq!(wecom.stable_after, ms(3000));
        let same = Timing {
            stable_after: short.stable_after,
            slack: short.slack,
            refused_early: short.refused_early,
            ..wecom
        };
        assert_eq!(same, short);
    }
}
