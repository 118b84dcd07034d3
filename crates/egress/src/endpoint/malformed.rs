//! What can be wrong with an answer.

/// Why the bytes that an endpoint sent are no HTTP answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedAnswer {
    /// The head is not that of an answer of HTTP/1.0 or HTTP/1.1.
    #[error("it does not begin like an answer of HTTP/1.1")]
    Head,
    /// The head is longer than 16 KiB, or has more than 64 headers.
    #[error("its head is too long")]
    HeadTooLong,
    /// The status is 101, which nobody asked for.
    #[error("it switches to another protocol")]
    Upgrade,
    /// Status after status of the kind 1xx.
    #[error("it has too many interim answers")]
    TooManyInterim,
    /// `Content-Length` is no number, or several that differ.
    #[error("its content-length cannot be read")]
    ContentLength,
    /// The chunks of the body cannot be told apart.
    #[error("its chunks cannot be read")]
    Chunk,
}
