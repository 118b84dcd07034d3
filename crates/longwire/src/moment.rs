//! Times as people and JSON read them; inside they are milliseconds since 1970.

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
        assert_eq!(rfc3339(i64::MAX), format!("{} ms", i64::MAX));
        assert_eq!(ago(now_ms() - 7_200_500), "2h");
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
