//! How long clients are waited for.

use std::time::Duration;

/// A client that does not keep these is disconnected, or its body refused.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a whole request head, from the end of the answer before it or from the beginning of the connection.
    pub request: Duration,
    /// For a client to read its answer, from the moment its buffers are full; of a stream of events, whose end is not known,
    /// for each [`Timeouts::stream_bytes`] of it.
    pub response: Duration,
    /// Bytes of a stream that a client has to read within that time.
    pub stream_bytes: usize,
    /// For each [`Timeouts::body_bytes`] of a body, or its end.
    pub body: Duration,
    /// Bytes that a body has to bring within that time.
    pub body_bytes: usize,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(10),
            response: Duration::from_secs(20),
            // A slow mobile line brings this in twenty seconds. The memory that a slow reader holds is bounded by the server's
            // write buffer, whatever the time.
            stream_bytes: 64 * 1024,
            // A file of 20 MB has 13 minutes; any other body is shorter than this and has ten seconds.
            body: Duration::from_secs(10),
            body_bytes: 256 * 1024,
        }
    }
}
