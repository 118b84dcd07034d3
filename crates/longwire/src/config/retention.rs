//! `[retention]`, and what an `[[installation]]` may say of its own events.

use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

use longwire_janitor::{ConsumersBehind, RetentionPolicy};
use longwire_store::{InstallationRetention, KeepRule, PayloadPolicy};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use super::{duration, size};

/// The word for no bound.
const FOREVER: &str = "forever";

/// The shortest time that events are kept. An application that is restarted wants those of the last minutes.
pub(crate) const SHORTEST: Duration = Duration::from_secs(60 * 60);
/// The longest one: longer means for ever.
pub(crate) const LONGEST: Duration = Duration::from_secs(3_650 * 24 * 60 * 60);
/// The smallest database that is bounded: an empty one has some hundred kilobytes.
pub(crate) const FEWEST_BYTES: usize = 1 << 20;

/// A bound, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound<T> {
    /// No bound.
    Forever,
    /// This one.
    Of(T),
}

impl<T: Copy> Bound<T> {
    fn get(self) -> Option<T> {
        match self {
            Self::Forever => None,
            Self::Of(value) => Some(value),
        }
    }
}

/// `[retention]`: how long things are kept.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RetentionSection {
    /// Events of this age at most.
    #[serde(deserialize_with = "period")]
    pub(crate) keep: Bound<Duration>,
    /// A database of this size at most; 20 GiB unless set, no bound beside `keep = "forever"`.
    #[serde(deserialize_with = "some_bytes")]
    pub(crate) bytes: Option<Bound<usize>>,
    /// So many events at most.
    pub(crate) events: Option<NonZeroU64>,
    /// Whether events wait for consumers that are behind.
    pub(crate) consumers: ConsumersSetting,
    /// What happened to events.
    #[serde(deserialize_with = "duration::deserialize")]
    pub(crate) journeys: Duration,
    /// Notes of timelines.
    #[serde(deserialize_with = "duration::deserialize")]
    pub(crate) timelines: Duration,
    /// Entries of the audit.
    #[serde(deserialize_with = "duration::deserialize")]
    pub(crate) audit: Duration,
    /// Tokens that ended.
    #[serde(deserialize_with = "duration::deserialize")]
    pub(crate) tokens: Duration,
    /// Authorizations of people that ended.
    #[serde(deserialize_with = "duration::deserialize")]
    pub(crate) authorizations: Duration,
}

impl Default for RetentionSection {
    fn default() -> Self {
        let policy = RetentionPolicy::default();
        Self {
            keep: Bound::Of(RetentionPolicy::AGE),
            bytes: None,
            events: None,
            consumers: ConsumersSetting::Wait,
            journeys: policy.journeys,
            timelines: policy.timelines,
            audit: policy.audit,
            tokens: policy.tokens,
            authorizations: policy.authorizations,
        }
    }
}

/// What becomes of events that a consumer has not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConsumersSetting {
    /// They wait, until the bound of bytes takes them.
    Wait,
    /// They go.
    Pass,
}

impl RetentionSection {
    /// As retention is started with it.
    pub(crate) fn policy(&self) -> RetentionPolicy {
        let bytes = match (self.bytes, self.keep) {
            (Some(bytes), _) => bytes.get().map(|bytes| bytes as u64),
            (None, Bound::Of(_)) => Some(RetentionPolicy::BYTES),
            (None, Bound::Forever) => None,
        };
        RetentionPolicy {
            keep: KeepRule {
                age_ms: self.keep.get().map(millis),
                bytes,
                events: self.events.map(NonZeroU64::get),
            },
            consumers: match self.consumers {
                ConsumersSetting::Wait => ConsumersBehind::Wait,
                ConsumersSetting::Pass => ConsumersBehind::Pass,
            },
            journeys: self.journeys,
            timelines: self.timelines,
            audit: self.audit,
            tokens: self.tokens,
            authorizations: self.authorizations,
        }
    }

    /// The first setting that is out of its range, and what would be right.
    pub(super) fn mistake(&self) -> Option<(&'static str, &'static str)> {
        if is_out_of_range(Some(self.keep)) {
            return Some(("keep", KEEP_RANGE));
        }
        if is_too_small(self.bytes) {
            return Some(("bytes", BYTES_RANGE));
        }
        let others = [
            ("journeys", self.journeys),
            ("timelines", self.timelines),
            ("audit", self.audit),
            ("tokens", self.tokens),
            ("authorizations", self.authorizations),
        ];
        let is_wrong = |(_, time): &(&str, Duration)| !(SHORTEST..=LONGEST).contains(time);
        let wrong = others.into_iter().find(is_wrong);
        wrong.map(|(key, _)| (key, "from 1h to 3650d"))
    }
}

const KEEP_RANGE: &str = "events are kept from 1h to 3650d, or \"forever\". Repeats are recognised for 7 days in any case";
const BYTES_RANGE: &str = "at least 1MiB, or \"forever\"";

fn is_out_of_range(keep: Option<Bound<Duration>>) -> bool {
    matches!(keep, Some(Bound::Of(age)) if !(SHORTEST..=LONGEST).contains(&age))
}

fn is_too_small(bytes: Option<Bound<usize>>) -> bool {
    matches!(bytes, Some(Bound::Of(bytes)) if bytes < FEWEST_BYTES)
}

/// What an `[[installation]]` says of its own events, with the keys of the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OwnRetention {
    /// Events of this age at most.
    #[serde(deserialize_with = "some_period")]
    pub(crate) keep: Option<Bound<Duration>>,
    /// So many bytes of payloads at most.
    #[serde(deserialize_with = "some_bytes")]
    pub(crate) bytes: Option<Bound<usize>>,
    /// So many events at most.
    pub(crate) events: Option<NonZeroU64>,
    /// `full`, or `hash`.
    pub(crate) store: PayloadSetting,
}

/// What is kept of payloads once they are delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PayloadSetting {
    /// All of them.
    #[default]
    Full,
    /// Their SHA-256 and their length.
    Hash,
}

impl OwnRetention {
    /// As the store keeps it.
    pub(crate) fn rules(self) -> InstallationRetention {
        InstallationRetention {
            keep: KeepRule {
                age_ms: self.keep.and_then(Bound::get).map(millis),
                bytes: self.bytes.and_then(Bound::get).map(|bytes| bytes as u64),
                events: self.events.map(NonZeroU64::get),
            },
            payload: match self.store {
                PayloadSetting::Full => PayloadPolicy::Full,
                PayloadSetting::Hash => PayloadPolicy::Hash,
            },
        }
    }

    /// The first setting that is out of its range, and what would be right.
    pub(crate) fn mistake(&self) -> Option<(&'static str, &'static str)> {
        if is_out_of_range(self.keep) {
            return Some(("keep", KEEP_RANGE));
        }
        is_too_small(self.bytes).then_some(("bytes", BYTES_RANGE))
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A duration, or `forever`.
pub(crate) fn parse_period(text: &str) -> Option<Bound<Duration>> {
    match text {
        FOREVER => Some(Bound::Forever),
        text => duration::parse(text).map(Bound::Of),
    }
}

/// A size, or `forever`.
pub(crate) fn parse_bytes(text: &str) -> Option<Bound<usize>> {
    match text {
        FOREVER => Some(Bound::Forever),
        text => size::parse(text).map(Bound::Of),
    }
}

/// Reads a text with one of these.
struct Text<T>(fn(&str) -> Option<Bound<T>>, &'static str);

impl<T> Visitor<'_> for Text<T> {
    type Value = Bound<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Bound<T>, E> {
        (self.0)(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

fn period<'de, D: Deserializer<'de>>(value: D) -> Result<Bound<Duration>, D::Error> {
    let expected = "a duration with its unit, as in \"30d\", or \"forever\"";
    value.deserialize_str(Text(parse_period, expected))
}

fn some_period<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Bound<Duration>>, D::Error> {
    period(value).map(Some)
}

fn some_bytes<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Bound<usize>>, D::Error> {
    let expected = "a size with its unit, as in \"20GiB\", or \"forever\"";
    value.deserialize_str(Text(parse_bytes, expected)).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> Result<RetentionSection, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn the_defaults_are_30_days_and_20_gib() {
        let policy = section("").expect("a section").policy();
        assert_eq!(policy, RetentionPolicy::default());
        assert_eq!(policy.keep.age_ms, Some(30 * 86_400_000));
        assert_eq!(policy.keep.bytes, Some(20 << 30));
    }

    #[test]
    fn forever_takes_the_bounds_away_unless_one_is_set() {
        let keep = |text: &str| section(text).expect("a section").policy().keep;
        assert!(keep("keep = 'forever'").is_forever());
        assert_eq!(
            keep("keep = 'forever'\nbytes = '1GiB'").bytes,
            Some(1 << 30)
        );
        assert_eq!(keep("bytes = 'forever'").bytes, None);
        assert_eq!(keep("keep = 'forever'\nevents = 9").events, Some(9));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for text in [
            "keep = '30'",
            "keep = 30",
            "keep = '-1d'",
            "keep = 'for ever'",
            "bytes = '20GB'",
            "bytes = 20",
            "events = 0",
            "events = -1",
            "consumers = 'drop'",
            "kept = '1d'",
        ] {
            section(text).expect_err(text);
        }
        for (text, key) in [
            ("keep = '59m'", "keep"),
            ("keep = '0s'", "keep"),
            ("keep = '3651d'", "keep"),
            ("bytes = '1023KiB'", "bytes"),
            ("audit = '1m'", "audit"),
            ("journeys = '0s'", "journeys"),
        ] {
            let mistake = section(text).expect("readable").mistake();
            assert_eq!(mistake.map(|(at, _)| at), Some(key), "{text}");
        }
        assert_eq!(section("keep = '1h'").expect("readable").mistake(), None);
    }
}
