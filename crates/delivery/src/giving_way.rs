//! Recording goes first: while the writer of the store waits too long for a core, delivery leaves the cores alone.
//!
//! ```text
//! the writer's waits ──▶ CoreShare ──▶ the thread of delivery sleeps after each slice of work
//! ```
//! A lower priority alone does not do: what an application does with an event takes time on the same cores, if it runs on the same
//! host. Delivery that rests gives it less to do.

use std::time::Duration;

use longwire_store::{SchedulingDelay, Store};
use tokio::sync::watch;

use longwire_wire::event::Seq;

/// How long the writer may wait for a core each time, on average. Beside a simulated platform on two cores it waits 30 µs at
/// 20,000 events/s, and 100 µs when five consumers take all that is left.
const BEARABLE: Duration = Duration::from_micros(70);
/// Of a core's time, what delivery always has.
const LEAST: f64 = 0.1;
/// What of its share is left after a look that found too long waits, and what is added after one that did not.
const LESS: f64 = 0.7;
const MORE: f64 = 0.03;
/// With fewer runs between two looks the writer has next to nothing to do.
const FEW_RUNS: u64 = 4;
/// How often the waits are looked at.
const LOOK: Duration = Duration::from_millis(20);
/// Work between two rests; the timer of the runtime knows no shorter time.
const SLICE: Duration = Duration::from_millis(1);
/// The longest rest.
const REST: Duration = Duration::from_millis(20);

/// The share of a core that delivery takes, 1 unless recording lacks time.
#[derive(Debug)]
struct CoreShare {
    share: f64,
    seen: SchedulingDelay,
}

impl CoreShare {
    fn new(seen: SchedulingDelay) -> Self {
        Self { share: 1.0, seen }
    }

    fn is_whole(&self) -> bool {
        self.share >= 1.0
    }

    /// Takes in what the writer has waited by now.
    fn look(&mut self, delay: SchedulingDelay) {
        let runs = delay.runs.saturating_sub(self.seen.runs);
        let waited = delay.waited.saturating_sub(self.seen.waited);
        self.seen = delay;
        let each = waited.div_f64(runs.max(1) as f64);
        self.share = if runs < FEW_RUNS {
            self.share * 2.0
        } else if each > BEARABLE {
            self.share * LESS
        } else {
            self.share + MORE
        };
        self.share = self.share.clamp(LEAST, 1.0);
    }

    /// Takes in that nothing was recorded since the last look: what the writer waited, it waited on behalf of delivery.
    fn handle_idle_recording(&mut self, delay: SchedulingDelay) {
        self.seen = delay;
        self.share = 1.0;
    }

    /// How long to rest after so much work.
    fn rest(&self, worked: Duration) -> Duration {
        worked.mul_f64((1.0 - self.share) / self.share).min(REST)
    }
}

/// Rests when it is time to, on the thread of delivery, as long as that runs. Does nothing while no event is recorded, or where
/// the system does not tell how long the writer waits.
pub(crate) async fn give_way(store: Store, mut head: watch::Receiver<Seq>) {
    let mut share = CoreShare::new(store.scheduling_delay().unwrap_or_default());
    let mut looked = tokio::time::Instant::now();
    let mut worked = processor_time();
    loop {
        if share.is_whole() {
            if head.changed().await.is_err() {
                return;
            }
            tokio::time::sleep(LOOK).await;
        } else {
            tokio::time::sleep(SLICE).await;
        }
        if looked.elapsed() >= LOOK {
            looked = tokio::time::Instant::now();
            let delay = store.scheduling_delay().unwrap_or_default();
            match head.has_changed() {
                Ok(true) => share.look(delay),
                Ok(false) => share.handle_idle_recording(delay),
                Err(_) => return,
            }
            head.borrow_and_update();
        }
        let rest = share.rest(processor_time().saturating_sub(worked));
        if !rest.is_zero() {
            // The thread as a whole: nothing else runs on it.
            std::thread::sleep(rest);
        }
        worked = processor_time();
    }
}

/// What this thread has used of its cores.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The writer's counters, a look later each.
    struct Waits(SchedulingDelay);

    impl Waits {
        fn after(&mut self, runs: u64, each: Duration) -> SchedulingDelay {
            self.0.runs += runs;
            self.0.waited += each.mul_f64(runs as f64);
            self.0
        }
    }

    #[test]
    fn recording_that_waits_gets_the_cores_and_delivery_never_nothing() {
        let mut share = CoreShare::new(SchedulingDelay::default());
        let mut waits = Waits(SchedulingDelay::default());
        assert_eq!(share.rest(SLICE), Duration::ZERO);
        for _ in 0..20 {
            share.look(waits.after(100, BEARABLE * 2));
        }
        assert_eq!(share.share, LEAST);
        assert_eq!(share.rest(SLICE), SLICE * 9);
        assert_eq!(share.rest(SLICE * 10), REST);
    }

    #[test]
    fn delivery_comes_back_step_by_step_and_at_once_when_nothing_is_recorded() {
        let mut share = CoreShare::new(SchedulingDelay::default());
        let mut waits = Waits(SchedulingDelay::default());
        (0..20).for_each(|_| share.look(waits.after(100, BEARABLE * 2)));
        share.look(waits.after(100, BEARABLE / 2));
        assert!(share.share > LEAST && share.share < 0.2, "{share:?}");
        for _ in 0..5 {
            share.look(waits.after(1, BEARABLE * 9));
        }
        assert!(share.is_whole(), "{share:?}");
    }

    /// A backlog is delivered, and the writer keeps positions and journeys beside an application that takes a core.
    #[test]
    fn delivery_does_not_rest_for_what_it_writes_itself() {
        let mut share = CoreShare::new(SchedulingDelay::default());
        let mut waits = Waits(SchedulingDelay::default());
        (0..20).for_each(|_| share.look(waits.after(100, BEARABLE * 2)));
        share.handle_idle_recording(waits.after(100, BEARABLE * 2));
        assert!(share.is_whole(), "{share:?}");
        share.look(waits.after(100, BEARABLE / 2));
        assert!(share.is_whole(), "what was waited before is over");
    }

    #[test]
    fn a_writer_that_began_anew_is_no_long_wait() {
        let mut share = CoreShare::new(SchedulingDelay {
            waited: Duration::from_secs(9),
            runs: 90,
        });
        share.look(SchedulingDelay::default());
        assert!(share.is_whole());
    }
}
