//! Whether the process is about to end, as handlers know it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::Problem;

/// One flag for all listeners. Its clones share it.
#[derive(Debug, Clone, Default)]
pub struct Draining(Arc<watch::Sender<bool>>);

impl Draining {
    /// From now on readiness says no, feeds and streams end, and nothing is changed any more.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it begins. For handlers whose answer takes long.
    pub async fn begun(&self) {
        let mut changes = self.0.subscribe();
        // Fails only once nobody could begin it; this handle could.
        if changes.wait_for(|begun| *begun).await.is_err() {
            std::future::pending::<()>().await;
        }
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
