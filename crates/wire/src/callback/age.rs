//! How old a request may be.

use std::time::Duration;

use super::CallbackRefusal;
use crate::envelope::milliseconds;

/// How far the timestamp of a request may be from the present, in either direction.
///
/// The platform documents no such limit and the official clients have none. A request that is sent a second time is
/// recognised by its event's key for as long as the store keeps keys, so the window only has to end before that. It must not
/// be narrow: nothing says whether a repeat (the last comes 7 h 5 min after the first try) has the timestamp of the first try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayWindow(Option<Duration>);

impl ReplayWindow {
    /// Any age will do.
    pub const OFF: ReplayWindow = ReplayWindow(None);

    /// Longer than all repeats of one event take: eight hours.
    pub const WIDE: ReplayWindow = ReplayWindow(Some(Duration::from_secs(8 * 60 * 60)));

    /// At most so far from the present.
    pub const fn within(window: Duration) -> ReplayWindow {
        ReplayWindow(Some(window))
    }

    /// Whether the timestamp is near enough. One that is absent or cannot be read is not checked: the platform writes
    /// times of several forms, and a header that was left out is the matter of the signature.
    pub(super) fn check(
        self,
        timestamp: Option<&[u8]>,
        now_ms: i64,
    ) -> Result<(), CallbackRefusal> {
        let (Some(window), Some(sent_ms)) = (self.0, timestamp.and_then(sent_ms)) else {
            return Ok(());
        };
        let age_ms = now_ms.saturating_sub(sent_ms);
        if u128::from(age_ms.unsigned_abs()) > window.as_millis() {
            return Err(CallbackRefusal::Stale {
                age_s: age_ms / 1000,
            });
        }
        Ok(())
    }
}

impl Default for ReplayWindow {
    fn default() -> Self {
        Self::WIDE
    }
}

/// Milliseconds since 1970 from a timestamp header: seconds as a number, or the text of a time in Go
/// (`2026-01-01 08:00:00.052290112 +0800 CST m=+3612.1`). A text of RFC 850 names its zone by letters that mean several
/// zones, so it is not read.
fn sent_ms(timestamp: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(timestamp).ok()?;
    milliseconds(text).or_else(|| of_go(text))
}

fn of_go(text: &str) -> Option<i64> {
    let mut words = text.split(' ');
    let (date, clock, offset) = (words.next()?, words.next()?, words.next()?);
    let [year, month, day] = numbers(date, '-')?;
    let (clock, _fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let [hour, minute, second] = numbers(clock, ':')?;
    let seconds = days_since_1970(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second;
    Some((seconds - offset_s(offset)?) * 1000)
}

/// Three numbers of at most four digits.
fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator).map(|part| {
        let is_number = (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| part.parse().ok())?
    });
    let found = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(found)
}

/// Seconds east of Greenwich from `+0800`.
fn offset_s(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: i64 = digits.parse().ok()?;
    Some(sign * (number / 100 * 3600 + number % 100 * 60))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so that the day of a leap year is
/// its last.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    /// From March 1 of the year 0 to 1970-01-01.
    const TO_1970: i64 = 719_468;
    Some(year * 365 + leap_days + day_of_year - TO_1970)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON_MS: i64 = 1_767_225_600_000;

    #[test]
    fn timestamps_of_every_form() {
        let check = |text: &str, expected| assert_eq!(sent_ms(text.as_bytes()), expected, "{text}");
        check("1767225600", Some(NOON_MS));
        check("1767225600123", Some(NOON_MS + 123));
        check(
            "2026-01-01 08:00:00.052290112 +0800 CST m=+3612.123456789",
            Some(NOON_MS),
        );
        check("2025-12-31 19:00:00 -0500 EST", Some(NOON_MS));
        check("1970-01-01 00:00:00 +0000 UTC", Some(0));
        check("2024-02-29 00:00:00 +0000 UTC", Some(1_709_164_800_000));
        check("2100-03-01 00:00:00 +0000 UTC", Some(4_107_542_400_000));
        for unread in [
            "",
            "soon",
            "-1767225600",
            "Thursday, 01-Jan-26 08:00:00 CST",
            "2026-01-01 08:00:00",
            "2026-13-01 08:00:00 +0800",
            "2026-01-01-01 08:00:00 +0800",
            "2026-01-01 08:00:00 0800",
            "2026-01-01 08:00:00 +08é",
        ] {
            check(unread, None);
        }
        assert_eq!(sent_ms(b"\xff"), None);
    }

    #[test]
    fn a_window_is_as_wide_into_the_future() {
        let window = ReplayWindow::within(Duration::from_secs(300));
        let at = |now_ms| window.check(Some(b"1767225600"), now_ms);
        for now_ms in [NOON_MS - 300_000, NOON_MS, NOON_MS + 300_000] {
            assert_eq!(at(now_ms), Ok(()));
        }
        let late = Err(CallbackRefusal::Stale { age_s: 301 });
        assert_eq!(at(NOON_MS + 301_000), late);
        let early = Err(CallbackRefusal::Stale { age_s: -301 });
        assert_eq!(at(NOON_MS - 301_000), early);
        assert!(at(i64::MIN).is_err() && at(i64::MAX).is_err());
    }

    #[test]
    fn what_cannot_be_read_has_no_age() {
        let window = ReplayWindow::within(Duration::ZERO);
        assert_eq!(window.check(None, NOON_MS), Ok(()));
        assert_eq!(window.check(Some(b"yesterday"), NOON_MS), Ok(()));
        assert_eq!(
            ReplayWindow::OFF.check(Some(b"1000000000"), NOON_MS),
            Ok(())
        );
    }

    /// The last of the four repeats is pushed 15 s + 5 min + 1 h + 6 h after the first try.
    #[test]
    fn the_default_lets_the_last_repeat_through() {
        let last = i64::from(15 + 5 * 60 + 3600 + 6 * 3600) * 1000;
        let checked = ReplayWindow::default().check(Some(b"1767225600"), NOON_MS + last);
        assert_eq!(checked, Ok(()));
    }
}
