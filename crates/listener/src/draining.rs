//! Whether the process is about to end, as handlers know it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Problem;

/// One flag for all listeners. Its clones share it.
#[derive(Debug, Clone, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// From now on readiness says no, feeds end, and nothing is changed any more.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// For a handler that begins something.
    ///
    /// # Errors
    /// Conflict with the code `draining` once it has begun.
    pub fn refuse(&self) -> Result<(), Problem> {
        if self.has_begun() {
            return Err(Problem::conflict("draining", "the gateway is about to end"));
        }
        Ok(())
    }
}
