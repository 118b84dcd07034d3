//! What a server must not send.

/// A breach of RFC 6455, or of our limit. The connection is over: close it with [`Violation::close_code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A message longer than the limit, known from a frame's header before its payload is read.
    #[error("a message of {declared} bytes or more is too large")]
    TooLarge {
        /// The message's length so far, this frame included, in bytes.
        declared: u64,
    },
    /// A reserved bit is set; we agree on no extension.
    #[error("a reserved bit is set")]
    ReservedBits,
    /// An opcode that has no meaning.
    #[error("opcode {opcode} has no meaning")]
    UnknownOpcode {
        /// The opcode, 3 to 7 or 11 to 15.
        opcode: u8,
    },
    /// Servers do not mask.
    #[error("the server masked a frame")]
    MaskedByServer,
    /// A continuation of nothing.
    #[error("a continuation without a beginning")]
    BadContinuation,
    /// A new message inside an unfinished one.
    #[error("a message begins inside another")]
    Interleaved,
    /// A control frame in pieces.
    #[error("a control frame is fragmented")]
    ControlFragmented,
    /// A control frame of more than 125 bytes.
    #[error("a control frame is too long")]
    ControlTooLong,
    /// A close frame of one byte.
    #[error("a close frame has half a code")]
    CloseTruncated,
    /// A close code that must not be sent.
    #[error("close code {code} must not be sent")]
    CloseCode {
        /// The code.
        code: u16,
    },
    /// A close reason that is not UTF-8.
    #[error("a close reason is not utf-8")]
    CloseReason,
}

impl Violation {
    /// The code to close the connection with (RFC 6455, section 7.4.1).
    pub fn close_code(&self) -> u16 {
        match self {
            Self::TooLarge { .. } => 1009,
            Self::CloseReason => 1007,
            Self::ReservedBits
            | Self::UnknownOpcode { .. }
            | Self::MaskedByServer
            | Self::BadContinuation
            | Self::Interleaved
            | Self::ControlFragmented
            | Self::ControlTooLong
            | Self::CloseTruncated
            | Self::CloseCode { .. } => 1002,
        }
    }

    /// A stable name for counters.
    pub fn label(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::ReservedBits => "reserved_bits",
            Self::UnknownOpcode { .. } => "unknown_opcode",
            Self::MaskedByServer => "masked_by_server",
            Self::BadContinuation => "bad_continuation",
            Self::Interleaved => "interleaved",
            Self::ControlFragmented => "control_fragmented",
            Self::ControlTooLong => "control_too_long",
            Self::CloseTruncated => "close_truncated",
            Self::CloseCode { .. } => "close_code",
            Self::CloseReason => "close_reason",
        }
    }
}
