//! Times as people and JSON read them; inside they are milliseconds since 1970.

use longwire_api::Timestamp;
use time::OffsetDateTime;
use time::macros::format_description;

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn rfc3339(unix_ms: i64) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_ms) * 1_000_000)
        .ok()
        .and_then(|moment| moment.format(format).ok())
        .unwrap_or_else(|| format!("{unix_ms} ms"))
}

/// A time for people: the same to the second.
pub(crate) fn iso(time: Timestamp) -> String {
    let mut text = rfc3339(time.unix_ms);
    if let Some(dot) = text.rfind('.') {
        text.replace_range(dot.., "Z");
    }
    text
}

/// Milliseconds since 1970, now.
pub(crate) fn now_ms() -> i64 {
    (OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64
}

/// How long ago, in the largest unit that fits.
pub(crate) fn ago(unix_ms: i64) -> String {
    let seconds = (now_ms() - unix_ms).max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A duration for people, in its two largest units.
pub(crate) fn lasting(ms: i64) -> String {
    let seconds = ms.max(0) / 1_000;
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {seconds}s"),
        (0, _, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

/// A span as it would be written into the configuration: exact, in the largest unit that is.
pub(crate) fn span(ms: i64) -> String {
    let (unit_ms, unit) = [(3_600_000, "h"), (60_000, "m"), (1_000, "s")]
        .into_iter()
        .find(|(unit_ms, _)| ms % unit_ms == 0)
        .unwrap_or((1, "ms"));
    format!("{}{unit}", ms / unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text() {
        assert_eq!(rfc3339(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
        let time = Timestamp::of_ms(1_700_000_000_999);
        assert_eq!(iso(time), "2023-11-14T22:13:20Z");
        assert_eq!(rfc3339(i64::MAX), format!("{} ms", i64::MAX));
        assert_eq!(ago(now_ms() - 7_200_500), "2h");
        for (ms, wanted) in [
            (-5, "0s"),
            (59_999, "59s"),
            (61_000, "1m 1s"),
            (7_500_000, "2h 5m"),
            (273_600_000, "3d 4h"),
        ] {
            assert_eq!(lasting(ms), wanted);
        }
        for (ms, wanted) in [
            (86_400_000, "24h"),
            (5_400_000, "90m"),
            (301_000, "301s"),
            (300_001, "300001ms"),
        ] {
            assert_eq!(span(ms), wanted);
        }
    }
}
