//! The writer thread: it takes the groups that wait, records them in one transaction of its engine, and answers them.
//!
//! While one commit runs, the next batch gathers; there is no timer. When the thread panics, the groups it held are answered
//! by being dropped, and the queued ones wait for the next thread.
//!
//! While the engine is in trouble, groups are refused at once, with the cause, and the writer tries again each second.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, after, at, never, select, tick};
use longwire_wire::event::{NewEvent, Source};
use longwire_wire::identity::Tier;

use crate::cause::{Cause, Failure};
use crate::disk_watch::DiskWatch;
use crate::engine::{Batch, WriteEngine};
use crate::head::Head;
use crate::health::HealthCell;
use crate::pace::{BATCH_BYTES, BATCH_EVENTS};
use crate::receipt::{Committed, GroupOutcome, RecordOutcome};
use crate::write_queue::{Queued, WriteQueue};

/// How long a writer in trouble rests between attempts.
const RETRY: Duration = Duration::from_secs(1);
/// How often the writer looks after its files, with and without traffic. The admin page shows these figures.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Batches of small writes that a closing writer writes beyond those that it finds. They are for writes that are put while
/// it closes; whoever goes on putting them does not hold it for ever.
const LAST_LANE_BATCHES: usize = 16;
/// How long a closing writer waits for a group that has reserved its room but is not in the queue yet.
const LAST_LOOK: Duration = Duration::from_millis(5);

/// Work that needs the writing connection. It sends its result to whoever asked, and returns what it found the database
/// to be like.
pub(crate) type Job =
    Box<dyn FnOnce(Result<&mut dyn WriteEngine, &Failure>) -> DatabaseState + Send>;

/// What a job found the database to be like.
#[derive(Debug)]
pub(crate) enum DatabaseState {
    /// It answered; the answer may be a refusal of this job alone.
    Works,
    /// It did not answer, or it cannot be written to.
    Fails(Failure),
    /// It was not asked.
    Untried,
}

/// The writing connection and everything that outlives one thread.
pub(crate) struct WriterState {
    pub(crate) queue: Arc<WriteQueue>,
    pub(crate) health: Arc<HealthCell>,
    pub(crate) head: Arc<Head>,
    pub(crate) engine: Box<dyn WriteEngine>,
    pub(crate) disk_watch: DiskWatch,
    /// Why the engine is closed, or why the last commit failed.
    pub(crate) trouble: Option<Failure>,
    pub(crate) retry_at: Instant,
}

enum Wakeup {
    Group(Queued),
    /// Small writes wait: now, or from now on for their time.
    Lane,
    Job(Job),
    Retry,
    /// Look after the files.
    Look,
    /// Record what is queued, then end.
    Stop,
}

impl WriterState {
    /// Runs until the thread is told to stop and the queue is empty.
    pub(crate) fn run(&mut self, jobs: &Receiver<Job>, stop: &Receiver<()>) {
        let looks = tick(LOOK_EVERY);
        loop {
            match self.wait(jobs, stop, &looks) {
                Wakeup::Group(first) => self.write(Some(first)),
                Wakeup::Lane if self.queue.lane.is_due() => self.write(None),
                // A lazy one begins to wait, and from now on the writer knows until when.
                Wakeup::Lane => {}
                Wakeup::Job(job) => self.do_job(job),
                Wakeup::Stop => return self.drain(jobs),
                Wakeup::Retry => self.retry(),
                Wakeup::Look => self.look(),
            }
        }
    }

    /// Carries out a job on the writing connection, between two batches.
    pub(crate) fn do_job(&mut self, job: Job) {
        if !self.engine.is_open() && Instant::now() >= self.retry_at {
            self.retry();
        }
        if !self.engine.is_open() {
            let closed = Failure::new(Cause::WriterGone, "the database is not open");
            // Its failure is known already.
            let _ = job(Err(self.trouble.as_ref().unwrap_or(&closed)));
            return;
        }
        let outcome = {
            let _working = self.health.working();
            job(Ok(&mut *self.engine))
        };
        match outcome {
            DatabaseState::Works if self.engine.is_ready() => self.recovered(),
            // Events wait for the retry, which compares the log with the one before it.
            DatabaseState::Works | DatabaseState::Untried => {}
            DatabaseState::Fails(failure) => self.failed(failure),
        }
    }

    fn wait(&self, jobs: &Receiver<Job>, stop: &Receiver<()>, looks: &Receiver<Instant>) -> Wakeup {
        let retry = match self.trouble {
            Some(_) => after(self.retry_at.saturating_duration_since(Instant::now())),
            None => never(),
        };
        // A database in trouble takes none, nor does that of another process; what ends either wakes the writer for them.
        let lazy_due = match self.trouble {
            None if self.engine.is_owner() => self.queue.lane.lazy_due(),
            Some(_) | None => None,
        };
        let lazy = lazy_due.map_or_else(never, at);
        select! {
            recv(self.queue.groups.1) -> group => group.map_or(Wakeup::Stop, Wakeup::Group),
            recv(self.queue.lane.wake.1) -> _ => Wakeup::Lane,
            recv(lazy) -> _ => Wakeup::Lane,
            recv(jobs) -> job => job.map_or(Wakeup::Stop, Wakeup::Job),
            recv(stop) -> _ => Wakeup::Stop,
            recv(retry) -> _ => Wakeup::Retry,
            recv(looks) -> _ => Wakeup::Look,
        }
    }

    /// Records the rest of the queue, each group that reserved its room before the queue was closed, and the small writes
    /// that wait.
    pub(crate) fn drain(&mut self, jobs: &Receiver<Job>) {
        while self.queue.held_events() > 0 {
            if let Ok(first) = self.queue.groups.1.recv_timeout(LAST_LOOK) {
                self.write(Some(first));
            }
        }
        // A write that replaces a waiting one takes its place, so these batches reach all that wait now.
        let batches = self.queue.lane.batches() + LAST_LANE_BATCHES;
        for _ in 0..batches {
            if self.queue.lane.is_empty() {
                break;
            }
            self.write(None);
            // What a database in trouble does not take stays on the lane.
            if self.trouble.is_some() {
                break;
            }
        }
        while let Ok(job) = jobs.try_recv() {
            self.do_job(job);
        }
    }

    /// Records one batch that begins with what woke us.
    pub(crate) fn write(&mut self, first: Option<Queued>) {
        let groups = self.gather(first);
        let queue = Arc::clone(&self.queue);
        let small = match self.engine.is_owner() {
            true => queue.lane.take(),
            false => queue.lane.take_none(),
        };
        if groups.is_empty() && small.is_empty() {
            return;
        }
        if !self.engine.is_ready() && Instant::now() >= self.retry_at {
            self.retry();
        }
        if !self.engine.is_ready() {
            let trouble = self.trouble.as_ref();
            let cause = trouble.map_or(Cause::WriterGone, |failure| failure.cause);
            return refuse(groups, cause);
        }
        let begun = Instant::now();
        let recorded = {
            let _working = self.health.working();
            self.engine.record(Batch {
                groups: &groups,
                small: &small,
            })
        };
        match recorded {
            Ok(committed) => {
                let took = begun.elapsed();
                let events = committed.outcomes().len();
                self.queue.counters.count_commit(took, events);
                self.queue.pace.count(took);
                self.recovered();
                self.answer_all(groups, &committed);
                small.written();
                self.queue.lane.wake_writer();
            }
            Err(failure) => {
                self.queue.counters.failed_commits.fetch_add(1, Relaxed);
                let cause = failure.cause;
                self.failed(failure);
                refuse(groups, cause);
            }
        }
    }

    /// The groups of one batch: the first one and those that wait behind it, up to the batch's bounds.
    fn gather(&self, first: Option<Queued>) -> Vec<Queued> {
        let mut groups: Vec<Queued> = first.into_iter().collect();
        let mut events: usize = groups.iter().map(|queued| queued.group.events.len()).sum();
        let mut bytes: usize = groups.iter().map(Queued::held_bytes).sum();
        while events < BATCH_EVENTS
            && bytes < BATCH_BYTES
            && let Ok(queued) = self.queue.groups.1.try_recv()
        {
            events += queued.group.events.len();
            bytes += queued.held_bytes();
            groups.push(queued);
        }
        groups
    }

    /// Hands out the receipts, then tells those who follow the log.
    fn answer_all(&self, groups: Vec<Queued>, committed: &Committed) {
        let outcomes = committed.answers(groups.iter().map(|queued| &*queued.group.events));
        // What other processes record in between is not known here.
        let is_followed = self.engine.is_owner() && self.head.is_watched();
        let mut followed = is_followed.then(|| Vec::with_capacity(groups.len()));
        for (queued, outcome) in groups.into_iter().zip(outcomes) {
            let owner = queued.group.owner();
            let events = self.answer(queued, outcome);
            if let Some(followed) = &mut followed {
                followed.push((owner, events));
            }
        }
        self.head.publish(committed, followed);
    }

    /// Answers a group; returns its events.
    fn answer(&self, mut queued: Queued, outcome: GroupOutcome) -> Vec<NewEvent> {
        self.count(&outcome);
        // Taken out first: what is left in a group when it is dropped counts as unanswered.
        let events = std::mem::take(&mut queued.group.events);
        let is_news = is_operational_news(&events, &outcome);
        if !outcome.receipts.is_empty() {
            queued.group.reply.recorded(outcome.receipts);
        }
        if let Some((_, rule)) = outcome.poisoned.first() {
            tracing::error!(
                installation = queued.group.installation.0,
                events = outcome.poisoned.len(),
                detail = %rule,
                next_step = Cause::Poison.advice(),
                "events were refused by a rule of the schema",
            );
            let tickets = outcome.poisoned.iter().map(|(ticket, _)| *ticket).collect();
            queued.group.reply.not_recorded(tickets, Cause::Poison);
        }
        if is_news {
            self.head.tell_operational(&events);
        }
        events
    }

    /// Looks after the database. What is found wrong with it is known before the next event comes.
    fn look(&mut self) {
        let looked = {
            let _working = self.health.working();
            let looked = match &self.trouble {
                None => self.engine.look_after(),
                // The next attempt to write looks closer than this.
                Some(_) => Ok(()),
            };
            let disk = self.engine.disk();
            self.queue.counters.set_disk(disk);
            for news in self.disk_watch.handle(&disk) {
                news.tell(&disk);
            }
            self.queue.counters.set_concerns(self.disk_watch.lasting());
            looked
        };
        if let Err(failure) = looked {
            self.failed(failure);
        }
    }

    pub(crate) fn retry(&mut self) {
        self.queue.counters.retries.fetch_add(1, Relaxed);
        let recovered = {
            let _working = self.health.working();
            self.engine.recover()
        };
        match recovered {
            Ok(()) => {
                // A commit whose success nobody could confirm may be in the log after all, and a log that was put back
                // may lack events.
                self.head.reaches(self.engine.newest());
                self.recovered();
            }
            Err(failure) => self.failed(failure),
        }
    }

    fn recovered(&mut self) {
        if self.trouble.take().is_some() {
            self.queue.lane.wake_writer();
        }
        self.health.recover();
    }

    fn failed(&mut self, failure: Failure) {
        self.health.degrade(&failure);
        // A locked database and a full disk are met again in a moment, and the connection is as good
        // as before. After anything else its state is not worth trusting.
        if !matches!(failure.cause, Cause::Locked | Cause::DiskFull) {
            self.engine.close(&failure);
            // The log that is opened next may lack events.
            self.head.forget();
        }
        self.trouble = Some(failure);
        self.retry_at = Instant::now() + RETRY;
    }

    fn count(&self, outcome: &GroupOutcome) {
        let counters = &self.queue.counters;
        for receipt in &outcome.receipts {
            let counter = match receipt.outcome() {
                RecordOutcome::Recorded(_) => &counters.rows,
                RecordOutcome::Repeat {
                    tier: Tier::EventId,
                    ..
                } => &counters.repeats_event_id,
                RecordOutcome::Repeat {
                    tier: Tier::Message,
                    ..
                } => &counters.repeats_message,
            };
            counter.fetch_add(1, Relaxed);
        }
        counters
            .poisoned
            .fetch_add(outcome.poisoned.len() as u64, Relaxed);
    }

    /// Closes the queue: groups that are submitted from now on are refused.
    pub(crate) fn close(queue: &WriteQueue) {
        queue.accepting.store(false, SeqCst);
    }
}

/// Whether these are operational events that were recorded now. A group has events of one source.
fn is_operational_news(events: &[NewEvent], outcome: &GroupOutcome) -> bool {
    events.first().map(|event| event.source) == Some(Source::Operational)
        && outcome.poisoned.is_empty()
        && (outcome.receipts.iter())
            .all(|receipt| matches!(receipt.outcome(), RecordOutcome::Recorded(_)))
}

/// Says of all groups that nothing of them was recorded.
fn refuse(groups: Vec<Queued>, cause: Cause) {
    for mut queued in groups {
        queued.group.refuse(cause);
    }
}
