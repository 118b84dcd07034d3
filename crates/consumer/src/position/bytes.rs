//! A position as bytes: a version, then numbers of as many bytes as they need.
//!
//! Numbers are LEB128. A place in the log is written as its distance from the one before. An event that was never sent takes
//! two bytes where events are dense.

use std::ops::RangeInclusive;

use longwire_wire::event::Seq;

use super::{DeferredChat, MAX_DEFERRED, MAX_UNDONE, Position, UndoneEvent};
use crate::order_key::{DeliveryOrder, OrderKey};

/// The first byte.
const VERSION: u8 = 1;
/// Refills may hold one event of each deferred chat beyond the window.
const MOST_UNDONE: usize = MAX_UNDONE + 2 * MAX_DEFERRED;

/// What a place in the log can be: far from where sums overflow.
pub(crate) const PLACES: RangeInclusive<i64> = 0..=i64::MAX / 4;

/// Why bytes are no position.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PositionError {
    /// A later longwire wrote it.
    #[error(
        "the position has form {0}, this version reads form {VERSION}; start the version that wrote it, or seek"
    )]
    Version(u8),
    /// It ends early, goes on too long, or has a number that none can be.
    #[error("the position is damaged at byte {0}; seek the consumer to where it shall go on")]
    Damaged(usize),
}

pub(super) fn encode(position: &Position) -> Vec<u8> {
    let mut out = Vec::with_capacity(32 + 3 * position.undone.len() + 16 * position.deferred.len());
    out.push(VERSION);
    out.push(match position.order {
        DeliveryOrder::None => 0,
        DeliveryOrder::Chat => 1,
        DeliveryOrder::Installation => 2,
    });
    signed(&mut out, -position.reached.0);
    signed(&mut out, -position.reserved.0);
    number(&mut out, position.undone.len() as u64);
    let mut before = position.reached.0;
    for event in position.undone.iter().rev() {
        // Whether more than the number follows.
        let tried = event.attempts > 0 || event.failures > 0 || event.first_failed_ms != 0;
        let distance = before.wrapping_sub(event.seq.0).cast_unsigned();
        number(&mut out, distance << 1 | u64::from(tried));
        if tried {
            number(&mut out, u64::from(event.attempts));
            number(&mut out, u64::from(event.failures));
            signed(&mut out, event.first_failed_ms);
        }
        before = event.seq.0;
    }
    number(&mut out, position.deferred.len() as u64);
    for chat in &position.deferred {
        out.extend_from_slice(&chat.key.0.to_le_bytes());
        signed(&mut out, position.reached.0.wrapping_sub(chat.after.0));
        signed(&mut out, chat.last.0.wrapping_sub(chat.after.0));
    }
    out
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Zigzag: small numbers of both signs are short.
fn signed(out: &mut Vec<u8>, value: i64) {
    number(out, (value << 1 ^ value >> 63).cast_unsigned());
}

pub(super) fn decode(bytes: &[u8]) -> Result<Position, PositionError> {
    let mut reader = Cursor { bytes, at: 0 };
    let version = reader.byte()?;
    if version != VERSION {
        return Err(PositionError::Version(version));
    }
    let order = match reader.byte()? {
        0 => DeliveryOrder::None,
        1 => DeliveryOrder::Chat,
        2 => DeliveryOrder::Installation,
        _ => return Err(reader.damaged()),
    };
    let reached = reader.place(0)?;
    let reserved = reader.place(0)?;
    let undone = reader.undone(reached)?;
    let deferred = reader.deferred(reached)?;
    if reader.at != bytes.len() {
        return Err(reader.damaged());
    }
    Ok(Position {
        order,
        reached: Seq(reached),
        reserved: Seq(reserved),
        undone,
        deferred,
    })
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn damaged(&self) -> PositionError {
        PositionError::Damaged(self.at)
    }

    fn byte(&mut self) -> Result<u8, PositionError> {
        let byte = *self.bytes.get(self.at).ok_or(self.damaged())?;
        self.at += 1;
        Ok(byte)
    }

    fn number(&mut self) -> Result<u64, PositionError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.damaged())
    }

    fn signed(&mut self) -> Result<i64, PositionError> {
        let value = self.number()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// A place in the log, given as its distance before `from`.
    fn place(&mut self, from: i64) -> Result<i64, PositionError> {
        let distance = self.signed()?;
        self.checked(from.checked_sub(distance))
    }

    fn checked(&self, place: Option<i64>) -> Result<i64, PositionError> {
        let valid = place.filter(|place| PLACES.contains(place));
        valid.ok_or(self.damaged())
    }

    fn small(&mut self) -> Result<u32, PositionError> {
        let value = self.number()?;
        u32::try_from(value).map_err(|_| self.damaged())
    }

    fn count(&mut self, most: usize) -> Result<usize, PositionError> {
        let count = self.number()?;
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= most)
            .ok_or(self.damaged())
    }

    fn undone(&mut self, reached: i64) -> Result<Vec<UndoneEvent>, PositionError> {
        let count = self.count(MOST_UNDONE)?;
        let mut undone = Vec::new();
        let mut before = reached;
        for nth in 0..count {
            let word = self.number()?;
            let distance = (word >> 1).cast_signed();
            // The last one may be the one that was reached; each further one lies before it.
            let seq = before
                .checked_sub(distance)
                .filter(|_| nth == 0 || distance > 0);
            let seq = self.checked(seq)?;
            let mut event = UndoneEvent {
                seq: Seq(seq),
                attempts: 0,
                failures: 0,
                first_failed_ms: 0,
            };
            if word & 1 == 1 {
                event.attempts = self.small()?;
                event.failures = self.small()?;
                event.first_failed_ms = self.signed()?;
            }
            undone.push(event);
            before = seq;
        }
        undone.reverse();
        Ok(undone)
    }

    fn deferred(&mut self, reached: i64) -> Result<Vec<DeferredChat>, PositionError> {
        let count = self.count(MAX_DEFERRED)?;
        let mut deferred = Vec::new();
        for _ in 0..count {
            let mut key = [0; 8];
            for byte in &mut key {
                *byte = self.byte()?;
            }
            let after = self.place(reached)?;
            let length = self.signed()?;
            let last = after.checked_add(length).filter(|_| length > 0);
            let last = self.checked(last)?;
            deferred.push(DeferredChat {
                key: OrderKey(u64::from_le_bytes(key)),
                after: Seq(after),
                last: Seq(last),
            });
        }
        Ok(deferred)
    }
}
