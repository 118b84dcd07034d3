//! What the other side reads of what we write.

/// The other side's reading half: unmasks what we write.
#[derive(Default)]
pub(super) struct Client {
    buffer: Vec<u8>,
    is_closed: bool,
}

impl Client {
    pub(super) fn take(&mut self, bytes: &[u8], messages: &mut Vec<(u8, Vec<u8>)>) {
        self.buffer.extend_from_slice(bytes);
        while let Some((opcode, payload, rest)) = split(&self.buffer) {
            assert!(!self.is_closed, "something follows the close frame");
            self.is_closed = opcode == 8;
            messages.push((opcode, payload));
            self.buffer.drain(..rest);
        }
    }
}

/// The first whole frame of `bytes`, unmasked, and where it ends.
fn split(bytes: &[u8]) -> Option<(u8, Vec<u8>, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    assert_eq!(first & 0xF0, 0x80, "final, no reserved bits");
    assert_eq!(second & 0x80, 0x80, "masked");
    let (length, at) = match second & 0x7F {
        126 => (
            usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
            4,
        ),
        127 => (
            u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize,
            10,
        ),
        short => (usize::from(short), 2),
    };
    let key = bytes.get(at..at + 4)?;
    let masked = bytes.get(at + 4..at + 4 + length)?;
    let payload = masked.iter().zip(key.iter().cycle());
    let payload = payload.map(|(byte, key)| byte ^ key).collect();
    Some((first & 0x0F, payload, at + 4 + length))
}
