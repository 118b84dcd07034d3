//! The number of bytes that a protobuf encoder writes for each field of a frame.

/// The value of an `int32` on the wire: protobuf sign-extends it to 64 bits.
pub(crate) fn extended(value: i32) -> u64 {
    i64::from(value) as u64
}

pub(crate) fn varint_len(value: u64) -> usize {
    // A byte carries seven bits. Zero takes one byte.
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Length of an integer field: tag and value. A tag is one byte, because all field numbers are below 16.
pub(crate) fn integer_len(value: u64) -> usize {
    1 + varint_len(value)
}

/// Length of a length-delimited field with `len` bytes of content: tag, length, content.
pub(crate) fn delimited_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

/// Length of a header's content, for a key and a value of these lengths in bytes.
pub(crate) fn header_len(key: usize, value: usize) -> usize {
    delimited_len(key) + delimited_len(value)
}
