//! Whether events are being recorded, readable at any time without asking the writer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::cause::{Cause, Failure};
use crate::clock::now_ms;
use crate::underway::Underway;

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
    /// Commits of a healthy store do not lock the mutex.
    degraded: AtomicBool,
    health: Mutex<Health>,
    underway: Underway,
    /// A reader found that the current work takes too long, and logged it.
    stall_told: AtomicBool,
}

impl HealthCell {
    pub(crate) fn new() -> Self {
        Self {
            degraded: AtomicBool::new(false),
            health: Mutex::new(Health::Ok),
            underway: Underway::new(),
            stall_told: AtomicBool::new(false),
        }
    }

    /// The writer uses the database until the returned guard is dropped.
    pub(crate) fn working(&self) -> Working<'_> {
        self.underway.begin();
        Working(self)
    }

    pub(crate) fn is_degraded(&self) -> bool {
        self.degraded.load(Ordering::Acquire)
    }

    /// A writer that hangs in the database cannot report it, so whoever reads the health checks for it.
    pub(crate) fn read(&self) -> Health {
        let told = if self.is_degraded() {
            self.lock().clone()
        } else {
            Health::Ok
        };
        match self.underway.stalled() {
            Some(length) => self.stalled(length, &told),
            None => told,
        }
    }

    fn stalled(&self, length: Duration, told: &Health) -> Health {
        let detail = format!("a commit has been running for {} s", length.as_secs());
        if !self.stall_told.swap(true, Ordering::Relaxed) {
            tracing::error!(
                cause = Cause::Stalled.label(),
                detail,
                next_step = Cause::Stalled.advice(),
                "events are not recorded: {}",
                Cause::Stalled,
            );
        }
        let length_ms = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        let begun_ms = now_ms().saturating_sub(length_ms);
        let since_ms = match told {
            Health::Degraded { since_ms, .. } => begun_ms.min(*since_ms),
            Health::Ok => begun_ms,
        };
        Health::Degraded {
            since_ms,
            cause: Cause::Stalled,
            detail,
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
        let since_ms = match &mut *health {
            Health::Degraded { cause, detail, .. } if *cause == failure.cause => {
                detail.clone_from(&failure.detail);
                return;
            }
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

/// Marks the writer as working until it is dropped.
pub(crate) struct Working<'a>(&'a HealthCell);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        let length = self.0.underway.end();
        if self.0.stall_told.load(Ordering::Relaxed)
            && self.0.stall_told.swap(false, Ordering::Relaxed)
        {
            tracing::info!(
                cause = Cause::Stalled.label(),
                after_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
                "the disk answers again"
            );
        }
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

    #[test]
    fn a_stay_that_lasts_is_a_stall_until_it_ends() {
        let mut cell = HealthCell::new();
        drop(cell.working());
        assert_eq!(cell.read(), Health::Ok);
        cell.underway.begin_ago(Duration::from_secs(12));
        let health = cell.read();
        let Health::Degraded {
            since_ms,
            cause,
            detail,
        } = health
        else {
            panic!("not degraded")
        };
        assert_eq!(cause, Cause::Stalled);
        assert!(
            detail.starts_with("a commit has been running for "),
            "{detail}"
        );
        assert!(now_ms() - since_ms >= 12_000);
        drop(Working(&cell));
        assert_eq!(cell.read(), Health::Ok);
    }
}
