//! The installations that run: each is started on its arbiter, and built anew when it ended.

use super::Supervisor;
use super::arbiters::number_of;
use super::wanted::Loading;
use crate::bot::{Bot, InstallationCard};
use crate::clock::now;
use crate::context::{ArbiterContext, FleetContext};
use crate::installation::{Configure, Drain, Installation, TryNow};
use actix::{Handler, Message};
use longwire_actor::{Child, Ended, Exit, Mailbox, Place, Rebuild, RebuildBudget, start};
use longwire_installation::InstallationId;
use longwire_link::{Setback, State};
use longwire_store::TimelineKind;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// An installation runs. From its arbiter, once per instance, before anything the instance itself says.
#[derive(Message)]
#[rtype(result = "()")]
struct Started {
    id: InstallationId,
    installation: Child<Installation>,
}

/// An installation is gone. From its watcher, once per instance, whatever ended it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct InstallationEnded {
    id: InstallationId,
    ended: Ended,
}

/// Try this installation now, whatever it waits for. From the fleet's handle; bounded by its callers.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Retry(pub(crate) InstallationId);

/// An installation that ended is started again, after its pause.
struct Rebuilding;

impl Supervisor {
    /// Starts a fresh installation on its arbiter, unless one runs.
    pub(super) fn start(&mut self, id: InstallationId) {
        let Some(entry) = self.entries.get(&id) else {
            return;
        };
        let is_elsewhere = self.fleet.elsewhere.contains(id);
        if self.drain.is_some() || entry.running.is_some() || is_elsewhere {
            return;
        }
        let number = number_of(entry.arbiter);
        let (fleet, bot, configuration) = (
            Arc::clone(&self.fleet),
            Arc::clone(&entry.bot),
            entry.configure(),
        );
        let me = Arc::clone(&self.me);
        let spawned = self.arbiters[entry.arbiter].spawn_fn(move || {
            let installation = start_installation(fleet, bot, number, configuration, &me);
            me.send(Started { id, installation });
        });
        if !spawned {
            // The arbiter's end was reported already, and this process is about to end.
            tracing::debug!(
                arbiter = number,
                "an installation stays away: its arbiter is gone"
            );
        }
    }
}

/// Starts an installation on the arbiter that this runs on.
fn start_installation(
    fleet: Arc<FleetContext>,
    bot: Arc<Bot>,
    arbiter: u16,
    configuration: Configure,
    supervisor: &Arc<Mailbox<Supervisor>>,
) -> Child<Installation> {
    let (id, totals) = (bot.id, Arc::clone(&fleet));
    let (parent, told) = (Arc::clone(supervisor), Arc::clone(supervisor));
    let place = Place {
        arbiter,
        generation: 0,
    };
    Child::new(start(
        InstallationCard(Arc::clone(&bot)),
        place,
        move |me, _| {
            let me = Arc::clone(me);
            let arbiter = ArbiterContext::of(&fleet, arbiter);
            Installation::new(fleet, arbiter, bot, me, configuration, parent)
        },
        move |ended| {
            if matches!(ended.exit, Exit::Panicked(_)) {
                totals.totals.panics.fetch_add(1, Relaxed);
            }
            told.send(InstallationEnded { id, ended });
        },
    ))
}

impl Handler<Started> for Supervisor {
    type Result = ();

    fn handle(&mut self, Started { id, installation }: Started, _: &mut Self::Context) {
        let Some(entry) = self.entries.get_mut(&id) else {
            // Dropped, and so ended.
            return;
        };
        if self.drain.is_some() || self.fleet.elsewhere.contains(id) {
            // The drain began while it was started, or it was given away. It has no permit, so it has nothing in hand.
            installation.send(Drain {
                within: Duration::ZERO,
            });
        } else {
            // Its row may have changed meanwhile.
            installation.send(entry.configure());
        }
        self.bots.run_by(id, Some(installation.clone()));
        entry.running = Some(installation);
    }
}

impl Handler<Retry> for Supervisor {
    type Result = ();

    fn handle(&mut self, Retry(id): Retry, _: &mut Self::Context) {
        if self.loading == Loading::Idle {
            self.retry(id);
        } else {
            // Its row, or what it refers to, may have changed a moment ago.
            self.retries.push(id);
        }
    }
}

impl Supervisor {
    /// Has an installation try now.
    pub(super) fn retry(&mut self, id: InstallationId) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        if let Some(running) = &entry.running {
            return running.send(TryNow);
        }
        // It ended, perhaps too often. Whoever asks has done something about it, or wants to see it happen.
        entry.rebuilds = RebuildBudget::default();
        self.start(id);
    }
}

impl Handler<InstallationEnded> for Supervisor {
    type Result = ();

    fn handle(
        &mut self,
        InstallationEnded { id, ended }: InstallationEnded,
        ctx: &mut Self::Context,
    ) {
        self.tick_off(id, 0);
        self.is_given(id);
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let running = entry.running.as_ref();
        if running.is_some_and(|running| running.instance() != ended.instance) {
            return;
        }
        entry.running = None;
        self.bots.run_by(id, None);
        if ended.exit == Exit::Stopped {
            entry.bot.installation.stopped_unasked();
        }
        self.scheduler.withdraw(id);
        let how = ended.exit.how();
        // It cannot say so itself any more, and what it said last was perhaps "live".
        let state = match entry.rebuilds.spend(now()) {
            Rebuild::After(pause) => State::BackingOff {
                until: now() + pause,
                attempt: 0,
                reason: Setback::Panicked,
            },
            Rebuild::Spent { until } => State::Restarting { until },
        };
        entry.bot.failed(&state, how);
        let pause = state.until().map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(now())
        });
        tracing::error!(
            name = %entry.record.name,
            app_id = entry.record.app_id,
            installation = entry.bot.public_id,
            panic = how,
            again_in_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            "an installation failed; it is built anew"
        );
        self.fleet.note(
            entry.bot.id,
            0,
            TimelineKind::Panicked,
            format!("installation: {how}"),
        );
        ctx.work_later::<Rebuilding>(pause, move |this, _| this.start(id));
        // It has left its place in the queue.
        self.start_attempts(ctx);
    }
}
