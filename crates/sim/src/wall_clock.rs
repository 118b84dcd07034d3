//! The time of day as a process had it at its start, and never less afterwards.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long it takes to read both clocks, if nothing comes between.
const TOGETHER: Duration = Duration::from_micros(20);
/// How often they are read again.
const TRIES: usize = 100;

/// Converts instants to wall-clock time. Processes of one host that were started while nobody set the clock agree to some
/// microseconds.
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    instant: Instant,
    unix_us: u64,
}

impl WallClock {
    /// The time of day from now on.
    #[must_use]
    pub fn now() -> Self {
        let mut clock = Self::read();
        // Both clocks have to be read at one time: a thread that is not running in between makes all times wrong.
        for _ in 0..TRIES {
            if clock.instant.elapsed() <= TOGETHER {
                break;
            }
            clock = Self::read();
        }
        clock
    }

    fn read() -> Self {
        let instant = Instant::now();
        let unix = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            instant,
            unix_us: u64::try_from(unix.unwrap_or_default().as_micros()).unwrap_or(0),
        }
    }

    /// Microseconds since 1970.
    #[must_use]
    pub fn unix_us(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.instant).as_micros();
        self.unix_us + u64::try_from(since).unwrap_or(0)
    }

    pub(crate) fn unix_ms(&self, at: Instant) -> u64 {
        self.unix_us(at) / 1_000
    }
}
