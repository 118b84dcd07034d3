//! What to do with an app's token at some time. No I/O, no clock.

use std::time::{Duration, Instant};

/// A token is renewed when it holds for less than this. The platform gives a new one from 30 minutes before the end on, and
/// the old one holds to its end. The official SDKs renew 3 or 10 minutes before.
const RENEW_WITHIN: Duration = Duration::from_secs(5 * 60);
/// The longest time that a token is believed to hold. The platform's hold for two hours.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Pause before a token that still holds is renewed again after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// What to do for a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenUse<T> {
    /// Use this.
    Use(T),
    /// Ask for another one; this one holds meanwhile.
    RenewSoon(T),
    /// Ask for one first.
    Ask,
}

/// The token of one app, or none.
#[derive(Debug)]
pub(super) struct TokenState<T> {
    kept: Option<Kept<T>>,
}

#[derive(Debug)]
struct Kept<T> {
    token: T,
    renew_at: Instant,
    until: Instant,
}

impl<T> Default for TokenState<T> {
    fn default() -> Self {
        Self { kept: None }
    }
}

impl<T: Clone> TokenState<T> {
    /// What to do for a call.
    pub(super) fn look(&self, now: Instant) -> TokenUse<T> {
        match &self.kept {
            Some(kept) if now < kept.renew_at => TokenUse::Use(kept.token.clone()),
            Some(kept) if now < kept.until => TokenUse::RenewSoon(kept.token.clone()),
            _ => TokenUse::Ask,
        }
    }

    /// The platform gave a token.
    pub(super) fn handle_token(&mut self, token: T, lifetime: Duration, now: Instant) {
        let lifetime = lifetime.min(MAX_LIFETIME);
        let until = now + lifetime;
        self.kept = Some(Kept {
            token,
            // A token with a short life is renewed half-way.
            renew_at: until - RENEW_WITHIN.min(lifetime / 2),
            until,
        });
    }

    /// The platform gave none. Returns the token that still holds.
    pub(super) fn handle_failure(&mut self, now: Instant) -> Option<T> {
        let kept = self.kept.as_mut().filter(|kept| now < kept.until)?;
        kept.renew_at = (now + AFTER_FAILURE).min(kept.until);
        Some(kept.token.clone())
    }

    /// Forgets the token if it is that one.
    pub(super) fn evict(&mut self, is_that: impl FnOnce(&T) -> bool) {
        self.kept.take_if(|kept| is_that(&kept.token));
    }

    /// Whether there is a token that has not ended.
    pub(super) fn holds(&self, now: Instant) -> bool {
        self.kept.as_ref().is_some_and(|kept| now < kept.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn with_token(lifetime: Duration) -> (TokenState<u8>, Instant) {
        let (mut state, now) = (TokenState::default(), Instant::now());
        state.handle_token(1, lifetime, now);
        (state, now)
    }

    #[test]
    fn a_token_is_used_renewed_and_ended() {
        let check = |lifetime: Duration, expected: &[(Duration, TokenUse<u8>)]| {
            let (state, start) = with_token(lifetime);
            for (after, expected) in expected {
                assert_eq!(
                    state.look(start + *after),
                    *expected,
                    "{lifetime:?} {after:?}"
                );
            }
        };
        let second = Duration::from_secs(1);
        check(
            120 * MINUTE,
            &[
                (Duration::ZERO, TokenUse::Use(1)),
                (115 * MINUTE - second, TokenUse::Use(1)),
                (115 * MINUTE, TokenUse::RenewSoon(1)),
                (120 * MINUTE - second, TokenUse::RenewSoon(1)),
                (120 * MINUTE, TokenUse::Ask),
            ],
        );
        check(
            2 * MINUTE,
            &[
                (59 * second, TokenUse::Use(1)),
                (MINUTE, TokenUse::RenewSoon(1)),
                (2 * MINUTE, TokenUse::Ask),
            ],
        );
        check(Duration::ZERO, &[(Duration::ZERO, TokenUse::Ask)]);
        check(Duration::MAX, &[(MAX_LIFETIME, TokenUse::Ask)]);
        assert_eq!(
            TokenState::<u8>::default().look(Instant::now()),
            TokenUse::Ask
        );
    }

    #[test]
    fn a_failed_renewal_is_tried_again_after_a_pause() {
        let (mut state, start) = with_token(120 * MINUTE);
        let renewal = start + 116 * MINUTE;
        assert_eq!(state.handle_failure(renewal), Some(1));
        assert_eq!(state.look(renewal), TokenUse::Use(1));
        assert_eq!(state.look(renewal + AFTER_FAILURE), TokenUse::RenewSoon(1));
        assert_eq!(state.handle_failure(start + 120 * MINUTE), None);
    }

    #[test]
    fn only_the_token_that_failed_is_evicted() {
        let (mut state, now) = with_token(120 * MINUTE);
        state.evict(|token| *token == 2);
        assert!(state.holds(now));
        state.evict(|token| *token == 1);
        assert_eq!(state.look(now), TokenUse::Ask);
    }
}
