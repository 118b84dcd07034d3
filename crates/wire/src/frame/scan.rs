//! Reads the fields of one frame from its protobuf bytes, without copying.
//!
//! The scan accepts exactly the messages that prost decodes, if every required field is present. The platform's Go side
//! accepts these too, and also invalid UTF-8 and a few byte sequences that no encoder writes (an integer above 64 bits,
//! a group closed by another group's end). Fields may come in any order, the last value of a repeated scalar counts, and
//! unknown fields are skipped.

use super::cursor::{ByteRange, Cursor, LENGTH_DELIMITED, MAX_DEPTH};
use super::{FrameError, delimited_len, extended, header_len, integer_len};

/// The fields of a frame except its headers.
#[derive(Debug)]
pub(crate) struct FrameFields {
    pub(crate) seq_id: u64,
    pub(crate) log_id: u64,
    pub(crate) service: i32,
    pub(crate) method: i32,
    pub(crate) payload_encoding: Option<ByteRange>,
    pub(crate) payload_type: Option<ByteRange>,
    pub(crate) payload: Option<ByteRange>,
    pub(crate) log_id_new: Option<ByteRange>,
    /// Length of all headers as an encoder writes them, tags and lengths included.
    pub(crate) headers_len: usize,
    /// End of the last header.
    headers_end: usize,
    payload_field: usize,
    /// The fields, and those of each header, came in ascending order, and no 32-bit integer had bits above its range.
    in_order: bool,
}

/// The cutting positions of a frame whose answer repeats its bytes: everything up to and including the last header,
/// everything from there to the payload field, and everything after the payload field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) headers_end: u32,
    pub(crate) payload_field: ByteRange,
}

impl FrameFields {
    /// Number of bytes that an encoder writes for this frame with a payload of `payload_len` bytes.
    pub(crate) fn encoded_len(&self, payload_len: usize) -> usize {
        let text = |span: Option<ByteRange>| span.map_or(0, |span| delimited_len(span.len()));
        integer_len(self.seq_id)
            + integer_len(self.log_id)
            + integer_len(extended(self.service))
            + integer_len(extended(self.method))
            + self.headers_len
            + text(self.payload_encoding)
            + text(self.payload_type)
            + delimited_len(payload_len)
            + text(self.log_id_new)
    }

    /// The layout of a frame of `len` bytes, if the frame is in canonical form: fields in order, each once, minimal
    /// lengths, no unknown fields. The answer to such a frame is made of its bytes; any other is encoded field by field.
    pub(crate) fn layout(&self, len: usize) -> Option<Layout> {
        let payload = self.payload?;
        // A frame in order that is not canonical is longer than the canonical one.
        if !self.in_order || self.headers_end == 0 || self.encoded_len(payload.len()) != len {
            return None;
        }
        // `scan` refuses messages whose offsets would not fit.
        Some(Layout {
            headers_end: self.headers_end as u32,
            payload_field: ByteRange {
                start: self.payload_field as u32,
                end: payload.end,
            },
        })
    }
}

/// Reads a whole frame and calls `on_header` with the key and the value of each header, in their order.
#[inline]
pub(crate) fn scan(
    bytes: &[u8],
    mut on_header: impl FnMut(ByteRange, ByteRange),
) -> Result<FrameFields, FrameError> {
    if bytes.len() > i32::MAX as usize {
        return Err(FrameError::TooLong);
    }
    let (mut seq_id, mut log_id, mut service, mut method) = (None, None, None, None);
    let (mut payload_encoding, mut payload_type) = (None, None);
    let (mut payload, mut log_id_new) = (None, None);
    let (mut headers_len, mut headers_end, mut payload_field) = (0, 0, 0);
    let (mut in_order, mut last) = (true, 0);
    let mut cursor = Cursor::over(bytes, 0..bytes.len());
    while !cursor.is_at_end() {
        let begin = cursor.at;
        let tag = cursor.tag()?;
        in_order &= last <= tag.field;
        last = tag.field;
        match tag.field {
            1 => seq_id = Some(cursor.integer(tag)?),
            2 => log_id = Some(cursor.integer(tag)?),
            // A negative value has ten bytes, or five from an encoder that does not extend the sign. The low
            // 32 bits are right in both.
            3 | 4 => {
                let integer = cursor.integer(tag)?;
                let value = integer as i32;
                in_order &= extended(value) == integer;
                let slot = if tag.field == 3 {
                    &mut service
                } else {
                    &mut method
                };
                *slot = Some(value);
            }
            5 => {
                let (key, value) = header(bytes, cursor.delimited(tag)?)?;
                // A header with its value first has the same length but is not canonical.
                in_order &= key.start < value.start;
                headers_len += delimited_len(header_len(key.len(), value.len()));
                headers_end = cursor.at;
                on_header(key, value);
            }
            6 => payload_encoding = Some(cursor.text(tag, "payload_encoding")?),
            7 => payload_type = Some(cursor.text(tag, "payload_type")?),
            8 => {
                payload = Some(cursor.delimited(tag)?);
                payload_field = begin;
            }
            9 => log_id_new = Some(cursor.text(tag, "log_id_new")?),
            _ => cursor.skip(tag, MAX_DEPTH)?,
        }
    }
    let missing = |field| FrameError::Missing { field };
    Ok(FrameFields {
        seq_id: seq_id.ok_or(missing("seq_id"))?,
        log_id: log_id.ok_or(missing("log_id"))?,
        service: service.ok_or(missing("service"))?,
        method: method.ok_or(missing("method"))?,
        payload_encoding,
        payload_type,
        payload,
        log_id_new,
        headers_len,
        headers_end,
        payload_field,
        in_order,
    })
}

/// The headers of a frame that [`scan`] has accepted, in their order.
pub(crate) fn headers(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut cursor = Cursor::over(bytes, 0..bytes.len());
    std::iter::from_fn(move || {
        while !cursor.is_at_end() {
            let tag = cursor.tag().ok()?;
            if tag.field == 5 {
                let (key, value) = header(bytes, cursor.delimited(tag).ok()?).ok()?;
                return Some((key.of(bytes), value.of(bytes)));
            }
            cursor.skip(tag, MAX_DEPTH).ok()?;
        }
        None
    })
}

#[inline]
fn header(bytes: &[u8], within: ByteRange) -> Result<(ByteRange, ByteRange), FrameError> {
    match plain_header(within.of(bytes), within.start) {
        Some(header) => Ok(header),
        None => any_header(bytes, within),
    }
}

/// Reads a header in its usual form: key, then value, both ASCII and shorter than 128 bytes. One ASCII check of the
/// whole header replaces both UTF-8 checks and the reading field by field.
#[inline]
fn plain_header(content: &[u8], start: u32) -> Option<(ByteRange, ByteRange)> {
    const KEY: u8 = 1 << 3 | LENGTH_DELIMITED;
    const VALUE: u8 = 2 << 3 | LENGTH_DELIMITED;
    // This also shows that both lengths are single bytes.
    if !content.is_ascii() {
        return None;
    }
    let [KEY, key_len, rest @ ..] = content else {
        return None;
    };
    let [VALUE, value_len, value @ ..] = rest.get(usize::from(*key_len)..)? else {
        return None;
    };
    if value.len() != usize::from(*value_len) {
        return None;
    }
    let key = ByteRange {
        start: start + 2,
        end: start + 2 + u32::from(*key_len),
    };
    let value = ByteRange {
        start: key.end + 2,
        end: key.end + 2 + u32::from(*value_len),
    };
    Some((key, value))
}

#[cold]
fn any_header(bytes: &[u8], within: ByteRange) -> Result<(ByteRange, ByteRange), FrameError> {
    let (mut key, mut value) = (None, None);
    let mut cursor = Cursor::over(bytes, within.range());
    while !cursor.is_at_end() {
        let tag = cursor.tag()?;
        match tag.field {
            1 => key = Some(cursor.text(tag, "header.key")?),
            2 => value = Some(cursor.text(tag, "header.value")?),
            // The header itself is the first level of nesting.
            _ => cursor.skip(tag, MAX_DEPTH - 1)?,
        }
    }
    let missing = |field| FrameError::Missing { field };
    Ok((
        key.ok_or(missing("header.key"))?,
        value.ok_or(missing("header.value"))?,
    ))
}
