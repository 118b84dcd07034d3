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
    /// From the request to subscribe to the platform's word, where a connection has to subscribe.
    pub subscribe: Duration,
    /// What the caller may take beyond `bootstrap` and `handshake` before the machine stops believing
    /// that it will ever report.
    pub slack: Duration,
    /// How long a place in the queue for the connect-rate budget is kept before it is asked for again.
    pub turn: Duration,
    /// One write to the socket.
    pub write: Duration,
    /// Longest distance of pings. What the platform names holds where it is shorter.
    pub ping_interval: Duration,
    /// How long a ping may stay unanswered. 3 s proved far too short on lossy networks
    /// (lark-coding-agent-bridge#252).
    pub pong_grace: Duration,
    /// How long a command may be unanswered. The official Node SDK waits as long; what was measured is half a second.
    pub ack: Duration,
    /// How long a step of an upload may be unanswered, 700 KB on their way included.
    pub upload_ack: Duration,
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
    /// How long a connection must have lived for the backoff to start over. One that ends sooner is one more failure,
    /// or a platform that accepts and drops would get a tight loop.
    pub lasting: Duration,
    /// Delay after "system busy".
    pub busy: Duration,
    /// First delay after "too many connections" or a rate limit; it doubles.
    pub limited_base: Duration,
    /// Highest delay after "too many connections" or a rate limit.
    pub limited_cap: Duration,
    /// First probe of an installation that was refused just after a [long life](Self::long_life): one odd answer after
    /// weeks of service is more likely a mistake than a verdict. No longer than `refused_base`.
    pub refused_early: Duration,
    /// First probe of an installation that was refused. The ones after it come after 2, 5 and 15 times as long.
    pub refused_base: Duration,
    /// Distance of all further probes while an installation is refused, and the longest of the ones before.
    pub refused_probe: Duration,
    /// A connection that lived as long makes a refusal that follows less credible.
    pub long_life: Duration,
    /// How long a drain waits for answers that are still owed.
    pub drain: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            bootstrap: Duration::from_secs(15),
            handshake: Duration::from_secs(15),
            subscribe: Duration::from_secs(10),
            slack: Duration::from_secs(2),
            turn: Duration::from_secs(10 * 60),
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
            lasting: Duration::from_secs(1),
            busy: Duration::from_secs(30),
            limited_base: Duration::from_secs(60),
            limited_cap: Duration::from_secs(15 * 60),
            refused_early: Duration::from_secs(10),
            refused_base: Duration::from_secs(60),
            refused_probe: Duration::from_secs(60 * 60),
            long_life: Duration::from_secs(60 * 60),
            drain: Duration::from_secs(10),
        }
    }
}

/// How often WeCom has us ping; it names no other distance.
const WECOM_PING_INTERVAL: Duration = Duration::from_secs(30);
/// Longest wait for WeCom's 101.
const WECOM_HANDSHAKE: Duration = Duration::from_secs(10);
/// WeCom names no nonce: after the first loss it is tried again within a second.
const WECOM_NONCE: Duration = Duration::from_secs(1);
/// Subscribing is what WeCom limits, and two programs that displace each other live shortly: only this long a life is
/// proof of a stable one.
const WECOM_LASTING: Duration = Duration::from_secs(60);

impl Timing {
    /// The same for a bot of WeCom. What an operator made shorter than WeCom wants it stays as short.
    #[must_use]
    pub fn for_wecom(&self) -> Self {
        Self {
            handshake: self.handshake.min(WECOM_HANDSHAKE),
            // The subscription is a part of the dial, after the handshake.
            slack: self.slack + self.subscribe,
            ping_interval: self.ping_interval.min(WECOM_PING_INTERVAL),
            nonce_cap: self.nonce_cap.min(WECOM_NONCE),
            // Each probe is a subscription, and WeCom limits these without saying how many it grants: no extra one.
            refused_early: self.refused_base,
            // In proportion: a gateway with a quick backoff wants it to start over as much sooner.
            lasting: self.lasting.saturating_mul(60).min(WECOM_LASTING),
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wecom_has_its_own() {
        let secs = Duration::from_secs;
        let timing = Timing::default().for_wecom();
        assert_eq!(timing.handshake, secs(10));
        assert_eq!(timing.subscribe, secs(10));
        assert_eq!(timing.slack, secs(12), "the subscription is awaited too");
        assert_eq!(timing.ping_interval, secs(30));
        assert_eq!(timing.pong_grace, secs(20));
        assert_eq!(timing.lasting, secs(60));
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
            lasting: ms(50),
            ..Timing::default()
        };
        let wecom = short.for_wecom();
        assert_eq!(wecom.lasting, ms(3000));
        let same = Timing {
            lasting: short.lasting,
            slack: short.slack,
            refused_early: short.refused_early,
            ..wecom
        };
        assert_eq!(same, short);
    }
}
