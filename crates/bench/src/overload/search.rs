//! Which rate to try next, until the highest that is kept up with is known.
//!
//! A paced event costs more than one of a closed loop, whose events are read and committed many at a time, so the search
//! begins well below what the closed loop made and rises. It does not refine: what is to follow is twice the rate found.

/// The first rate, as a share of the closed loop's. Paced, about a half of that is kept up with.
const FIRST_SHARE: f64 = 0.4;
/// From one rate to the next, and so what may be missing from the rate found.
const RISE: f64 = 1.25;
/// A rate is given up when it was not kept up with so often: a host has moments of its own.
const TRIES: u32 = 2;
/// Nothing slower is looked for.
const LEAST_RATE: f64 = 1.0;

/// The state of a search.
#[derive(Debug)]
pub(super) struct Search {
    rate: f64,
    most: f64,
    /// How often the rate was not kept up with.
    failed: u32,
    held: Option<f64>,
    broke: bool,
}

impl Search {
    /// For a host that made so many in a closed loop; no rate above `most` is tried.
    pub(super) fn from_closed_loop(per_second: f64, most: f64) -> Self {
        Self {
            rate: (per_second * FIRST_SHARE).min(most).max(LEAST_RATE),
            most,
            failed: 0,
            held: None,
            broke: false,
        }
    }

    /// The rate to try.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// It was tried, and kept up with or not. Returns the highest rate that is, once that is known.
    pub(super) fn tried(&mut self, kept_up: bool) -> Option<f64> {
        if kept_up {
            let held = self.rate;
            if self.broke || held >= self.most {
                return Some(held);
            }
            self.held = Some(held);
            self.go_to((held * RISE).min(self.most));
            return None;
        }
        self.failed += 1;
        if self.failed < TRIES {
            return None;
        }
        if self.held.is_some() || self.rate <= LEAST_RATE {
            return Some(self.held.unwrap_or(LEAST_RATE));
        }
        self.broke = true;
        self.go_to((self.rate / RISE).max(LEAST_RATE));
        None
    }

    fn go_to(&mut self, rate: f64) {
        self.rate = rate;
        self.failed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks on a host that keeps up with `limit`; returns what was found and in how many tries.
    fn look(closed: f64, most: f64, limit: f64) -> (f64, u32) {
        let mut search = Search::from_closed_loop(closed, most);
        for tries in 1..1_000 {
            assert!(search.rate() <= most, "{search:?}");
            if let Some(found) = search.tried(search.rate() <= limit) {
                return (found, tries);
            }
        }
        panic!("it does not end: {search:?}");
    }

    #[test]
    fn what_is_found_is_close_below_the_limit_and_found_soon() {
        for share in [0.2, 0.4, 0.5, 0.6, 0.8, 1.0] {
            let (found, tries) = look(100_000.0, 250_000.0, 100_000.0 * share);
            let part = found / (100_000.0 * share);
            assert!(part > 1.0 / RISE && part <= 1.0, "{share}: {found}");
            assert!(tries <= 9, "{share}: {tries} tries");
        }
    }

    #[test]
    fn a_bad_moment_is_not_the_limit() {
        let mut search = Search::from_closed_loop(1_000.0, 250_000.0);
        assert_eq!(search.tried(false), None);
        assert_eq!(search.rate(), 400.0, "once more");
        assert_eq!(search.tried(true), None);
        assert_eq!(search.rate(), 500.0);
        assert_eq!(search.tried(false), None);
        assert_eq!(search.tried(false), Some(400.0));
    }

    #[test]
    fn it_ends_at_both_ends() {
        assert_eq!(look(1_000_000.0, 250_000.0, f64::MAX).0, 250_000.0);
        assert_eq!(look(100_000.0, 20_000.0, f64::MAX), (20_000.0, 1));
        assert_eq!(look(50.0, 250_000.0, 0.0).0, LEAST_RATE);
        assert_eq!(look(0.0, 250_000.0, 0.0), (LEAST_RATE, TRIES));
    }
}
