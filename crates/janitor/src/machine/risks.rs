//! Consumers that are so far behind that their events go, or keep others from going.

use std::time::Duration;

use longwire_consumer::Moment;
use longwire_store::{ConsumerFloor, ConsumerId};

use super::{News, Retention};

/// From this part of a bound on a consumer is told of.
const TOLD_AT: u64 = 80;
/// Below this part it is out of risk.
const OUT_AT: u64 = 60;

/// A consumer that keeps events from going.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hold {
    /// Which.
    pub consumer: ConsumerId,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub space: String,
    /// How many numbers of the log.
    pub events: u64,
}

/// A consumer that is near the bounds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Risk {
    /// Which.
    pub consumer: ConsumerId,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub space: String,
    /// How much of the nearest bound is used, in percent.
    pub percent: u64,
    /// Which bound: `age`, `bytes` or `events`.
    pub bound: &'static str,
    /// How many numbers of the log it is behind.
    pub lag_events: u64,
    /// How long ago the oldest event that it lacks was received.
    pub lag: Duration,
}

impl Retention {
    /// Finds those that are to be told of, and those that are out of risk.
    pub(super) fn check_risks(&mut self, now: Moment) {
        let risks: Vec<Risk> = (self.look.state.consumers.iter())
            .filter_map(|consumer| self.risk_of(consumer, now))
            .collect();
        for risk in risks {
            if risk.percent >= TOLD_AT {
                if self.told.insert(risk.consumer, risk.clone()).is_none() {
                    self.news.push_back(News::AtRisk(risk));
                }
            } else if risk.percent < OUT_AT && self.told.remove(&risk.consumer).is_some() {
                let consumer = risk.consumer;
                self.news.push_back(News::OutOfRisk { consumer });
            } else if let Some(told) = self.told.get_mut(&risk.consumer) {
                *told = risk;
            }
        }
        let there = &self.look.state.consumers;
        let is_there = |id: &ConsumerId| there.iter().any(|one| one.id == *id);
        self.told.retain(|id, _| is_there(id));
        self.passed.retain(|id, _| is_there(id));
    }

    /// How much of the nearest bound a consumer has used.
    fn risk_of(&self, consumer: &ConsumerFloor, now: Moment) -> Option<Risk> {
        let state = &self.look.state;
        let keep = &self.policy.keep;
        let floor = consumer.floor.max(state.gone_through);
        let lag_events = u64::try_from(state.events_behind(floor)).unwrap_or(0);
        let age_ms = consumer.next_ms.map_or(0, |next| now.unix_ms - next).max(0);
        let age_ms = age_ms.unsigned_abs();
        let percent = |used: u64, of: u64| used.saturating_mul(100) / of.max(1);
        let events = u64::try_from(state.events_behind(state.gone_through)).unwrap_or(0);
        let bytes = match events {
            0 => 0,
            events => state.used_bytes / events * lag_events,
        };
        let bounds = [
            (
                "age",
                keep.age_ms.map(|most| percent(age_ms, most.unsigned_abs())),
            ),
            ("bytes", keep.bytes.map(|most| percent(bytes, most))),
            ("events", keep.events.map(|most| percent(lag_events, most))),
        ];
        let of_bounds = bounds
            .into_iter()
            .filter_map(|(bound, percent)| Some((percent?, bound)));
        let (percent, bound) = of_bounds.max()?;
        Some(Risk {
            consumer: consumer.id,
            name: consumer.name.clone(),
            space: consumer.space.clone(),
            percent,
            bound,
            lag_events,
            lag: Duration::from_millis(age_ms),
        })
    }

    /// Finds consumers whose events went.
    pub(super) fn tell_passed(&mut self) {
        let gone = self.look.state.gone_through;
        for consumer in &self.look.state.consumers {
            let told = self.passed.get(&consumer.id).copied().unwrap_or(i64::MIN);
            let from = consumer.floor.max(told);
            if from < gone {
                self.passed.insert(consumer.id, gone);
                self.news.push_back(News::Passed {
                    consumer: consumer.id,
                    events: (gone - from).unsigned_abs(),
                });
            }
        }
    }
}
