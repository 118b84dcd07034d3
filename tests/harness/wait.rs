//! The only way a story waits: for a condition, with a deadline.

use std::time::{Duration, Instant};

use longwire_sim::{Control, Ledger};

/// How long a story waits for anything before it fails. Much more than a busy machine with two cores needs: it only
/// limits how long a broken story hangs.
pub const LIMIT: Duration = Duration::from_secs(30);

/// How often a condition is checked.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Calls `look` until it returns `Ok`. `Err` says what it saw instead.
///
/// # Panics
/// After [`LIMIT`], with `what` and the last `Err`.
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

/// Waits until no push of the platform is unfinished, and returns its ledger.
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
