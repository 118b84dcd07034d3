//! The ids that the simulator sends, computed from counters.
//!
//! The `message_id` encodes the push's number and attempt in 16 bytes that look random. So an ACK finds its push without
//! a table of ids, and an id that this simulator never sent is recognised.

/// Finalizer of splitmix64: a bijection that maps consecutive numbers to unrelated ones.
pub(crate) fn scramble(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The inverse of [`scramble`].
pub(crate) fn unscramble(mut x: u64) -> u64 {
    x = (x ^ (x >> 31) ^ (x >> 62)).wrapping_mul(0x3196_42b2_d24d_8ec3);
    x = (x ^ (x >> 27) ^ (x >> 54)).wrapping_mul(0x96de_1b17_3f11_9089);
    x ^ (x >> 30) ^ (x >> 60)
}

/// One attempt of one push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AttemptId {
    /// Number of the push, below 2^48.
    pub(crate) push: u64,
    /// 1 for the first attempt.
    pub(crate) attempt: u16,
}

const ATTEMPT_BITS: u32 = 16;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// A `message_id` (36 characters) and the `trace_id` that goes with it (the same without dashes).
pub(crate) struct WireIds {
    message: [u8; 36],
    trace: [u8; 32],
}

impl WireIds {
    pub(crate) fn of(delivery: AttemptId, seed: u64) -> Self {
        let high = scramble((delivery.push << ATTEMPT_BITS | u64::from(delivery.attempt)) ^ seed);
        let low = scramble(high.wrapping_add(seed));
        let mut trace = [0; 32];
        write_hex(high, &mut trace[..16]);
        write_hex(low, &mut trace[16..]);
        let mut message = [b'-'; 36];
        for (at, from, to) in [
            (0, 0, 8),
            (9, 8, 12),
            (14, 12, 16),
            (19, 16, 20),
            (24, 20, 32),
        ] {
            message[at..at + to - from].copy_from_slice(&trace[from..to]);
        }
        Self { message, trace }
    }

    pub(crate) fn message_id(&self) -> &str {
        std::str::from_utf8(&self.message).expect("hex digits and dashes are ascii")
    }

    pub(crate) fn trace_id(&self) -> &str {
        std::str::from_utf8(&self.trace).expect("hex digits are ascii")
    }
}

/// The attempt that a `message_id` belongs to; `None` if this simulator never sent it.
pub(crate) fn attempt_of(message_id: &str, seed: u64) -> Option<AttemptId> {
    let text = message_id.as_bytes();
    if text.len() != 36 {
        return None;
    }
    let mut digits = text.iter().filter(|byte| **byte != b'-');
    let mut next_u64 = || {
        let mut value = 0u64;
        for _ in 0..16 {
            let digit = match *digits.next()? {
                byte @ b'0'..=b'9' => byte - b'0',
                byte @ b'a'..=b'f' => byte - b'a' + 10,
                _ => return None,
            };
            value = value << 4 | u64::from(digit);
        }
        Some(value)
    };
    let (high, low) = (next_u64()?, next_u64()?);
    if low != scramble(high.wrapping_add(seed)) {
        return None;
    }
    let plain = unscramble(high) ^ seed;
    Some(AttemptId {
        push: plain >> ATTEMPT_BITS,
        attempt: plain as u16,
    })
}

/// Writes the lowest digits of `value` in hex, most significant first, filling `out`.
pub(crate) fn write_hex(mut value: u64, out: &mut [u8]) {
    for digit in out.iter_mut().rev() {
        *digit = HEX[(value & 15) as usize];
        value >>= 4;
    }
}

/// The value of hex digits, at most 16.
pub(crate) fn read_hex(digits: &str) -> Option<u64> {
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u64::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

/// 32 hex digits.
pub(crate) fn hex32(high: u64, low: u64) -> String {
    format!("{high:016x}{low:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_leads_back_to_its_delivery() {
        for (push, attempt) in [(1, 1), (77, 3), ((1 << 48) - 1, u16::MAX)] {
            let delivery = AttemptId { push, attempt };
            let ids = WireIds::of(delivery, 9);
            assert_eq!(attempt_of(ids.message_id(), 9), Some(delivery));
            assert_eq!(ids.message_id().replace('-', ""), ids.trace_id());
            assert_eq!(attempt_of(ids.message_id(), 8), None);
        }
        assert_eq!(attempt_of("4f6c2b7e-1d0a-4c7e-9a51-0d8f6f3a2b10", 9), None);
        assert_eq!(attempt_of("", 9), None);
    }

    #[test]
    fn scrambling_is_a_bijection() {
        for x in [0, 1, 2, u64::MAX, 0x0123_4567_89ab_cdef] {
            assert_eq!(unscramble(scramble(x)), x);
        }
    }
}
