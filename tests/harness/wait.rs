//! The only way a story waits: for a condition, with a deadline.

use std::time::{Duration, Instant};

use longwire_sim::{Control, Ledger};

/// How long anything may take before a story fails. Far above what is needed on a busy machine with two cores: it
/// only bounds how long a broken story hangs.
pub const LIMIT: Duration = Duration::from_secs(30);

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks until there is something to return; `Err` says what was seen instead.
///
/// # Panics
/// After [`LIMIT`], with `what` was waited for and the last thing seen.
#[track_caller]
pub fn wait_until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) => assert!(
                Instant::now() < end,
                "waited {LIMIT:?} in vain until {what}; last seen: {seen}"
            ),
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Waits until the platform knows what became of everything that it sent, and returns its ledger.
#[track_caller]
pub fn until_answered(control: &Control) -> Ledger {
    wait_until("everything has a verdict", || {
        let ledger = control.ledger();
        if ledger.pending == 0 {
            Ok(ledger)
        } else {
            Err(format!("{ledger:?}"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_late_is_found() {
        let mut looks = 0;
        let found = wait_until("the third look", || {
            looks += 1;
            if looks == 3 {
                Ok(looks)
            } else {
                Err(looks.to_string())
            }
        });
        assert_eq!(found, 3);
    }
}
