//! What `bench deliver` found, and its lines of the table.

use longwire_terminal::{grouped, ms};
use serde::Serialize;

use super::DeliveryLook;
use super::account::DeliveryAccount;
use super::along::ReadAlong;
use super::trouble::{BesideTrouble, UNAFFECTED};
use crate::bar::{Bar, BarBound, BarStanding};
use crate::report::{ReportFigures, ReportRow};
use crate::sample::LatencyQuantiles;

/// Deliveries per second to one endpoint, on two cores.
const PER_SECOND: Bar = Bar {
    bar: BarBound::AtLeast(10_000.0),
    stretch: None,
};
/// Of the floor's posts per second.
const OF_FLOOR: Bar = Bar {
    bar: BarBound::AtLeast(0.4),
    stretch: Some(BarBound::AtLeast(0.7)),
};
/// From the record to the receipt, 99 in 100, in milliseconds.
const RECEIVED_MS: Bar = Bar {
    bar: BarBound::AtMost(5.0),
    stretch: Some(BarBound::AtMost(2.0)),
};

/// What was found.
#[derive(Debug, Serialize)]
pub(super) struct DeliverFigures {
    to_one: CatchUp,
    to_one_standing: BarStanding,
    to_many: CatchUp,
    floor_per_second: f64,
    of_floor: f64,
    of_floor_standing: BarStanding,
    live: LiveDelivery,
    live_standing: BarStanding,
    trouble: BesideTrouble,
    along: ReadAlong,
    /// Of an event, on average.
    body_bytes: u64,
    pub(super) account: DeliveryAccount,
}

/// What each part of a run measured.
pub(super) struct Parts {
    pub(super) to_one: CatchUp,
    pub(super) to_many: CatchUp,
    pub(super) live: LiveDelivery,
    pub(super) trouble: BesideTrouble,
    pub(super) along: ReadAlong,
    pub(super) floor_per_second: f64,
    /// Of an event, on average.
    pub(super) body_bytes: u64,
}

/// How fast consumers caught up.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CatchUp {
    endpoints: usize,
    deliveries: u64,
    per_second: f64,
    /// Processor time per delivery.
    gateway_us: f64,
    receiver_us: f64,
}

/// How late events are on a consumer that has caught up.
#[derive(Debug, Clone, Serialize)]
pub(super) struct LiveDelivery {
    pub(super) rate: f64,
    /// From push to ACK.
    pub(super) ack: LatencyQuantiles,
    /// From push to receipt: the record and the delivery together.
    pub(super) received: LatencyQuantiles,
}

impl CatchUp {
    /// Between two looks.
    pub(super) fn between(
        endpoints: usize,
        deliveries: u64,
        from: &DeliveryLook,
        until: &DeliveryLook,
    ) -> Self {
        let taken = (until.taken - from.taken) as f64;
        let seconds = until.at.duration_since(from.at).as_secs_f64();
        let each = |of: std::time::Duration| of.as_secs_f64() * 1e6 / taken.max(1.0);
        Self {
            endpoints,
            deliveries,
            per_second: if seconds > 0.0 { taken / seconds } else { 0.0 },
            gateway_us: each(until.gateway - from.gateway),
            receiver_us: each(until.receiver - from.receiver),
        }
    }

    fn cost(&self) -> String {
        format!(
            "catching up with {} deliveries; CPU per delivery: gateway {:.1} µs, receiver {:.1} µs",
            grouped(self.deliveries),
            self.gateway_us,
            self.receiver_us
        )
    }
}

impl DeliverFigures {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts {
            to_one,
            to_many,
            live,
            trouble,
            along,
            floor_per_second,
            body_bytes,
        } = parts;
        let of_floor = to_one.per_second / floor_per_second;
        Self {
            to_one_standing: PER_SECOND.judge(to_one.per_second),
            of_floor_standing: OF_FLOOR.judge(of_floor),
            live_standing: RECEIVED_MS.judge(live.received.p99_us as f64 / 1e3),
            to_one,
            to_many,
            floor_per_second,
            of_floor,
            live,
            trouble,
            along,
            body_bytes,
            account: DeliveryAccount::default(),
        }
    }
}

impl BesideTrouble {
    fn rows(&self) -> [ReportRow; 3] {
        [
            ReportRow::new(
                "beside trouble",
                quantiles(self.during),
                format!(
                    "from push to receipt, of the slowest of three well applications while one is dead and one takes 10 s; \
                     {:.2} × p99; {}",
                    self.ratio,
                    against(&UNAFFECTED, self.standing)
                ),
            ),
            ReportRow::new("", quantiles(self.before), "the same before, all five well"),
            ReportRow::new(
                "the dead one",
                format!("{} missed", grouped(self.missed_events)),
                format!(
                    "away for {:.0} s; had all of it {:.1} s after it came back; the slow one took {} meanwhile",
                    self.dead_seconds,
                    self.caught_up_seconds,
                    grouped(self.slow_events)
                ),
            ),
        ]
    }
}

fn against(bar: &Bar, standing: BarStanding) -> String {
    let stretch = bar.stretch.map_or_else(String::new, |stretch| {
        format!(", stretch {}", stretch.tell())
    });
    format!("bar {}{stretch}: {}", bar.bar.tell(), standing.tell())
}

fn quantiles(of: LatencyQuantiles) -> String {
    let [p50, p99, max] = [of.p50_us, of.p99_us, of.max_us].map(ms);
    format!("p50 {p50}, p99 {p99}, max {max}")
}

impl ReportFigures for DeliverFigures {
    fn rows(&self) -> Vec<ReportRow> {
        let per_second = |of: f64| format!("{} /s", grouped(of as u64));
        let mut rows = vec![
            ReportRow::new(
                "one endpoint",
                per_second(self.to_one.per_second),
                against(&PER_SECOND, self.to_one_standing),
            ),
            ReportRow::new("", "", self.to_one.cost()),
            ReportRow::new(
                "floor",
                per_second(self.floor_per_second),
                format!(
                    "posts of {} bytes from memory, the same connections and receiver",
                    self.body_bytes
                ),
            ),
            ReportRow::new(
                "of the floor",
                format!("{:.2} ×", self.of_floor),
                against(&OF_FLOOR, self.of_floor_standing),
            ),
            ReportRow::new(
                "many",
                per_second(self.to_many.per_second),
                format!("to {} endpoints", self.to_many.endpoints),
            ),
            ReportRow::new("", "", self.to_many.cost()),
            ReportRow::new(
                "received",
                quantiles(self.live.received),
                format!(
                    "from push to receipt at {} events/s, so the record is part of it; {}",
                    self.live.rate,
                    against(&RECEIVED_MS, self.live_standing)
                ),
            ),
            ReportRow::new("", quantiles(self.live.ack), "from push to ACK"),
        ];
        rows.extend(self.trouble.rows());
        rows.extend([
            ReportRow::new(
                "read along",
                per_second(self.along.per_second),
                format!(
                    "events to {} readers with a stream each; CPU per event of a reader: gateway {:.1} µs",
                    self.along.readers, self.along.gateway_us
                ),
            ),
            ReportRow::new(
                "",
                quantiles(self.along.received),
                "from push to receipt, of the reader that waits longest",
            ),
            ReportRow::new(
                "deliveries",
                format!(
                    "{} of {}",
                    grouped(self.account.received),
                    grouped(self.account.recorded)
                ),
                self.account.tell(),
            ),
        ]);
        rows
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_catch_up_is_what_came_between() {
        let at = Instant::now();
        let look = |taken, seconds| DeliveryLook {
            at: at + Duration::from_secs(seconds),
            taken,
            gateway: Duration::from_millis(10 * taken),
            receiver: Duration::from_millis(5 * taken),
        };
        let caught_up = CatchUp::between(1, 1_000, &look(100, 1), &look(900, 5));
        assert_eq!(caught_up.per_second, 200.0);
        assert_eq!(
            (caught_up.gateway_us, caught_up.receiver_us),
            (10_000.0, 5_000.0)
        );
        let nothing = CatchUp::between(1, 1, &look(1, 1), &look(1, 1));
        assert_eq!((nothing.per_second, nothing.gateway_us), (0.0, 0.0));
    }
}
