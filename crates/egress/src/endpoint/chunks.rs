//! Takes the chunked transfer coding off a body (RFC 9112, section 7.1), in whatever pieces it comes.

use super::malformed::MalformedAnswer;

/// The most digits of a chunk's size: what fits into 64 bits.
const MAX_SIZE_DIGITS: u8 = 16;

/// The longest line of a chunk's size with its extensions, and the longest trailer, in bytes.
const MAX_LINE_BYTES: usize = 8 * 1024;

/// Where a chunked body stands.
#[derive(Debug)]
pub(super) struct Chunks {
    state: ChunkState,
    /// Bytes of the current line, or of the trailer.
    line_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChunkState {
    Size { size: u64, digits: u8 },
    Extension { size: u64 },
    SizeLf { size: u64 },
    Data { remaining: u64 },
    DataCr,
    DataLf,
    Trailer { line_is_empty: bool },
    Over,
}

/// A piece of a chunked body, from the beginning of what was given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// So many bytes of the body.
    Data(usize),
    /// So many bytes between the chunks.
    Framing(usize),
    /// The body ended before the given bytes.
    Over,
}

impl Chunks {
    pub(super) fn new() -> Self {
        Self {
            state: FIRST,
            line_bytes: 0,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.state == ChunkState::Over
    }

    /// Says what the next of `bytes`, which are not empty, are.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Result<Piece, MalformedAnswer> {
        if let ChunkState::Data { remaining } = self.state {
            let count = usize::try_from(remaining).map_or(bytes.len(), |it| it.min(bytes.len()));
            let remaining = remaining - count as u64;
            self.state = match remaining {
                0 => ChunkState::DataCr,
                _ => ChunkState::Data { remaining },
            };
            return Ok(Piece::Data(count));
        }
        let mut count = 0;
        for byte in bytes {
            if matches!(self.state, ChunkState::Data { .. } | ChunkState::Over) {
                break;
            }
            self.state = self.after(*byte)?;
            count += 1;
        }
        Ok(match count {
            0 => Piece::Over,
            _ => Piece::Framing(count),
        })
    }

    /// The state after one byte between the chunks.
    fn after(&mut self, byte: u8) -> Result<ChunkState, MalformedAnswer> {
        self.line_bytes += 1;
        if self.line_bytes > MAX_LINE_BYTES {
            return Err(MalformedAnswer::Chunk);
        }
        Ok(match (self.state, byte) {
            (ChunkState::Size { size, digits }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                if digits == MAX_SIZE_DIGITS {
                    return Err(MalformedAnswer::Chunk);
                }
                let digit = char::from(byte).to_digit(16).expect("it is a hex digit");
                ChunkState::Size {
                    size: size << 4 | u64::from(digit),
                    digits: digits + 1,
                }
            }
            (ChunkState::Size { digits: 0, .. }, _) => return Err(MalformedAnswer::Chunk),
            (ChunkState::Size { size, .. } | ChunkState::Extension { size }, b'\r') => {
                ChunkState::SizeLf { size }
            }
            (ChunkState::Size { size, .. }, b';' | b' ' | b'\t') => ChunkState::Extension { size },
            (ChunkState::Extension { size }, other) if other != b'\n' => {
                ChunkState::Extension { size }
            }
            (ChunkState::SizeLf { size }, b'\n') => {
                self.line_bytes = 0;
                match size {
                    0 => ChunkState::Trailer {
                        line_is_empty: true,
                    },
                    remaining => ChunkState::Data { remaining },
                }
            }
            (ChunkState::DataCr, b'\r') => ChunkState::DataLf,
            (ChunkState::DataLf, b'\n') => {
                self.line_bytes = 0;
                FIRST
            }
            (
                ChunkState::Trailer {
                    line_is_empty: true,
                },
                b'\n',
            ) => ChunkState::Over,
            (ChunkState::Trailer { line_is_empty }, byte) => ChunkState::Trailer {
                line_is_empty: byte == b'\n' || (line_is_empty && byte == b'\r'),
            },
            _ => return Err(MalformedAnswer::Chunk),
        })
    }
}

/// Before the first digit of a size.
const FIRST: ChunkState = ChunkState::Size { size: 0, digits: 0 };

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, MalformedAnswer>) {
        let mut chunks = Chunks::new();
        let mut rest = text.as_bytes();
        let mut body = Vec::new();
        let read = loop {
            if rest.is_empty() {
                break Ok(());
            }
            match chunks.next(rest) {
                Ok(Piece::Data(count)) => {
                    body.extend_from_slice(&rest[..count]);
                    rest = &rest[count..];
                }
                Ok(Piece::Framing(count)) => rest = &rest[count..],
                Ok(Piece::Over) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let read = read.map(|()| {
            assert!(chunks.is_over(), "{text:?}");
            String::from_utf8(body).expect("text")
        });
        assert_eq!(read, expected.map(str::to_owned), "{text:?}");
    }

    #[test]
    fn bodies_in_chunks() {
        check("0\r\n\r\n", Ok(""));
        check("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", Ok("abcde"));
        check(
            "A;name=\"v\"\r\n0123456789\r\n00 \r\n\r\n",
            Ok("0123456789"),
        );
        check("1\r\na\r\n0\r\nDigest: x\r\nOther: y\r\n\r\nHTTP", Ok("a"));
        check("0\r\n\r\nexcess", Ok(""));
    }

    #[test]
    fn what_is_no_chunk() {
        for text in [
            "\r\n\r\n",
            "x\r\n",
            "-1\r\n",
            "1\na\r\n",
            "1\r\nab\r\n",
            "1\r\na\n",
            "1;a\nb\r\n",
            "11111111111111111\r\n",
            "1\rx",
        ] {
            check(text, Err(MalformedAnswer::Chunk));
        }
        let endless = format!("0\r\n{}", "a: b\r\n".repeat(MAX_LINE_BYTES));
        check(&endless, Err(MalformedAnswer::Chunk));
    }
}
