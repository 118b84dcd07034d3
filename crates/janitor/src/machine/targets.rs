//! Up to where events are to go, by each bound.

use longwire_consumer::Moment;
use longwire_store::{KeepRule, ListedInstallation, NumberGap, PayloadPolicy};
use longwire_wire::event::Seq;

use super::pace::Urgency;
use super::tasks::Task;
use super::{HOURLY, Hold, Retention};
use crate::moment;
use crate::policy::ConsumersBehind;

/// Free pages up to so many bytes are left for what comes: new events take them again.
const SLACK_BYTES: u64 = 64 << 20;
/// And so much of what is used: one part of so many.
const SLACK_PART: u64 = 20;

impl Retention {
    /// Makes the tasks of a round.
    pub(super) fn plan(&mut self, now: Moment) {
        self.tasks.clear();
        let is_due = |at: &mut Option<std::time::Instant>| {
            let is_due = at.is_none_or(|at| at <= now.instant);
            if is_due {
                *at = Some(now.instant + HOURLY);
            }
            is_due
        };
        if is_due(&mut self.next_mark) {
            self.tasks.push_back(Task::Mark);
        }
        let target = self.target(now);
        self.urgency = self.urgency_for(target);
        let state = &self.look.state;
        let keys_through = state.gone_through.min(state.repeats_through);
        // The newest event leaves its row.
        if keys_through.min(state.newest - 1) > state.deleted_through {
            self.tasks.push_back(Task::DeleteKeys {
                through: keys_through.min(state.newest - 1),
            });
        }
        if target > state.gone_through {
            self.tasks.push_back(Task::Expire { through: target });
        }
        self.plan_lists(now);
        if is_due(&mut self.next_tidying) {
            self.plan_tidying(now);
        }
        self.plan_giving_back();
    }

    /// All events up to here are to go.
    fn target(&mut self, now: Moment) -> i64 {
        let aged = match self.is_clock_held(now) {
            true => None,
            false => self.look.aged_through,
        };
        let state = &self.look.state;
        let gone = state.gone_through;
        let counted = self.policy.keep.events.map(|events| {
            let events = i64::try_from(events).unwrap_or(i64::MAX);
            NumberGap::before_newest(&state.gaps, state.newest, events)
        });
        let gentle = aged
            .into_iter()
            .chain(counted)
            .fold(gone, i64::max)
            .min(state.newest);
        let forced = oversized(&self.policy.keep, self).min(state.newest);
        self.holds.clear();
        let allowed = match self.policy.consumers {
            ConsumersBehind::Pass => gentle,
            ConsumersBehind::Wait => self.waiting_for_consumers(gentle, forced),
        };
        allowed.max(forced)
    }

    /// As far as consumers have come. Those that keep events from going are written down.
    fn waiting_for_consumers(&mut self, wanted: i64, forced: i64) -> i64 {
        let gone = self.look.state.gone_through;
        let mut allowed = wanted;
        for consumer in &self.look.state.consumers {
            // What is gone already keeps nobody.
            let floor = consumer.floor.max(gone).max(forced);
            if floor < wanted {
                allowed = allowed.min(floor);
                self.holds.push(Hold {
                    consumer: consumer.id,
                    name: consumer.name.clone(),
                    space: consumer.space.clone(),
                    events: NumberGap::events_between(&self.look.state.gaps, floor, wanted)
                        .unsigned_abs(),
                });
            }
        }
        allowed
    }

    /// How much of the writer's time this takes. Steps at a calm pace take some thousand events a second.
    fn urgency_for(&self, target: i64) -> Urgency {
        let state = &self.look.state;
        let too_many = NumberGap::events_between(&state.gaps, state.gone_through, target);
        if let Some(bytes) = self.policy.keep.bytes {
            if state.used_bytes > bytes.saturating_add(bytes / 10) {
                return Urgency::Pressing;
            }
            if state.used_bytes > bytes.saturating_add(bytes / 50) {
                return Urgency::Behind;
            }
        }
        match too_many > state.events_behind(state.gone_through) / 20 + 10_000 {
            true => Urgency::Behind,
            false => Urgency::Calm,
        }
    }

    fn plan_lists(&mut self, now: Moment) {
        let state = &self.look.state;
        let Some(least) = state.listed.iter().map(|one| one.listed_through).min() else {
            return;
        };
        // Those that have come equally far share their way.
        let is_next = |one: &&ListedInstallation| one.listed_through == least;
        let group: Vec<_> = state.listed.iter().filter(is_next).collect();
        let installations: Vec<_> = group.iter().map(|one| one.installation).collect();
        let ahead = state.listed.iter().map(|one| one.listed_through.0);
        let until = ahead.filter(|through| *through > least.0).min();
        let until = until.unwrap_or(state.newest).min(state.newest);
        if until > least.0 {
            self.tasks.push_back(Task::List {
                installations,
                after: least.max(Seq(state.gone_through)),
                until: Seq(until),
                found: None,
            });
        }
        let floor = self.read_by_all();
        let is_held = self.is_clock_held(now);
        let mut tasks = Vec::new();
        for one in &self.look.state.listed {
            let aged = self.look.aged_of.iter();
            let mut aged = aged.filter(|(id, _)| *id == one.installation && !is_held);
            let aged = aged.next().map_or(0, |(_, through)| *through);
            tasks.extend(self.tasks_of(one, aged, floor));
        }
        self.tasks.extend(tasks);
    }

    /// What is to be done with one installation's events.
    fn tasks_of(
        &self,
        one: &ListedInstallation,
        aged: i64,
        floor: i64,
    ) -> impl Iterator<Item = Task> {
        let gone = self.look.state.gone_through;
        let gentle = |through: i64| match self.policy.consumers {
            ConsumersBehind::Wait => through.min(floor),
            ConsumersBehind::Pass => through,
        };
        let expire = |through: i64, events: u64| Task::ExpireOf {
            installation: one.installation,
            through: Seq(through.min(one.listed_through.0)),
            read_through: Seq(floor),
            events,
        };
        let keep = &one.rules.keep;
        let mut tasks = Vec::new();
        // What went with all others leaves the list, too.
        let through = gentle(aged).max(gone);
        if one.oldest.is_some_and(|(oldest, _)| oldest.0 <= through) {
            tasks.push(expire(through, u64::MAX));
        }
        let too_many = keep
            .events
            .map_or(0, |most| one.events.saturating_sub(most));
        if too_many > 0
            && one
                .oldest
                .is_some_and(|(oldest, _)| oldest.0 <= gentle(i64::MAX))
        {
            tasks.push(expire(gentle(i64::MAX), too_many));
        }
        let too_large = keep.bytes.map_or(0, |most| one.bytes.saturating_sub(most));
        if too_large > 0 && one.events > 0 {
            let each = (one.bytes / one.events).max(1);
            tasks.push(expire(i64::MAX, too_large.div_ceil(each)));
        }
        let hashes_through = floor.min(one.listed_through.0);
        if one.rules.payload == PayloadPolicy::Hash && one.hashed_through.0 < hashes_through {
            tasks.push(Task::Hash {
                installation: one.installation,
                through: Seq(hashes_through),
            });
        }
        tasks.into_iter()
    }

    /// Every consumer has done all events up to here.
    fn read_by_all(&self) -> i64 {
        let floors = self.look.state.consumers.iter().map(|one| one.floor);
        floors.min().unwrap_or(self.look.state.newest)
    }

    fn plan_tidying(&mut self, now: Moment) {
        let state = &self.look.state;
        self.tasks.push_back(Task::Journeys {
            through: Seq(self.look.journeys_through.max(state.gone_through)),
        });
        self.tasks.push_back(Task::Audit {
            before_ms: moment::before(now, self.policy.audit),
        });
        self.tasks.push_back(Task::Timelines {
            before_ms: moment::before(now, self.policy.timelines),
        });
        self.tasks.push_back(Task::Tokens {
            before_ms: moment::before(now, self.policy.tokens),
        });
        self.tasks.push_back(Task::Authorizations {
            before_ms: moment::before(now, self.policy.authorizations),
        });
        for installation in &state.forgettable {
            self.tasks.push_back(Task::Forget {
                installation: *installation,
            });
        }
    }

    fn plan_giving_back(&mut self) {
        let state = &self.look.state;
        let slack = SLACK_BYTES.min(self.policy.keep.bytes.unwrap_or(u64::MAX) / SLACK_PART);
        let slack = slack.max(state.used_bytes / SLACK_PART);
        if state.gives_back && state.free_bytes > slack {
            let bytes = state.free_bytes - slack;
            self.tasks.push_back(Task::GiveBack {
                pages: bytes / state.page_bytes.max(1),
            });
        }
    }
}

/// Events up to here go because the database is too large. What an event takes is what all of them take on average.
fn oversized(keep: &KeepRule, of: &Retention) -> i64 {
    let state = &of.look.state;
    let gone = NumberGap::skip(&state.gaps, state.gone_through).min(state.newest);
    let Some(excess) = keep
        .bytes
        .and_then(|most| state.used_bytes.checked_sub(most))
    else {
        return gone;
    };
    let events = u64::try_from(state.events_behind(gone)).unwrap_or(0);
    if excess == 0 || events == 0 {
        return gone;
    }
    let each = (state.used_bytes / events).max(1);
    let share = excess.div_ceil(each).min(events);
    gone.saturating_add(i64::try_from(share).unwrap_or(i64::MAX))
}
