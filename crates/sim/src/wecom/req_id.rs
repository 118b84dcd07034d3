//! The `req_id` and `msgid` of callbacks, computed from counters.
//!
//! A `req_id` encodes the push and the number of the delivery. So a reply finds its callback without a table of ids, and
//! an id that this simulator never sent is recognised. For clients both are opaque text.

use crate::ids::{AttemptId, scramble, unscramble, write_hex};

/// Length of an invented `req_id`.
pub(crate) const REQ_ID_LEN: usize = 36;
/// Length of an invented `msgid`.
pub(crate) const MSGID_LEN: usize = 28;

const MSGID_HEAD: &[u8; 4] = b"CAIQ";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes the `req_id` of a delivery. Some contain `ping`, to detect clients that match answers by such a word and not by
/// the exact id.
pub(crate) fn write_req_id(of: AttemptId, seed: u64, out: &mut [u8; REQ_ID_LEN]) {
    let high = scramble((of.push << 16 | u64::from(of.attempt)) ^ seed);
    let low = scramble(high.wrapping_add(seed));
    write_hex(high, &mut out[..16]);
    match of.push % 4 {
        0 => out[16..20].copy_from_slice(b"ping"),
        _ => write_hex(low >> 7, &mut out[16..20]),
    }
    write_hex(low, &mut out[20..]);
}

/// The `req_id` of a delivery as text.
pub(crate) fn req_id(of: AttemptId, seed: u64) -> String {
    let mut out = [0; REQ_ID_LEN];
    write_req_id(of, seed, &mut out);
    ascii(&out)
}

/// The attempt that a `req_id` belongs to; `None` if this simulator never made it.
pub(crate) fn attempt_of(text: &str, seed: u64) -> Option<AttemptId> {
    let bytes: &[u8; REQ_ID_LEN] = text.as_bytes().try_into().ok()?;
    let digits = std::str::from_utf8(&bytes[..16]).ok()?;
    let plain = unscramble(u64::from_str_radix(digits, 16).ok()?) ^ seed;
    let delivery = AttemptId {
        push: plain >> 16,
        attempt: plain as u16,
    };
    let mut whole = [0; REQ_ID_LEN];
    write_req_id(delivery, seed, &mut whole);
    (whole == *bytes).then_some(delivery)
}

/// Writes the `msgid` of a push: Base64-like, as the platform's are, `/` and `+` included.
pub(crate) fn write_msgid(push: u64, seed: u64, out: &mut [u8; MSGID_LEN]) {
    let high = scramble(seed ^ push.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let words = u128::from(high) << 64 | u128::from(scramble(high ^ push));
    out[..4].copy_from_slice(MSGID_HEAD);
    for (at, byte) in out[4..26].iter_mut().enumerate() {
        // 21 digits of six bits and one of two.
        let shift = 122 - 6 * at as i32;
        let digit = if shift >= 0 {
            words >> shift
        } else {
            words << -shift
        };
        *byte = BASE64[(digit & 63) as usize];
    }
    out[26..].copy_from_slice(b"==");
}

/// The `msgid` of a push as text.
pub(crate) fn msgid(push: u64, seed: u64) -> String {
    let mut out = [0; MSGID_LEN];
    write_msgid(push, seed, &mut out);
    ascii(&out)
}

fn ascii(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn a_req_id_leads_back_to_its_delivery() {
        for (push, attempt) in [(1, 1), (4, 2), ((1 << 48) - 1, u16::MAX)] {
            let delivery = AttemptId { push, attempt };
            let text = req_id(delivery, 9);
            assert_eq!(attempt_of(&text, 9), Some(delivery), "{text}");
            assert_eq!(attempt_of(&text, 8), None);
            let tampered = text.replace(&text[20..24], "zzzz");
            assert_eq!(attempt_of(&tampered, 9), None);
        }
        assert!(
            req_id(
                AttemptId {
                    push: 4,
                    attempt: 1
                },
                9
            )
            .contains("ping")
        );
        for strange in ["", "neverIssued", "äöüäöüäöüäöüäöüäöü"] {
            assert_eq!(attempt_of(strange, 9), None);
        }
    }

    #[test]
    fn a_msgid_is_base64_and_its_own() {
        let ids: HashSet<String> = (0..1_000).map(|push| msgid(push, 3)).collect();
        assert_eq!(ids.len(), 1_000);
        assert!(ids.iter().any(|id| id.contains('/')));
        for id in &ids {
            let bytes = STANDARD.decode(id).expect("base64");
            assert_eq!(bytes.len(), 19);
        }
    }
}
