//! How long the writer's thread was ready to run and had no core: what tells whether recording lacks processor time.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// What the scheduler says of the writer's thread, since that thread began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchedulingDelay {
    /// The time that it waited for a core, all waits together.
    pub waited: Duration,
    /// How often it got one.
    pub runs: u64,
}

/// The writer's thread, as the system numbers it; 0 while there is none, or where it cannot be told.
#[derive(Debug, Default)]
pub(crate) struct WriterThread(AtomicU32);

impl WriterThread {
    /// The current thread is it from now on.
    pub(crate) fn is_this(&self) {
        #[cfg(target_os = "linux")]
        self.0.store(
            rustix::thread::gettid()
                .as_raw_nonzero()
                .get()
                .unsigned_abs(),
            Relaxed,
        );
    }

    /// `None` while no thread writes, and where the system does not tell. One read of a small file that is no disk's.
    pub(crate) fn delay(&self) -> Option<SchedulingDelay> {
        let thread = self.0.load(Relaxed);
        if thread == 0 {
            return None;
        }
        let path = format!("/proc/self/task/{thread}/schedstat");
        parse(&std::fs::read_to_string(path).ok()?)
    }
}

/// Time on a core and time in the queue for one, in nanoseconds, and how often it got one (Linux,
/// `Documentation/scheduler/sched-stats.rst`, `/proc/<pid>/schedstat`).
fn parse(text: &str) -> Option<SchedulingDelay> {
    let mut numbers = text.split_ascii_whitespace().skip(1);
    let waited_ns = numbers.next()?.parse().ok()?;
    Some(SchedulingDelay {
        waited: Duration::from_nanos(waited_ns),
        runs: numbers.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_numbers_are_read() {
        let delay = parse("1234 5000 7\n").expect("three numbers");
        assert_eq!((delay.waited, delay.runs), (Duration::from_micros(5), 7));
        assert_eq!(parse("1234"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_that_runs_is_told_of() {
        let thread = WriterThread::default();
        assert_eq!(thread.delay(), None);
        thread.is_this();
        // A kernel without these figures tells nothing.
        if std::path::Path::new("/proc/self/schedstat").exists() {
            assert!(thread.delay().expect("this thread runs").runs > 0);
        }
    }
}
