//! Requests that brought no valid token: all are counted, and one a second is logged.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use longwire_access::{TokenId, TokenRefusal};

/// Whoever presents tokens in a loop must not fill a disk with our log. The counts have them all.
const LOG_EVERY_MS: i64 = 1_000;

pub(super) struct Refusals {
    missing: AtomicU64,
    malformed: AtomicU64,
    /// With each of [`TokenRefusal::ALL`].
    refused: [AtomicU64; TokenRefusal::ALL.len()],
    /// The second of the last line in the log.
    logged: AtomicI64,
}

impl Refusals {
    pub(super) fn new() -> Self {
        Self {
            missing: AtomicU64::new(0),
            malformed: AtomicU64::new(0),
            refused: Default::default(),
            logged: AtomicI64::new(i64::MIN),
        }
    }

    /// There was no token.
    pub(super) fn missing(&self) {
        self.missing.fetch_add(1, Relaxed);
    }

    /// A text was no token.
    pub(super) fn malformed(&self) {
        self.malformed.fetch_add(1, Relaxed);
    }

    /// A token was not valid.
    pub(super) fn refused(&self, token: TokenId, refusal: TokenRefusal, now_ms: i64) {
        let of_refusal = TokenRefusal::ALL.iter().zip(&self.refused);
        for (_, count) in of_refusal.filter(|(one, _)| **one == refusal) {
            count.fetch_add(1, Relaxed);
        }
        if self.is_logged(now_ms) {
            tracing::info!(%token, reason = refusal.label(), "a token was refused");
        }
    }

    /// Whether a refusal at this time is the first one of its second.
    fn is_logged(&self, now_ms: i64) -> bool {
        let second = now_ms.div_euclid(LOG_EVERY_MS);
        self.logged.swap(second, Relaxed) != second
    }

    /// How many there were, by reason.
    pub(super) fn counts(&self) -> Vec<(&'static str, u64)> {
        let labels = TokenRefusal::ALL.map(TokenRefusal::label);
        let labels = ["missing", "malformed"].into_iter().chain(labels);
        let counts = [&self.missing, &self.malformed];
        labels
            .zip(counts.into_iter().chain(&self.refused))
            .map(|(label, count)| (label, count.load(Relaxed)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_refusal_a_second_is_logged() {
        let refusals = Refusals::new();
        for (now_ms, is_logged) in [
            (1_000, true),
            (1_001, false),
            (1_999, false),
            (2_000, true),
            // The clock was set back.
            (500, true),
            (501, false),
        ] {
            assert_eq!(refusals.is_logged(now_ms), is_logged, "{now_ms}");
        }
    }
}
