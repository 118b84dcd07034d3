//! The protobuf wire format of one frame, read without copying.
//!
//! Accepts exactly what prost decodes, provided that every required field is present. That is what
//! the platform's Go side accepts, less invalid UTF-8 and a few byte sequences no encoder writes
//! (an integer above 64 bits, a group closed by another's end). Order is free, the last of a
//! repeated scalar wins, unknown fields are skipped.

use super::{FrameError, delimited_len, extended, header_len, integer_len};

/// prost's recursion limit; an unknown group may nest this deep.
const MAX_DEPTH: u8 = 100;

const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const LENGTH_DELIMITED: u8 = 2;
const GROUP_START: u8 = 3;
const GROUP_END: u8 = 4;
const FIXED32: u8 = 5;

/// Where a value lies in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }

    pub(crate) fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(crate) fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// The text of a field that [`scan`] has checked.
    pub(crate) fn text(self, bytes: &[u8]) -> &str {
        std::str::from_utf8(self.of(bytes)).expect("the scan has checked every text field")
    }
}

/// The fields of a frame, but for its headers.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) seq_id: u64,
    pub(crate) log_id: u64,
    pub(crate) service: i32,
    pub(crate) method: i32,
    pub(crate) payload_encoding: Option<Span>,
    pub(crate) payload_type: Option<Span>,
    pub(crate) payload: Option<Span>,
    pub(crate) log_id_new: Option<Span>,
    /// All headers as an encoder writes them, with their tags and lengths.
    pub(crate) headers_len: usize,
    /// Where the last header ends, and the payload's tag begins.
    headers_end: usize,
    payload_field: usize,
    /// Whether the fields came in the order of their numbers, those of headers too, and 32-bit integers
    /// without stray bits above them.
    tidy: bool,
}

/// Where the parts of a frame lie that an answer repeats byte by byte: everything up to and with
/// the last header; everything between that and the payload's field; everything after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) headers_end: u32,
    pub(crate) payload_field: Span,
}

impl Scan {
    /// How many bytes an encoder writes for the frame with a payload of `payload_len` bytes.
    pub(crate) fn encoded_len(&self, payload_len: usize) -> usize {
        let text = |span: Option<Span>| span.map_or(0, |span| delimited_len(span.len()));
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

    /// The layout of a frame of `len` bytes that is written as every encoder writes it: in order,
    /// each field once, nothing longer than it must be and nothing unknown. Then an answer need not
    /// be put together field by field.
    pub(crate) fn layout(&self, len: usize) -> Option<Layout> {
        let payload = self.payload?;
        // Whatever deviates in a way that keeps the order is longer.
        if !self.tidy || self.headers_end == 0 || self.encoded_len(payload.len()) != len {
            return None;
        }
        // `scan` refuses messages whose offsets would not fit.
        Some(Layout {
            headers_end: self.headers_end as u32,
            payload_field: Span {
                start: self.payload_field as u32,
                end: payload.end,
            },
        })
    }
}

/// Reads a whole frame and hands each header, key then value, to `on_header` in their order.
#[inline]
pub(crate) fn scan(
    bytes: &[u8],
    mut on_header: impl FnMut(Span, Span),
) -> Result<Scan, FrameError> {
    if bytes.len() > i32::MAX as usize {
        return Err(FrameError::TooLong);
    }
    let (mut seq_id, mut log_id, mut service, mut method) = (None, None, None, None);
    let (mut payload_encoding, mut payload_type) = (None, None);
    let (mut payload, mut log_id_new) = (None, None);
    let (mut headers_len, mut headers_end, mut payload_field) = (0, 0, 0);
    let (mut tidy, mut last) = (true, 0);
    let mut cursor = Cursor::over(bytes, 0..bytes.len());
    while !cursor.is_at_end() {
        let begin = cursor.at;
        let tag = cursor.tag()?;
        tidy &= last <= tag.field;
        last = tag.field;
        match tag.field {
            1 => seq_id = Some(cursor.integer(tag)?),
            2 => log_id = Some(cursor.integer(tag)?),
            // Negative values come as ten bytes, or as five from encoders that forget to extend
            // the sign: the low 32 bits are right in both.
            3 | 4 => {
                let integer = cursor.integer(tag)?;
                let value = integer as i32;
                tidy &= extended(value) == integer;
                let slot = if tag.field == 3 {
                    &mut service
                } else {
                    &mut method
                };
                *slot = Some(value);
            }
            5 => {
                let (key, value) = header(bytes, cursor.delimited(tag)?)?;
                // A header may come with its value first, which is as long.
                tidy &= key.start < value.start;
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
    Ok(Scan {
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
        tidy,
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
fn header(bytes: &[u8], within: Span) -> Result<(Span, Span), FrameError> {
    match plain_header(within.of(bytes), within.start) {
        Some(header) => Ok(header),
        None => any_header(bytes, within),
    }
}

/// The form in which practically every header comes: key, then value, both ASCII and short.
/// One look at the whole of it replaces the field-by-field reading and both UTF-8 checks.
#[inline]
fn plain_header(content: &[u8], start: u32) -> Option<(Span, Span)> {
    const KEY: u8 = 1 << 3 | LENGTH_DELIMITED;
    const VALUE: u8 = 2 << 3 | LENGTH_DELIMITED;
    // Also says that both lengths are a single byte.
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
    let key = Span {
        start: start + 2,
        end: start + 2 + u32::from(*key_len),
    };
    let value = Span {
        start: key.end + 2,
        end: key.end + 2 + u32::from(*value_len),
    };
    Some((key, value))
}

#[cold]
fn any_header(bytes: &[u8], within: Span) -> Result<(Span, Span), FrameError> {
    let (mut key, mut value) = (None, None);
    let mut cursor = Cursor::over(bytes, within.range());
    while !cursor.is_at_end() {
        let tag = cursor.tag()?;
        match tag.field {
            1 => key = Some(cursor.text(tag, "header.key")?),
            2 => value = Some(cursor.text(tag, "header.value")?),
            // A header is one level down already.
            _ => cursor.skip(tag, MAX_DEPTH - 1)?,
        }
    }
    let missing = |field| FrameError::Missing { field };
    Ok((
        key.ok_or(missing("header.key"))?,
        value.ok_or(missing("header.value"))?,
    ))
}

#[derive(Clone, Copy)]
struct Tag {
    field: u32,
    wire_type: u8,
}

impl Tag {
    fn expect(self, wire_type: u8) -> Result<(), FrameError> {
        if self.wire_type == wire_type {
            Ok(())
        } else {
            Err(self.refused())
        }
    }

    fn refused(self) -> FrameError {
        FrameError::WireType {
            field: self.field,
            wire_type: self.wire_type,
        }
    }
}

/// A position in a message, or in one header of it.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// `within` must lie inside `bytes`. Offsets stay those of the whole message.
    fn over(bytes: &'a [u8], within: std::ops::Range<usize>) -> Self {
        Self {
            bytes: &bytes[..within.end],
            at: within.start,
        }
    }

    fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, FrameError> {
        // Tags, lengths and small numbers are a single byte.
        match self.bytes.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, FrameError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or(FrameError::Truncated)?;
            self.at += 1;
            // Of the tenth byte only the lowest bit has room.
            if shift == 63 && byte > 1 {
                return Err(FrameError::IntegerOverflow);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(FrameError::IntegerOverflow)
    }

    #[inline]
    fn tag(&mut self) -> Result<Tag, FrameError> {
        let key = u32::try_from(self.varint()?).map_err(|_| FrameError::FieldNumber)?;
        let tag = Tag {
            field: key >> 3,
            wire_type: (key & 7) as u8,
        };
        if tag.wire_type > FIXED32 {
            return Err(tag.refused());
        }
        if tag.field == 0 {
            return Err(FrameError::FieldNumber);
        }
        Ok(tag)
    }

    #[inline]
    fn integer(&mut self, tag: Tag) -> Result<u64, FrameError> {
        tag.expect(VARINT)?;
        self.varint()
    }

    #[inline]
    fn delimited(&mut self, tag: Tag) -> Result<Span, FrameError> {
        tag.expect(LENGTH_DELIMITED)?;
        let length = self.varint()?;
        let start = self.at;
        self.advance(length)?;
        // `scan` refuses messages whose offsets would not fit.
        Ok(Span {
            start: start as u32,
            end: self.at as u32,
        })
    }

    #[inline]
    fn text(&mut self, tag: Tag, field: &'static str) -> Result<Span, FrameError> {
        let span = self.delimited(tag)?;
        match std::str::from_utf8(span.of(self.bytes)) {
            Ok(_) => Ok(span),
            Err(_) => Err(FrameError::NotUtf8 { field }),
        }
    }

    fn advance(&mut self, length: u64) -> Result<(), FrameError> {
        let left = self.bytes.len() - self.at;
        match usize::try_from(length) {
            Ok(length) if length <= left => {
                self.at += length;
                Ok(())
            }
            _ => Err(FrameError::Truncated),
        }
    }

    fn skip(&mut self, tag: Tag, depth: u8) -> Result<(), FrameError> {
        if depth == 0 {
            return Err(FrameError::TooDeep);
        }
        match tag.wire_type {
            VARINT => self.varint().map(drop),
            FIXED64 => self.advance(8),
            LENGTH_DELIMITED => self.delimited(tag).map(drop),
            GROUP_START => loop {
                let inner = self.tag()?;
                if inner.wire_type != GROUP_END {
                    self.skip(inner, depth - 1)?;
                } else if inner.field == tag.field {
                    return Ok(());
                } else {
                    return Err(FrameError::GroupEnd);
                }
            },
            GROUP_END => Err(FrameError::GroupEnd),
            FIXED32 => self.advance(4),
            _ => Err(tag.refused()),
        }
    }
}
