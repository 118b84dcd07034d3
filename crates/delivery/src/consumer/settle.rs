//! What an attempt to post came to.

use std::time::SystemTime;

use longwire_consumer::{Delivery, DeliveryFailure, Moment};
use longwire_egress::endpoint::{PostAnswer, PostError, PostProblem};
use longwire_store::{AttemptFailure, DeliveryAttempt, DeliveryOutcome, Happening, KeptAnswer};

use super::Consumer;
use crate::logged_event::LoggedEvent;
use crate::outbox::{Finished, Job, PostOutcome};

impl Consumer {
    /// Takes in what the posting tasks brought.
    pub(super) fn settle(&mut self) {
        for finished in self.outbox.finished() {
            let Finished {
                job,
                began,
                ended,
                how,
            } = finished;
            match how {
                PostOutcome::Released => {
                    if let Some(track) = self.track(job.track) {
                        track.queue.handle_released(job.delivery.id, ended);
                    }
                }
                PostOutcome::Answered(answer) => self.answered(&job, &answer, began, ended),
                PostOutcome::Failed(error) => self.not_answered(&job, &error, began, ended),
            }
        }
    }

    fn answered(&mut self, job: &Job, answer: &PostAnswer, began: Moment, ended: Moment) {
        let body = answer.body();
        let outcome = DeliveryOutcome::Status(answer.status);
        if !answer.is_success() {
            let failure = DeliveryFailure::Status {
                code: answer.status,
                retry_after: answer.retry_after(SystemTime::now()),
            };
            self.note_attempts(job, outcome, KeptAnswer::of(body), began, ended);
            self.default_clicks_of(job, "the application answered with an error");
            self.failed(job, failure, ended);
            return;
        }
        let says_something = self.use_answer(job, body, ended);
        let kept = if says_something {
            KeptAnswer::of(body)
        } else {
            KeptAnswer::shortened(body)
        };
        self.note_attempts(job, outcome, kept, began, ended);
        for event in &job.delivery.events {
            self.count_latency(&event.payload, event.attempt, ended);
        }
        self.entry.counters.taken(job.delivery.events.len() as u64);
        if let Some(track) = self.track(job.track) {
            track.queue.handle_done(job.delivery.id, ended);
        }
    }

    fn not_answered(&mut self, job: &Job, error: &PostError, began: Moment, ended: Moment) {
        let (failure, shown) = failure_of(&error.problem);
        tracing::debug!(
            consumer = %self.definition.name,
            error = %error,
            "a delivery had no answer"
        );
        let outcome = DeliveryOutcome::Failed(shown);
        // What people read of the attempt instead of an answer.
        let detail = KeptAnswer::of(error.to_string().as_bytes());
        self.note_attempts(job, outcome, detail, began, ended);
        self.default_clicks_of(job, "the application could not be reached");
        self.failed(job, failure, ended);
    }

    fn failed(&mut self, job: &Job, failure: DeliveryFailure, ended: Moment) {
        self.entry.counters.failed(failure);
        if let Some(track) = self.track(job.track) {
            track.queue.handle_failed(job.delivery.id, failure, ended);
        }
    }

    fn note_attempts(
        &mut self,
        job: &Job,
        outcome: DeliveryOutcome,
        answer: KeptAnswer,
        began: Moment,
        ended: Moment,
    ) {
        let took = ended.instant.saturating_duration_since(began.instant);
        let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        for event in &job.delivery.events {
            let attempt = DeliveryAttempt {
                number: event.attempt,
                duration_us,
                outcome: outcome.clone(),
                answer: answer.clone(),
            };
            self.note(event.seq, began.unix_ms, Happening::Attempt(attempt));
        }
    }

    /// Counts the time from the record to now, of an event that was taken at its first attempt.
    pub(super) fn count_latency(&self, event: &LoggedEvent, attempt: u32, now: Moment) {
        if attempt == 1 {
            let age = now.age_of(event.record.received_ms);
            let ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
            self.entry.counters.latency(ms);
        }
    }

    pub(super) fn count_redelivered<E>(&self, delivery: &Delivery<E>) {
        for event in &delivery.events {
            if event.redelivered {
                self.entry.counters.redelivered();
            }
        }
    }
}

/// What follows from a problem, and how it is shown.
fn failure_of(problem: &PostProblem) -> (DeliveryFailure, AttemptFailure) {
    use AttemptFailure as Shown;
    use DeliveryFailure as Failure;
    match problem {
        PostProblem::Name { .. } => (Failure::Unreachable, Shown::NoAddress),
        PostProblem::Blocked(_) | PostProblem::PlainRefused => {
            (Failure::Unreachable, Shown::Forbidden)
        }
        PostProblem::Refused { .. } => (Failure::Refused, Shown::Refused),
        PostProblem::Unreachable { .. }
        | PostProblem::TooManyOpenFiles
        | PostProblem::ProxyRefused { .. }
        | PostProblem::ProxyUnauthorized
        | PostProblem::ProxyUnusable { .. }
        | PostProblem::ProxyUnintelligible { .. } => (Failure::Unreachable, Shown::Unreachable),
        PostProblem::Tls { .. } => (Failure::Unreachable, Shown::Tls),
        PostProblem::TimedOut { .. } => (Failure::TimedOut, Shown::Timeout),
        PostProblem::Dropped { .. } => (Failure::NoAnswer, Shown::Closed),
        PostProblem::Malformed { .. } => (Failure::NoAnswer, Shown::Malformed),
    }
}
