//! Reads from the headers `sum` and `seq` which part of a push a frame carries.

use super::key;

/// The largest accepted number of fragments of one push. The platform cuts at 60 KiB, so this allows 60 MiB, far
/// more than any event has. The limit keeps a forged `sum` from making an assembler reserve much memory.
pub const MAX_PARTS: u16 = 1024;

/// The part of a push that a data frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The whole push.
    Whole,
    /// One of several fragments, `seq < sum`.
    Fragment {
        /// Number of fragments, 2 to [`MAX_PARTS`].
        sum: u16,
        /// Index of this one, from 0.
        seq: u16,
    },
}

/// A frame whose `sum` and `seq` name no possible fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// A header is not a decimal number.
    #[error("header {key} is not a number")]
    NotANumber {
        /// The header's key.
        key: &'static str,
    },
    /// `sum` is above 1 and `seq` is absent.
    #[error("header seq is absent from one of {sum} fragments")]
    NoSeq {
        /// Value of the header `sum`.
        sum: i64,
    },
    /// More than [`MAX_PARTS`] fragments.
    #[error("{sum} fragments are more than {MAX_PARTS}")]
    TooMany {
        /// Value of the header `sum`.
        sum: i64,
    },
    /// `seq` lies outside `0..sum`.
    #[error("fragment {seq} of {sum} does not exist")]
    OutOfRange {
        /// Value of the header `sum`.
        sum: i64,
        /// Value of the header `seq`.
        seq: i64,
    },
}

impl PartError {
    /// A stable label for counters.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotANumber { .. } => "part_not_a_number",
            Self::NoSeq { .. } => "part_no_seq",
            Self::TooMany { .. } => "part_too_many",
            Self::OutOfRange { .. } => "part_out_of_range",
        }
    }
}

impl Part {
    /// Reads the two headers. If `sum` is absent or at most 1, the push is whole and `seq` is ignored, as in the Go
    /// SDK. The platform's own whole frames have `sum` 1 and `seq` 0.
    pub(super) fn of(sum: Option<&str>, seq: Option<&str>) -> Result<Part, PartError> {
        let Some(sum) = sum else {
            return Ok(Part::Whole);
        };
        let sum = number(key::SUM, sum)?;
        if sum <= 1 {
            return Ok(Part::Whole);
        }
        let seq = seq.ok_or(PartError::NoSeq { sum })?;
        let seq = number(key::SEQ, seq)?;
        if sum > i64::from(MAX_PARTS) {
            return Err(PartError::TooMany { sum });
        }
        match (u16::try_from(sum), u16::try_from(seq)) {
            (Ok(sum), Ok(seq)) if seq < sum => Ok(Part::Fragment { sum, seq }),
            _ => Err(PartError::OutOfRange { sum, seq }),
        }
    }
}

fn number(key: &'static str, text: &str) -> Result<i64, PartError> {
    text.parse().map_err(|_| PartError::NotANumber { key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sum_and_seq() {
        let fragment = |sum, seq| Ok(Part::Fragment { sum, seq });
        let check = |sum, seq, expected: Result<Part, PartError>| {
            assert_eq!(Part::of(sum, seq), expected, "sum {sum:?}, seq {seq:?}");
        };
        check(None, None, Ok(Part::Whole));
        check(None, Some("4"), Ok(Part::Whole));
        check(Some("1"), Some("0"), Ok(Part::Whole));
        check(Some("0"), None, Ok(Part::Whole));
        check(Some("-3"), Some("x"), Ok(Part::Whole));
        check(Some("2"), Some("0"), fragment(2, 0));
        check(Some("2"), Some("1"), fragment(2, 1));
        check(Some("1024"), Some("1023"), fragment(1024, 1023));
        check(Some("2"), None, Err(PartError::NoSeq { sum: 2 }));
        check(
            Some("two"),
            Some("0"),
            Err(PartError::NotANumber { key: "sum" }),
        );
        check(
            Some(""),
            Some("0"),
            Err(PartError::NotANumber { key: "sum" }),
        );
        check(
            Some("2"),
            Some("0.5"),
            Err(PartError::NotANumber { key: "seq" }),
        );
        check(
            Some("3"),
            Some("3"),
            Err(PartError::OutOfRange { sum: 3, seq: 3 }),
        );
        check(
            Some("3"),
            Some("-1"),
            Err(PartError::OutOfRange { sum: 3, seq: -1 }),
        );
        check(
            Some("1025"),
            Some("0"),
            Err(PartError::TooMany { sum: 1025 }),
        );
        check(
            Some("99999999999999999999"),
            Some("0"),
            Err(PartError::NotANumber { key: "sum" }),
        );
    }
}
