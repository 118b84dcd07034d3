//! The receiver's half: whether a delivery is signed by a known secret, and lately.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{VERSION, WebhookSecret};

/// How far the time of a delivery may be from the receiver's, in seconds, in either direction. The official libraries
/// have the same five minutes.
pub const TOLERANCE_S: i64 = 5 * 60;

/// The values of the three headers of a delivery, as they were received.
#[derive(Debug, Clone, Copy)]
pub struct SignedHeaders<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`.
    pub timestamp: &'a str,
    /// `webhook-signature`.
    pub signature: &'a str,
}

/// Why a delivery is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureRefused {
    /// The time is no number of seconds.
    #[error("the timestamp is no number of seconds since 1970")]
    Timestamp,
    /// The time is too far in the past: somebody may send again what they overheard.
    #[error("the timestamp is {age_s} s old, more than the tolerated {TOLERANCE_S} s")]
    TooOld {
        /// How old, in seconds.
        age_s: i64,
    },
    /// The time is too far in the future.
    #[error("the timestamp is {ahead_s} s ahead, more than the tolerated {TOLERANCE_S} s")]
    TooNew {
        /// How far ahead, in seconds.
        ahead_s: i64,
    },
    /// No signature of the header was made with a known secret.
    #[error("no signature fits")]
    NoMatch,
}

impl SignedHeaders<'_> {
    /// Accepts a delivery that one of `secrets` has signed within the tolerated time around `now_s` (seconds since 1970).
    /// Signatures of other versions are passed over. Signatures are compared in constant time.
    pub fn verify(
        &self,
        body: &[&[u8]],
        secrets: &[&WebhookSecret],
        now_s: i64,
    ) -> Result<(), SignatureRefused> {
        let sent_s: i64 = self
            .timestamp
            .parse()
            .map_err(|_| SignatureRefused::Timestamp)?;
        let age_s = now_s.saturating_sub(sent_s);
        if age_s > TOLERANCE_S {
            return Err(SignatureRefused::TooOld { age_s });
        }
        if age_s < -TOLERANCE_S {
            return Err(SignatureRefused::TooNew {
                ahead_s: age_s.saturating_neg(),
            });
        }
        let signatures = self.signature.split(' ').filter_map(|signature| {
            let (version, encoded) = signature.split_once(',')?;
            (version == VERSION).then(|| STANDARD.decode(encoded).ok())?
        });
        for signature in signatures {
            for secret in secrets {
                if secret.made(self.id, self.timestamp, body, &signature) {
                    return Ok(());
                }
            }
        }
        Err(SignatureRefused::NoMatch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::WebhookSecrets;

    const SENT_S: i64 = 1_700_000_000;
    const BODY: &[u8] = b"\xff{}";

    fn check(
        change: impl Fn(&mut SignedHeaders<'_>),
        body: &[u8],
        now_s: i64,
        expected: Result<(), SignatureRefused>,
    ) {
        let secret = WebhookSecret::generate([1; 32]);
        let timestamp = SENT_S.to_string();
        let mut signature = String::new();
        WebhookSecrets::new(secret.clone()).sign(
            "evt_1",
            SENT_S,
            &timestamp,
            &[BODY],
            &mut signature,
        );
        let signature = format!("v1a,AAAA v1,AAAA nonsense {signature}");
        let mut headers = SignedHeaders {
            id: "evt_1",
            timestamp: &timestamp,
            signature: &signature,
        };
        change(&mut headers);
        let other = WebhookSecret::generate([2; 32]);
        assert_eq!(headers.verify(&[body], &[&other, &secret], now_s), expected);
        let by_other = headers.verify(&[body], &[&other], now_s);
        assert!(by_other.is_err(), "{headers:?}");
    }

    #[test]
    fn what_was_signed_is_accepted_for_a_while() {
        check(|_| {}, BODY, SENT_S, Ok(()));
        check(|_| {}, BODY, SENT_S + TOLERANCE_S, Ok(()));
        check(|_| {}, BODY, SENT_S - TOLERANCE_S, Ok(()));
        let (age_s, ahead_s) = (TOLERANCE_S + 1, TOLERANCE_S + 1);
        let refused = Err(SignatureRefused::TooOld { age_s });
        check(|_| {}, BODY, SENT_S + age_s, refused);
        let refused = Err(SignatureRefused::TooNew { ahead_s });
        check(|_| {}, BODY, SENT_S - ahead_s, refused);
    }

    #[test]
    fn what_was_changed_is_refused() {
        let no_match = Err(SignatureRefused::NoMatch);
        check(|_| {}, b"{}", SENT_S, no_match);
        check(|headers| headers.id = "evt_2", BODY, SENT_S, no_match);
        check(
            |headers| headers.timestamp = "1700000001",
            BODY,
            SENT_S,
            no_match,
        );
        check(|headers| headers.signature = "", BODY, SENT_S, no_match);
        check(
            |headers| headers.signature = "v1,!!!",
            BODY,
            SENT_S,
            no_match,
        );
        let no_time = Err(SignatureRefused::Timestamp);
        check(|headers| headers.timestamp = "soon", BODY, SENT_S, no_time);
        check(
            |headers| headers.timestamp = "-9223372036854775808",
            BODY,
            SENT_S,
            Err(SignatureRefused::TooOld { age_s: i64::MAX }),
        );
    }
}
