//! How many messages applications may send through one bot.
//!
//! Counted is what people see as a message: a reply, a message of its own, a file that is uploaded, the first frame of a stream.
//! Not counted are the later frames of a stream, changes of a card, the answer to a click, and what longwire itself says. Nothing
//! that comes from a platform is ever counted or refused here.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use longwire_installation::InstallationId;
use serde_json::value::RawValue;

/// Streams that are remembered, so that their later frames are not counted.
const STREAMS: usize = 4_096;

/// So many messages of one bot within a span. As many may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageRateLimit {
    messages: NonZeroU32,
    span: RateSpan,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RateSpan {
    Second,
    Minute,
    Hour,
}

/// The words of the spans.
const SPANS: [(&str, RateSpan); 3] = [
    ("s", RateSpan::Second),
    ("min", RateSpan::Minute),
    ("h", RateSpan::Hour),
];

impl RateSpan {
    fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
        })
    }
}

/// A text is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rate is a number from 1 to 100000 and `/s`, `/min` or `/h`, such as `60/min`")]
pub struct MessageRateError;

impl FromStr for MessageRateLimit {
    type Err = MessageRateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (messages, span) = text.split_once('/').ok_or(MessageRateError)?;
        let messages: NonZeroU32 = messages.trim().parse().map_err(|_| MessageRateError)?;
        let span = SPANS.iter().find(|(word, _)| *word == span.trim());
        let (_, span) = span.ok_or(MessageRateError)?;
        if messages.get() > 100_000 {
            return Err(MessageRateError);
        }
        Ok(Self {
            messages,
            span: *span,
        })
    }
}

impl fmt::Display for MessageRateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = SPANS.iter().find(|(_, span)| *span == self.span);
        write!(f, "{}/{}", self.messages, span.map_or("", |(word, _)| word))
    }
}

/// The bot has sent as many messages as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyMessages {
    /// When the next one is let through.
    pub(crate) retry_after: Duration,
}

type Limiter<C> = RateLimiter<
    InstallationId,
    HashMapStateStore<InstallationId>,
    C,
    NoOpMiddleware<<C as Clock>::Instant>,
>;

/// Counts the messages of all bots.
pub(crate) struct MessageRate<C: Clock = MonotonicClock> {
    /// None: no limit. An operator may change it while messages are sent.
    limiter: RwLock<Option<Arc<Limiter<C>>>>,
    clock: C,
    /// The streams that began lately, oldest first.
    streams: Mutex<VecDeque<(InstallationId, String)>>,
}

impl MessageRate {
    pub(crate) fn new(limit: Option<MessageRateLimit>) -> Self {
        Self::with_clock(limit, MonotonicClock)
    }
}

impl<C: Clock + Clone> MessageRate<C> {
    fn with_clock(limit: Option<MessageRateLimit>, clock: C) -> Self {
        Self {
            limiter: RwLock::new(limiter(limit, &clock)),
            clock,
            streams: Mutex::default(),
        }
    }

    /// Another limit holds from now on, and what was counted so far is forgotten.
    pub(crate) fn set(&self, limit: Option<MessageRateLimit>) {
        let limiter = limiter(limit, &self.clock);
        *self.limiter.write().unwrap_or_else(PoisonError::into_inner) = limiter;
    }

    fn limiter(&self) -> Option<Arc<Limiter<C>>> {
        let limiter = self.limiter.read();
        limiter.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a message of this bot.
    pub(crate) fn admit(&self, bot: InstallationId) -> Result<(), TooManyMessages> {
        let Some(limiter) = self.limiter() else {
            return Ok(());
        };
        limiter
            .check_key(&bot)
            .map_err(|not_until| TooManyMessages {
                retry_after: not_until.wait_time_from(self.clock.now()),
            })
    }

    /// Counts a frame that may be one of a stream: only the first one is a message.
    pub(crate) fn admit_frame(
        &self,
        bot: InstallationId,
        body: &RawValue,
    ) -> Result<(), TooManyMessages> {
        if self.limiter().is_none() {
            return Ok(());
        }
        let Some(stream) = stream_of(body) else {
            return self.admit(bot);
        };
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (bot, stream);
        if streams.contains(&key) {
            return Ok(());
        }
        self.admit(bot)?;
        if streams.len() >= STREAMS {
            streams.pop_front();
        }
        streams.push_back(key);
        Ok(())
    }
}

/// What counts by this limit.
fn limiter<C: Clock + Clone>(
    limit: Option<MessageRateLimit>,
    clock: &C,
) -> Option<Arc<Limiter<C>>> {
    let limit = limit?;
    let quota = Quota::with_period(limit.span.duration() / limit.messages.get())?;
    let quota = quota.allow_burst(limit.messages);
    Some(Arc::new(RateLimiter::hashmap_with_clock(
        quota,
        clock.clone(),
    )))
}

/// The id of the stream that a reply of WeCom is a part of.
fn stream_of(body: &RawValue) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(body.get()).ok()?;
    let id = body.get("stream")?.get("id")?.as_str()?;
    Some(id.to_owned())
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn rate(text: &str) -> (MessageRate<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let limit = text.parse().expect(text);
        (MessageRate::with_clock(Some(limit), clock.clone()), clock)
    }

    /// S94: a bot's messages are counted, and no other bot's with them.
    #[test]
    fn each_bot_has_its_own_count() {
        let (rate, clock) = rate("2/min");
        let (one, two) = (InstallationId(1), InstallationId(2));
        assert_eq!([rate.admit(one), rate.admit(one)], [Ok(()), Ok(())]);
        let retry_after = Duration::from_secs(30);
        assert_eq!(rate.admit(one), Err(TooManyMessages { retry_after }));
        assert_eq!(rate.admit(two), Ok(()));
        clock.advance(retry_after);
        assert_eq!(rate.admit(one), Ok(()));
        assert!(rate.admit(one).is_err());
        let none = MessageRate::new(None);
        assert!((0..1_000).all(|_| none.admit(one).is_ok()));
    }

    #[test]
    fn a_stream_is_one_message() {
        let (rate, _) = rate("1/h");
        let frame = |id: &str| {
            let body = format!(r#"{{"msgtype":"stream","stream":{{"id":"{id}","finish":false}}}}"#);
            RawValue::from_string(body).expect("json")
        };
        let bot = InstallationId(1);
        for _ in 0..3 {
            assert_eq!(rate.admit_frame(bot, &frame("a")), Ok(()));
        }
        assert!(rate.admit_frame(bot, &frame("b")).is_err());
        assert_eq!(rate.admit_frame(bot, &frame("a")), Ok(()), "it goes on");
    }

    #[test]
    fn rates_in_words() {
        for text in ["1/s", "60/min", "100000/h"] {
            let limit: MessageRateLimit = text.parse().expect(text);
            assert_eq!(limit.to_string(), text);
        }
        for text in [
            "", "60", "0/min", "60/day", "-1/s", "100001/s", "1.5/s", "/s",
        ] {
            let read = text.parse::<MessageRateLimit>();
            assert_eq!(read, Err(MessageRateError), "{text}");
        }
    }
}
