//! Work that may block, done for a request on a thread of its own, and waited for no longer than a client would wait.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web;

use crate::Problem;

/// A disk that takes longer is one that hangs. The store itself waits a few seconds for a connection or for its lock.
const TIMEOUT: Duration = Duration::from_secs(10);

/// There is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum Unfinished {
    /// The disk does not answer. What was begun may still be done when it does.
    #[error("the disk did not answer within {} s; what was asked may still be done when it does", TIMEOUT.as_secs())]
    Stalled,
    /// The thread is gone.
    #[error("the request was not finished")]
    Interrupted,
}

impl From<Unfinished> for Problem {
    fn from(unfinished: Unfinished) -> Self {
        let (status, code) = match unfinished {
            Unfinished::Stalled => (StatusCode::SERVICE_UNAVAILABLE, "disk_stalled"),
            Unfinished::Interrupted => (StatusCode::INTERNAL_SERVER_ERROR, "interrupted"),
        };
        Self::new(status, code, unfinished.to_string())
    }
}

/// Runs `work` where it may block.
///
/// # Errors
/// It takes too long, or it panicked.
pub async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unfinished> {
    run_within(TIMEOUT, work).await
}

async fn run_within<T: Send + 'static>(
    timeout: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unfinished> {
    match tokio::time::timeout(timeout, web::block(work)).await {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(_)) => Err(Unfinished::Interrupted),
        Err(_) => Err(Unfinished::Stalled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_disk_that_hangs_holds_no_request() {
        let (free, held) = std::sync::mpsc::channel::<()>();
        let stalled = run_within(Duration::from_millis(20), move || held.recv()).await;
        assert!(matches!(stalled, Err(Unfinished::Stalled)), "{stalled:?}");
        // The thread ends with the test.
        drop(free);
        let done = run_within(TIMEOUT, || 1).await;
        assert!(matches!(done, Ok(1)), "{done:?}");
        let panicked = run_within(TIMEOUT, || panic!("as a disk's code may")).await;
        let panicked: Result<(), _> = panicked;
        assert!(matches!(panicked, Err(Unfinished::Interrupted)));
    }
}
