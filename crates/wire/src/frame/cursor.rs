//! A position in the protobuf bytes of a frame, and the wire format that is read there.
//!
//! The cursor reads one tag or value after the other and never copies. Which fields a frame has is known to
//! [`scan`](super::scan) only.

use super::FrameError;

/// prost's recursion limit: the deepest nesting of unknown groups.
pub(super) const MAX_DEPTH: u8 = 100;

const VARINT: u8 = 0;
const FIXED64: u8 = 1;
pub(super) const LENGTH_DELIMITED: u8 = 2;
const GROUP_START: u8 = 3;
const GROUP_END: u8 = 4;
const FIXED32: u8 = 5;

/// Where a value lies in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteRange {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl ByteRange {
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

#[derive(Clone, Copy)]
pub(super) struct Tag {
    pub(super) field: u32,
    wire_type: u8,
}

impl Tag {
    pub(super) fn expect(self, wire_type: u8) -> Result<(), FrameError> {
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
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    /// `within` must lie inside `bytes`. Offsets stay those of the whole message.
    pub(super) fn over(bytes: &'a [u8], within: std::ops::Range<usize>) -> Self {
        Self {
            bytes: &bytes[..within.end],
            at: within.start,
        }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, FrameError> {
        // Tags, lengths and small numbers usually have one byte.
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
            // 64 bits leave one bit for the tenth byte.
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
    pub(super) fn tag(&mut self) -> Result<Tag, FrameError> {
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
    pub(super) fn integer(&mut self, tag: Tag) -> Result<u64, FrameError> {
        tag.expect(VARINT)?;
        self.varint()
    }

    #[inline]
    pub(super) fn delimited(&mut self, tag: Tag) -> Result<ByteRange, FrameError> {
        tag.expect(LENGTH_DELIMITED)?;
        let length = self.varint()?;
        let start = self.at;
        self.advance(length)?;
        // `scan` refuses messages whose offsets would not fit.
        Ok(ByteRange {
            start: start as u32,
            end: self.at as u32,
        })
    }

    #[inline]
    pub(super) fn text(&mut self, tag: Tag, field: &'static str) -> Result<ByteRange, FrameError> {
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

    pub(super) fn skip(&mut self, tag: Tag, depth: u8) -> Result<(), FrameError> {
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
