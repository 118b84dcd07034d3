//! How many bytes protobuf's encoders write for the fields of a frame.

/// A negative `int32` is written as if it had 64 bits.
pub(crate) fn extended(value: i32) -> u64 {
    i64::from(value) as u64
}

pub(crate) fn varint_len(value: u64) -> usize {
    // Seven bits to a byte, and one byte for zero.
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// An integer field: tag and value. All field numbers are below 16: a tag is one byte.
pub(crate) fn integer_len(value: u64) -> usize {
    1 + varint_len(value)
}

/// A delimited field of `len` bytes: tag, length, content.
pub(crate) fn delimited_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

/// The content of a header with a key and a value of so many bytes.
pub(crate) fn header_len(key: usize, value: usize) -> usize {
    delimited_len(key) + delimited_len(value)
}
