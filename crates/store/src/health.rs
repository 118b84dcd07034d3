//! Whether events are being recorded, readable at any time without asking the writer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Cause;
use crate::clock::now_ms;
use crate::failure::Failure;

/// The state of the log's writing side. Reading goes on in both.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Health {
    /// The last commit succeeded, or none was needed yet.
    Ok,
    /// Nothing is recorded, and nothing acknowledged. The writer tries again by itself.
    Degraded {
        /// Since when, in milliseconds since 1970.
        since_ms: i64,
        /// Why; [`Cause::advice`] says what to do.
        cause: Cause,
        /// The database's own words.
        detail: String,
    },
}

/// Holds the health and logs each change once.
#[derive(Debug)]
pub(crate) struct HealthCell {
    /// Spares the healthy path, one commit after another, the mutex.
    degraded: AtomicBool,
    health: Mutex<Health>,
}

impl HealthCell {
    pub(crate) fn new() -> Self {
        Self {
            degraded: AtomicBool::new(false),
            health: Mutex::new(Health::Ok),
        }
    }

    pub(crate) fn is_degraded(&self) -> bool {
        self.degraded.load(Ordering::Acquire)
    }

    pub(crate) fn read(&self) -> Health {
        if self.is_degraded() {
            self.lock().clone()
        } else {
            Health::Ok
        }
    }

    /// A commit succeeded.
    pub(crate) fn recover(&self) {
        if !self.is_degraded() {
            return;
        }
        let before = std::mem::replace(&mut *self.lock(), Health::Ok);
        self.degraded.store(false, Ordering::Release);
        if let Health::Degraded {
            since_ms, cause, ..
        } = before
        {
            tracing::info!(
                cause = cause.label(),
                after_ms = now_ms() - since_ms,
                "events are recorded again"
            );
        }
    }

    /// A commit failed, or there is no database to commit to.
    pub(crate) fn degrade(&self, failure: &Failure) {
        let mut health = self.lock();
        let since_ms = match &*health {
            Health::Degraded { cause, .. } if *cause == failure.cause => return,
            Health::Degraded { since_ms, .. } => *since_ms,
            Health::Ok => now_ms(),
        };
        *health = Health::Degraded {
            since_ms,
            cause: failure.cause,
            detail: failure.detail.clone(),
        };
        self.degraded.store(true, Ordering::Release);
        drop(health);
        tracing::error!(
            cause = failure.cause.label(),
            detail = %failure.detail,
            next_step = failure.cause.advice(),
            "events are not recorded: {}",
            failure.cause,
        );
    }

    fn lock(&self) -> MutexGuard<'_, Health> {
        // Every write to it is a single assignment, so a poisoned value is a whole one.
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_cause_keeps_the_beginning() {
        let cell = HealthCell::new();
        cell.degrade(&Failure::new(Cause::Locked, "first"));
        let Health::Degraded {
            since_ms: first, ..
        } = cell.read()
        else {
            panic!("not degraded")
        };
        cell.degrade(&Failure::new(Cause::DiskFull, "second"));
        let Health::Degraded {
            since_ms,
            cause,
            detail,
        } = cell.read()
        else {
            panic!("not degraded")
        };
        assert_eq!(
            (since_ms, cause, detail.as_str()),
            (first, Cause::DiskFull, "second")
        );
        cell.recover();
        assert_eq!(cell.read(), Health::Ok);
    }
}
