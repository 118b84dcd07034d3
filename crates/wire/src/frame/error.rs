//! The reasons why bytes are not a frame. What follows from an error is the caller's decision.

/// The bytes of one binary message are not a frame of the long connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The message ends inside a field.
    #[error("the message ends inside a field")]
    Truncated,
    /// A variable-length integer does not fit 64 bits.
    #[error("an integer is longer than 64 bits")]
    IntegerOverflow,
    /// A field number is zero or does not fit its 29 bits.
    #[error("a field number is out of range")]
    FieldNumber,
    /// A field has another wire type than the schema says, or one that does not exist.
    #[error("field {field} has wire type {wire_type}")]
    WireType {
        /// The field's number.
        field: u32,
        /// The wire type found, 0 to 7.
        wire_type: u8,
    },
    /// A group end without its group start.
    #[error("an unknown group is not properly closed")]
    GroupEnd,
    /// Unknown groups are nested more than 100 deep, which is prost's limit.
    #[error("unknown groups are nested too deeply")]
    TooDeep,
    /// A text field is not UTF-8.
    #[error("field {field} is not valid utf-8")]
    NotUtf8 {
        /// The field's name.
        field: &'static str,
    },
    /// A required field is absent.
    #[error("required field {field} is absent")]
    Missing {
        /// The field's name.
        field: &'static str,
    },
    /// The message has more bytes than protobuf allows.
    #[error("the message is longer than 2 GiB")]
    TooLong,
    /// prost refused a message that the scan accepted.
    #[error("the message cannot be decoded")]
    Undecodable(#[source] prost::DecodeError),
}

impl FrameError {
    /// A stable label for counters.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::IntegerOverflow => "integer_overflow",
            Self::FieldNumber => "field_number",
            Self::WireType { .. } => "wire_type",
            Self::GroupEnd => "group_end",
            Self::TooDeep => "too_deep",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::Missing { .. } => "missing_field",
            Self::TooLong => "too_long",
            Self::Undecodable(_) => "undecodable",
        }
    }
}
