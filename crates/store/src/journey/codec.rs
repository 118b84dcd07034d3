//! The packed form of the steps in a row.
//!
//! ```text
//! version 1 ┃ event (+) │ time (±) │ kind │ fields of the kind ┃ next step …
//! ```
//! Numbers are in LEB128; events and times are differences from the step before, times with their sign in the lowest bit. An
//! attempt that succeeded without an answer takes some 10 bytes. A text or an answer follows its length.
//!
//! A row that cannot be read to its end, because it is damaged or of a newer version, gives the steps before that place.

use bytes::Bytes;
use longwire_wire::event::Seq;

use super::{AttemptFailure, DeliveryAttempt, DeliveryOutcome, Happening, JourneyStep, KeptAnswer};

/// The form described above.
const VERSION: u8 = 1;

/// The kinds of a step. A number is never used again for another kind.
mod kind {
    pub(super) const STATUS: u8 = 1;
    pub(super) const FAILED: u8 = 2;
    pub(super) const ACKED: u8 = 3;
    pub(super) const NACKED: u8 = 4;
    pub(super) const LAPSED: u8 = 5;
    pub(super) const ACKNOWLEDGED: u8 = 6;
    pub(super) const REPLY_SENT: u8 = 7;
    pub(super) const REPLY_FAILED: u8 = 8;
    pub(super) const CARD_ANSWERED: u8 = 9;
    pub(super) const CARD_DEFAULTED: u8 = 10;
    pub(super) const GAVE_UP: u8 = 11;
}

/// The steps, in the order of their events, packed behind `first`.
pub(crate) fn encode(first: Seq, steps: &[&JourneyStep]) -> Vec<u8> {
    let mut packed = vec![VERSION];
    let (mut seq, mut at_ms) = (first.0, 0_i64);
    for step in steps {
        put_number(&mut packed, step.seq.0.wrapping_sub(seq).cast_unsigned());
        put_signed(&mut packed, step.at_ms.wrapping_sub(at_ms));
        (seq, at_ms) = (step.seq.0, step.at_ms);
        put_happening(&mut packed, &step.what);
    }
    packed
}

fn put_happening(packed: &mut Vec<u8>, what: &Happening) {
    match what {
        Happening::Attempt(attempt) => put_attempt(packed, attempt),
        Happening::Acknowledged { after_us } => {
            packed.push(kind::ACKNOWLEDGED);
            put_number(packed, *after_us);
        }
        Happening::ReplySent => packed.push(kind::REPLY_SENT),
        Happening::ReplyFailed { detail } => {
            packed.push(kind::REPLY_FAILED);
            put_bytes(packed, detail.as_bytes());
        }
        Happening::CardAnswered { after_us } => {
            packed.push(kind::CARD_ANSWERED);
            put_number(packed, *after_us);
        }
        Happening::CardDefaulted { detail } => {
            packed.push(kind::CARD_DEFAULTED);
            put_bytes(packed, detail.as_bytes());
        }
        Happening::GaveUp { attempts } => {
            packed.push(kind::GAVE_UP);
            put_number(packed, u64::from(*attempts));
        }
    }
}

fn put_attempt(packed: &mut Vec<u8>, attempt: &DeliveryAttempt) {
    match &attempt.outcome {
        DeliveryOutcome::Status(status) => {
            packed.push(kind::STATUS);
            put_number(packed, u64::from(*status));
        }
        DeliveryOutcome::Failed(failure) => {
            packed.push(kind::FAILED);
            put_number(packed, failure_code(*failure));
        }
        DeliveryOutcome::Acked { reader } => {
            packed.push(kind::ACKED);
            put_bytes(packed, reader.as_bytes());
        }
        DeliveryOutcome::Nacked { reader } => {
            packed.push(kind::NACKED);
            put_bytes(packed, reader.as_bytes());
        }
        DeliveryOutcome::Lapsed { reader } => {
            packed.push(kind::LAPSED);
            put_bytes(packed, reader.as_bytes());
        }
    }
    put_number(packed, u64::from(attempt.number));
    put_number(packed, attempt.duration_us);
    put_number(packed, attempt.answer.total_bytes);
    put_bytes(packed, &attempt.answer.bytes);
}

/// The number of a reason on disk; 0 is one that this version does not know.
fn failure_code(failure: AttemptFailure) -> u64 {
    match failure {
        AttemptFailure::Other => 0,
        AttemptFailure::NoAddress => 1,
        AttemptFailure::Forbidden => 2,
        AttemptFailure::Refused => 3,
        AttemptFailure::Unreachable => 4,
        AttemptFailure::Tls => 5,
        AttemptFailure::Timeout => 6,
        AttemptFailure::Closed => 7,
        AttemptFailure::Malformed => 8,
    }
}

fn put_number(packed: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        packed.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    packed.push(number as u8);
}

fn put_signed(packed: &mut Vec<u8>, number: i64) {
    put_number(packed, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

fn put_bytes(packed: &mut Vec<u8>, bytes: &[u8]) {
    put_number(packed, bytes.len() as u64);
    packed.extend_from_slice(bytes);
}

/// The steps of a row whose first event is `first`, as far as they can be read.
pub(crate) fn decode(first: Seq, packed: &[u8]) -> Vec<JourneyStep> {
    let Some((&VERSION, rest)) = packed.split_first() else {
        return Vec::new();
    };
    let mut reader = Unpack(rest);
    let (mut seq, mut at_ms) = (first.0, 0_i64);
    let mut steps = Vec::new();
    while let Some(step) = reader.step(seq, at_ms) {
        (seq, at_ms) = (step.seq.0, step.at_ms);
        steps.push(step);
    }
    steps
}

/// What is left of a row.
struct Unpack<'a>(&'a [u8]);

impl<'a> Unpack<'a> {
    fn step(&mut self, seq: i64, at_ms: i64) -> Option<JourneyStep> {
        Some(JourneyStep {
            seq: Seq(seq.wrapping_add(self.number()?.cast_signed())),
            at_ms: at_ms.wrapping_add(self.signed()?),
            what: self.happening()?,
        })
    }

    fn happening(&mut self) -> Option<Happening> {
        let outcome = match self.byte()? {
            kind::STATUS => DeliveryOutcome::Status(u16::try_from(self.number()?).ok()?),
            kind::FAILED => DeliveryOutcome::Failed(self.failure()?),
            kind::ACKED => DeliveryOutcome::Acked {
                reader: self.text()?,
            },
            kind::NACKED => DeliveryOutcome::Nacked {
                reader: self.text()?,
            },
            kind::LAPSED => DeliveryOutcome::Lapsed {
                reader: self.text()?,
            },
            kind::ACKNOWLEDGED => {
                let after_us = self.number()?;
                return Some(Happening::Acknowledged { after_us });
            }
            kind::REPLY_SENT => return Some(Happening::ReplySent),
            kind::REPLY_FAILED => {
                let detail = self.text()?;
                return Some(Happening::ReplyFailed { detail });
            }
            kind::CARD_ANSWERED => {
                let after_us = self.number()?;
                return Some(Happening::CardAnswered { after_us });
            }
            kind::CARD_DEFAULTED => {
                let detail = self.text()?;
                return Some(Happening::CardDefaulted { detail });
            }
            kind::GAVE_UP => {
                let attempts = u32::try_from(self.number()?).ok()?;
                return Some(Happening::GaveUp { attempts });
            }
            _ => return None,
        };
        Some(Happening::Attempt(DeliveryAttempt {
            outcome,
            number: u32::try_from(self.number()?).ok()?,
            duration_us: self.number()?,
            answer: self.answer()?,
        }))
    }

    fn failure(&mut self) -> Option<AttemptFailure> {
        let code = self.number()?;
        let mut all = AttemptFailure::ALL.into_iter();
        let known = all.find(|failure| failure_code(*failure) == code);
        Some(known.unwrap_or(AttemptFailure::Other))
    }

    fn answer(&mut self) -> Option<KeptAnswer> {
        Some(KeptAnswer {
            total_bytes: self.number()?,
            bytes: Bytes::copy_from_slice(self.bytes()?),
        })
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for place in 0..10 {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if place == 9 && bits > 1 {
                return None;
            }
            number |= bits << (7 * place);
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }
}
