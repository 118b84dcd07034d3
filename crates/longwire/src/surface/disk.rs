//! Work on the disk on behalf of a request: on a thread that may block, and waited for no longer than a client would.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web;

use super::Problem;

/// A disk that takes longer is one that hangs. The store itself waits a few seconds for a connection or for its lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// There is no outcome.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfinished {
    /// The disk does not answer. What was begun may still be done when it does.
    #[error("the disk did not answer within {} s; what was asked may still be done when it does", PATIENCE.as_secs())]
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

/// Does it where it may block.
pub(super) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unfinished> {
    within(PATIENCE, work).await
}

async fn within<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unfinished> {
    match tokio::time::timeout(patience, web::block(work)).await {
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
        let stalled = within(Duration::from_millis(20), move || held.recv()).await;
        assert!(matches!(stalled, Err(Unfinished::Stalled)), "{stalled:?}");
        // The thread ends with the test.
        drop(free);
        let done = within(PATIENCE, || 1).await;
        assert!(matches!(done, Ok(1)), "{done:?}");
        let panicked = within(PATIENCE, || panic!("as a disk's code may")).await;
        let panicked: Result<(), _> = panicked;
        assert!(matches!(panicked, Err(Unfinished::Interrupted)));
    }
}
