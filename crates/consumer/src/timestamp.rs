//! Times as RFC 3339 has them.

use std::fmt::Write as _;

const MS_PER_DAY: i64 = 86_400_000;
/// 9999-12-31T23:59:59.999Z and 0000-01-01T00:00:00.000Z: RFC 3339 has no other years.
const LAST_MS: i64 = 253_402_300_799_999;
const FIRST_MS: i64 = -62_167_219_200_000;

/// Writes milliseconds since 1970 as `2026-11-30T12:00:00.000Z`.
pub(crate) fn write(unix_ms: i64, out: &mut String) {
    let unix_ms = unix_ms.clamp(FIRST_MS, LAST_MS);
    let (year, month, day) = date(unix_ms.div_euclid(MS_PER_DAY));
    let ms = unix_ms.rem_euclid(MS_PER_DAY);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    let ms = ms % 1_000;
    write!(
        out,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"
    )
    .expect("writing to a string cannot fail");
}

/// Milliseconds since 1970 as `2026-11-30T12:00:00.000Z`.
#[must_use]
pub fn time_text(unix_ms: i64) -> String {
    let mut out = String::with_capacity(24);
    write(unix_ms, &mut out);
    out
}

/// Reads a time with a zone, such as `2026-11-30T12:00:00Z`, as milliseconds since 1970.
#[must_use]
pub fn parse_time(text: &str) -> Option<i64> {
    read(text)
}

/// Year, month and day of a day since 1970 in the Gregorian calendar (after Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`): years begin in March, so that the leap day is the last of a year.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Reads a time with a zone, such as `2026-11-30T12:00:00Z` or `2026-11-30T20:00:00.5+08:00`, as milliseconds since 1970. Parts
/// of a millisecond are cut off. A leap second is the second behind it.
pub(crate) fn read(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(['T', 't'])?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = rest.split_at(zone_at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) || fraction.is_empty() {
        return None;
    }
    let ms: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let valid = (1..=12).contains(&month) && day >= 1 && hour < 24 && minute < 60 && second <= 60;
    let days = days(year, month, day);
    // A day that the month does not have is another day of the calendar.
    if !valid || self::date(days) != (year, month, day) {
        return None;
    }
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset_seconds(zone)?;
    Some(seconds * 1_000 + ms)
}

/// Three numbers of so many digits.
fn numbers(text: &str, between: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(between);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits)?;
        *number = unsigned(part)?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Digits alone; `parse` would take a sign.
fn unsigned(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

fn offset_seconds(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes() {
        [b'Z' | b'z'] => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let (hours, minutes) = zone[1..].split_once(':')?;
    let well_formed = hours.len() == 2 && minutes.len() == 2;
    let (hours, minutes) = (unsigned(hours)?, unsigned(minutes)?);
    let valid = well_formed && hours < 24 && minutes < 60;
    valid.then_some(sign * (hours * 3_600 + minutes * 60))
}

/// The day since 1970 of a date: the reverse of [`date`] (`days_from_civil` of the same source).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    #[test]
    fn texts_that_are_times() {
        for (text, unix_ms) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2024-02-29T23:59:59.9999Z", Some(1_709_251_199_999)),
            ("1970-01-01T08:00:00.5+08:00", Some(500)),
            ("1969-12-31t16:00:00-08:00", Some(0)),
            ("2023-02-29T00:00:00Z", None),
            ("2023-13-01T00:00:00Z", None),
            ("2023-01-01T24:00:00Z", None),
            ("2023-01-01T00:00:00", None),
            ("2023-01-01 00:00:00Z", None),
            ("2023-1-1T00:00:00Z", None),
            ("2023-01-01T00:00:00.Z", None),
            ("2023-01-01T00:00:00+0800", None),
            ("+023-01-01T00:00:00Z", None),
            ("tomorrow", None),
        ] {
            assert_eq!(super::read(text), unix_ms, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_comes_back(unix_ms in super::FIRST_MS..=super::LAST_MS) {
            let mut out = String::new();
            super::write(unix_ms, &mut out);
            prop_assert_eq!(super::read(&out), Some(unix_ms));
        }
    }

    #[test]
    fn times() {
        for (unix_ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_796_083_199_001, "2026-11-30T23:59:59.001Z"),
            (i64::MAX, "9999-12-31T23:59:59.999Z"),
            (i64::MIN, "0000-01-01T00:00:00.000Z"),
        ] {
            let mut out = String::new();
            super::write(unix_ms, &mut out);
            assert_eq!(out, text);
        }
    }
}
