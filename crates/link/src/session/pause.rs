//! A pause in reading, of which the pinger has to know: while nothing is read, silence proves nothing.

use std::time::{Duration, Instant};

/// A shorter pause is ordinary back-pressure.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// Whether the connection is read, and whether its pinger knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Pause {
    #[default]
    Reading,
    Since(Instant),
    Told,
}

/// What the pinger is to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PauseNews {
    Paused,
    Resumed,
}

impl Pause {
    /// Whether the connection is read now.
    pub(super) fn update(&mut self, reads: bool, now: Instant) -> Option<PauseNews> {
        let is_worth_telling = |since| now.saturating_duration_since(since) >= WORTH_TELLING;
        let (next, news) = match (reads, *self) {
            (true, Self::Told) => (Self::Reading, Some(PauseNews::Resumed)),
            (true, Self::Reading | Self::Since(_)) => (Self::Reading, None),
            (false, Self::Reading) => (Self::Since(now), None),
            (false, Self::Since(since)) if is_worth_telling(since) => {
                (Self::Told, Some(PauseNews::Paused))
            }
            (false, paused @ (Self::Since(_) | Self::Told)) => (paused, None),
        };
        *self = next;
        news
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Since(since) => Some(*since + WORTH_TELLING),
            Self::Reading | Self::Told => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pause_that_lasts_is_told() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pause = Pause::default();
        assert_eq!(pause.update(false, at(0)), None);
        assert_eq!(pause.poll_timeout(), Some(at(1000)));
        assert_eq!(pause.update(true, at(999)), None);
        assert_eq!(pause.poll_timeout(), None);
        assert_eq!(pause.update(false, at(2000)), None);
        assert_eq!(pause.update(false, at(3000)), Some(PauseNews::Paused));
        assert_eq!(pause.poll_timeout(), None, "once");
        assert_eq!(pause.update(true, at(9000)), Some(PauseNews::Resumed));
        assert_eq!(pause.update(true, at(9001)), None);
    }
}
