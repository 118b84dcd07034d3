//! A seed for a run that is given none.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970: another one for every run, and short enough to be typed again.
pub(crate) fn fresh() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
