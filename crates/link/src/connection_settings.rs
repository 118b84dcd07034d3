//! The platform's settings for reconnecting and pinging.
//!
//! They come with the connection URL and again with every pong. The official SDKs replace all four values at once. A pong
//! that lacks one then makes them ping hundreds of times a second or never again. Here each value is checked and applied by
//! itself. A value out of range leaves the old one in force.

use std::fmt;
use std::time::Duration;

use longwire_wire::endpoint::ClientConfig;

/// The range of the three durations, in seconds, as in `lark-channel-sdk` 1.4.0. Only the nonce may be 0.
const SECONDS: std::ops::RangeInclusive<i64> = 1..=86_400;
/// The range of the attempt count, from the same source; -1 is unlimited.
const COUNT: std::ops::RangeInclusive<i64> = -1..=10_000;

/// The four values in force, all of them in range.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct ConnectionSettings {
    /// The attempts after which the platform wants a client to give up; `None` is unlimited. We never give up and only
    /// show that it was exceeded.
    pub reconnect_count: Option<u32>,
    /// The platform's pause between attempts, which is the ceiling of our backoff.
    pub reconnect_interval: Duration,
    /// The upper bound of the random delay before the first attempt; may be 0.
    pub reconnect_nonce: Duration,
    /// The distance of pings, 1 s to 24 h.
    pub ping_interval: Duration,
}

impl Default for ConnectionSettings {
    /// The initial values of every official SDK: -1, 120 s, 30 s, 120 s.
    fn default() -> Self {
        Self {
            reconnect_count: None,
            reconnect_interval: Duration::from_secs(120),
            reconnect_nonce: Duration::from_secs(30),
            ping_interval: Duration::from_secs(120),
        }
    }
}

/// A value of the platform that was out of range and was ignored.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct IgnoredSetting {
    /// The platform's name for it.
    pub key: &'static str,
    /// The value.
    pub value: i64,
}

impl fmt::Display for IgnoredSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} is out of range and was ignored",
            self.key, self.value
        )
    }
}

impl ConnectionSettings {
    /// Applies each value that is present and in range, and returns those that were ignored.
    pub fn apply(&mut self, received: &ClientConfig) -> Vec<IgnoredSetting> {
        let mut ignored = Vec::new();
        if let Some(value) = received.reconnect_count {
            match u32::try_from(value) {
                _ if !COUNT.contains(&value) => ignored.push(IgnoredSetting {
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
                _ => ignored.push(IgnoredSetting { key, value }),
            }
        }
        ignored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(received: ClientConfig) -> (ConnectionSettings, Vec<&'static str>) {
        let mut config = ConnectionSettings::default();
        let ignored = config.apply(&received);
        (config, ignored.into_iter().map(|one| one.key).collect())
    }

    /// S26, S47: the platform's values win, key by key.
    #[test]
    fn applies_what_is_present_and_in_range() {
        let (config, ignored) = applied(ClientConfig {
            reconnect_count: Some(-1),
            reconnect_interval: Some(90),
            reconnect_nonce: Some(25),
            ping_interval: Some(90),
        });
        assert_eq!(ignored, [] as [&str; 0]);
        assert_eq!(
            config,
            ConnectionSettings {
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
        assert_eq!(
            config.ping_interval,
            ConnectionSettings::default().ping_interval
        );
    }

    /// A pong with a zero or negative interval makes the official SDKs send a flood of pings; here it changes nothing.
    #[test]
    fn a_value_out_of_range_leaves_the_old_one() {
        for bad in [0, -1, -120, 86_401, i64::MAX, i64::MIN] {
            let (config, ignored) = applied(ClientConfig {
                reconnect_interval: Some(bad),
                ping_interval: Some(bad),
                ..ClientConfig::default()
            });
            assert_eq!(ignored, ["ReconnectInterval", "PingInterval"], "{bad}");
            assert_eq!(config, ConnectionSettings::default(), "{bad}");
        }
        for bad in [-1, 86_401, i64::MIN] {
            let (config, ignored) = applied(ClientConfig {
                reconnect_nonce: Some(bad),
                ..ClientConfig::default()
            });
            assert_eq!(ignored, ["ReconnectNonce"], "{bad}");
            assert_eq!(config, ConnectionSettings::default(), "{bad}");
        }
        for bad in [-2, 10_001, i64::MAX, i64::MIN] {
            let (config, ignored) = applied(ClientConfig {
                reconnect_count: Some(bad),
                ..ClientConfig::default()
            });
            assert_eq!(ignored, ["ReconnectCount"], "{bad}");
            assert_eq!(config, ConnectionSettings::default(), "{bad}");
        }
    }

    #[test]
    fn counts_from_zero_to_ten_thousand() {
        for count in [0, 1, 10_000] {
            let (config, ignored) = applied(ClientConfig {
                reconnect_count: Some(count),
                ..ClientConfig::default()
            });
            assert_eq!(ignored, [] as [&str; 0]);
            assert_eq!(config.reconnect_count.map(i64::from), Some(count));
        }
    }
}
