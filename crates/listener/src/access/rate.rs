//! How often a token may ask, by the class of the route.
//!
//! A program that asks in a loop is slowed down before it costs others anything. Counted per token, so that no caller takes
//! another one's share.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::http::StatusCode;
use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use longwire_access::TokenId;

use super::needs::RouteClass;
use crate::Problem;

/// Requests between two looks for tokens that have not asked for long, whose counts are then dropped.
const FORGET_EVERY: u32 = 4_096;

/// Requests of one token, per second and class. As many may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRates {
    /// Of routes that read.
    pub reads: NonZeroU32,
    /// Of routes that change or send something.
    pub writes: NonZeroU32,
    /// Of routes that open a stream.
    pub streams: NonZeroU32,
}

impl Default for TokenRates {
    /// Far above what an application asks that reads events in pages, and far below what costs this process a core.
    fn default() -> Self {
        let rate = |per_second| NonZeroU32::new(per_second).expect("it is not 0");
        Self {
            reads: rate(2_000),
            writes: rate(1_000),
            streams: rate(50),
        }
    }
}

type Limiter<C> =
    RateLimiter<TokenId, HashMapStateStore<TokenId>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// Counts the requests of each token.
pub(super) struct RateCheck<C: Clock = MonotonicClock> {
    clock: C,
    reads: Limiter<C>,
    writes: Limiter<C>,
    streams: Limiter<C>,
    checked: AtomicU32,
}

impl RateCheck {
    pub(super) fn new(rates: TokenRates) -> Self {
        Self::with_clock(rates, MonotonicClock)
    }
}

impl<C: Clock + Clone> RateCheck<C> {
    fn with_clock(rates: TokenRates, clock: C) -> Self {
        let limiter =
            |rate| RateLimiter::hashmap_with_clock(Quota::per_second(rate), clock.clone());
        Self {
            reads: limiter(rates.reads),
            writes: limiter(rates.writes),
            streams: limiter(rates.streams),
            checked: AtomicU32::new(0),
            clock,
        }
    }

    /// Counts a request of this token.
    pub(super) fn check(&self, token: TokenId, class: RouteClass) -> Result<(), Problem> {
        let limiter = match class {
            RouteClass::Read => &self.reads,
            RouteClass::Write => &self.writes,
            RouteClass::Stream => &self.streams,
        };
        let count = self.checked.fetch_add(1, Ordering::Relaxed);
        if count % FORGET_EVERY == FORGET_EVERY - 1 {
            limiter.retain_recent();
        }
        limiter.check_key(&token).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                format!(
                    "this token has sent too many requests that {}",
                    class.does()
                ),
            )
            .retry_after(wait)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;
    use longwire_access::{RANDOM_BYTES, TokenText};

    use super::*;

    #[test]
    fn each_token_and_class_has_its_own_count() {
        let two = NonZeroU32::new(2).expect("it is not 0");
        let rates = TokenRates {
            reads: two,
            writes: two,
            streams: NonZeroU32::MIN,
        };
        let clock = FakeRelativeClock::default();
        let check = RateCheck::with_clock(rates, clock.clone());
        let token = |byte| TokenText::new(&[byte; RANDOM_BYTES]).id();
        let ask = |byte, class| {
            check
                .check(token(byte), class)
                .map_err(|problem| problem.code())
        };
        for _ in 0..2 {
            assert_eq!(ask(1, RouteClass::Read), Ok(()));
        }
        assert_eq!(ask(1, RouteClass::Read), Err("rate_limited"));
        assert_eq!(ask(1, RouteClass::Write), Ok(()));
        assert_eq!(ask(1, RouteClass::Stream), Ok(()));
        assert_eq!(ask(1, RouteClass::Stream), Err("rate_limited"));
        assert_eq!(ask(2, RouteClass::Read), Ok(()));
        clock.advance(Duration::from_millis(500));
        assert_eq!(ask(1, RouteClass::Read), Ok(()));
        assert_eq!(ask(1, RouteClass::Read), Err("rate_limited"));
        assert_eq!(ask(1, RouteClass::Stream), Err("rate_limited"));
    }
}
