//! What the platform last said about reconnecting and pinging.
//!
//! It comes with the connection URL and again with every pong. The official SDKs replace all four values at
//! once; a pong that lacks one then makes them ping hundreds of times a second or never again. Here each
//! key is checked and applied by itself, and a value nobody can mean leaves the old one in force.

use std::fmt;
use std::time::Duration;

use longwire_wire::endpoint::ClientConfig;

/// Bounds of the three durations, in seconds, as in `lark-channel-sdk` 1.4.0; only the nonce may be 0.
const SECONDS: std::ops::RangeInclusive<i64> = 1..=86_400;
/// Bounds of the attempt count; -1 is unlimited (the same source).
const COUNT: std::ops::RangeInclusive<i64> = -1..=10_000;

/// The four values in force, all of them sane.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct ServerConfig {
    /// Reconnect attempts after which the platform would have us give up; `None` is unlimited. We never
    /// give up: passing it is shown, no more.
    pub reconnect_count: Option<u32>,
    /// The platform's pause between attempts; for us the ceiling of the backoff.
    pub reconnect_interval: Duration,
    /// Upper bound of the random delay before the first attempt; 0 is legal.
    pub reconnect_nonce: Duration,
    /// Distance of our pings, 1 s to 24 h.
    pub ping_interval: Duration,
}

impl Default for ServerConfig {
    /// What every official SDK starts with: -1, 120 s, 30 s, 120 s.
    fn default() -> Self {
        Self {
            reconnect_count: None,
            reconnect_interval: Duration::from_secs(120),
            reconnect_nonce: Duration::from_secs(30),
            ping_interval: Duration::from_secs(120),
        }
    }
}

/// A value of the platform that was not taken over.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Rejected {
    /// The platform's name of the value.
    pub key: &'static str,
    /// What it said.
    pub value: i64,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} is out of range and was ignored",
            self.key, self.value
        )
    }
}

impl ServerConfig {
    /// Takes over each key that is present and sane; what is missing or rejected stays as it was.
    pub fn apply(&mut self, received: &ClientConfig) -> Vec<Rejected> {
        let mut rejected = Vec::new();
        if let Some(value) = received.reconnect_count {
            match u32::try_from(value) {
                _ if !COUNT.contains(&value) => rejected.push(Rejected {
                    key: "ReconnectCount",
                    value,
                }),
                // -1 is the only negative one left.
                count => self.reconnect_count = count.ok(),
            }
        }
        let durations = [
            (
                "ReconnectInterval",
                received.reconnect_interval,
                &mut self.reconnect_interval,
                *SECONDS.start(),
            ),
            (
                "ReconnectNonce",
                received.reconnect_nonce,
                &mut self.reconnect_nonce,
                0,
            ),
            (
                "PingInterval",
                received.ping_interval,
                &mut self.ping_interval,
                *SECONDS.start(),
            ),
        ];
        for (key, value, current, lowest) in durations {
            let Some(value) = value else { continue };
            match u64::try_from(value) {
                Ok(seconds) if (lowest..=*SECONDS.end()).contains(&value) => {
                    *current = Duration::from_secs(seconds);
                }
                _ => rejected.push(Rejected { key, value }),
            }
        }
        rejected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(received: ClientConfig) -> (ServerConfig, Vec<&'static str>) {
        let mut config = ServerConfig::default();
        let rejected = config.apply(&received);
        (config, rejected.into_iter().map(|one| one.key).collect())
    }

    /// S26, S47: the platform's values win, key by key.
    #[test]
    fn takes_over_what_is_there_and_sane() {
        let (config, rejected) = applied(ClientConfig {
            reconnect_count: Some(-1),
            reconnect_interval: Some(90),
            reconnect_nonce: Some(25),
            ping_interval: Some(90),
        });
        assert_eq!(rejected, [] as [&str; 0]);
        assert_eq!(
            config,
            ServerConfig {
                reconnect_count: None,
                reconnect_interval: Duration::from_secs(90),
                reconnect_nonce: Duration::from_secs(25),
                ping_interval: Duration::from_secs(90),
            }
        );
        let (config, _) = applied(ClientConfig {
            reconnect_nonce: Some(0),
            ..ClientConfig::default()
        });
        assert_eq!(config.reconnect_nonce, Duration::ZERO);
        assert_eq!(config.ping_interval, ServerConfig::default().ping_interval);
    }

    /// A pong with a zero or negative interval makes the official SDKs flood; here it changes nothing.
    #[test]
    fn keeps_the_old_value_of_what_nobody_can_mean() {
        for bad in [0, -1, -120, 86_401, i64::MAX, i64::MIN] {
            let (config, rejected) = applied(ClientConfig {
                reconnect_interval: Some(bad),
                ping_interval: Some(bad),
                ..ClientConfig::default()
            });
            assert_eq!(rejected, ["ReconnectInterval", "PingInterval"], "{bad}");
            assert_eq!(config, ServerConfig::default(), "{bad}");
        }
        for bad in [-1, 86_401, i64::MIN] {
            let (config, rejected) = applied(ClientConfig {
                reconnect_nonce: Some(bad),
                ..ClientConfig::default()
            });
            assert_eq!(rejected, ["ReconnectNonce"], "{bad}");
            assert_eq!(config, ServerConfig::default(), "{bad}");
        }
        for bad in [-2, 10_001, i64::MAX, i64::MIN] {
            let (config, rejected) = applied(ClientConfig {
                reconnect_count: Some(bad),
                ..ClientConfig::default()
            });
            assert_eq!(rejected, ["ReconnectCount"], "{bad}");
            assert_eq!(config, ServerConfig::default(), "{bad}");
        }
    }

    #[test]
    fn counts_from_zero_to_ten_thousand() {
        for count in [0, 1, 10_000] {
            let (config, rejected) = applied(ClientConfig {
                reconnect_count: Some(count),
                ..ClientConfig::default()
            });
            assert_eq!(rejected, [] as [&str; 0]);
            assert_eq!(config.reconnect_count.map(i64::from), Some(count));
        }
    }
}
