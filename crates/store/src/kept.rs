//! What is left of an event's payload.

/// What is left of an event's payload. Its identity, type and times stay in each case, and so its repeats are recognized.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub enum Kept {
    /// All of it.
    #[default]
    Whole,
    /// Its hash, by the [policy](crate::PayloadPolicy) of its installation.
    Hashed {
        /// The SHA-256 of the payload.
        sha256: [u8; 32],
        /// How many bytes the payload had.
        size_bytes: u64,
    },
    /// Nothing, at the request of a person whom it named.
    Erased {
        /// When it was erased, in milliseconds since 1970.
        at_ms: i64,
    },
    /// Nothing, because it was kept as long as it had to be. Only the keys that its repeats are known by are there.
    Expired,
}

/// The codes in the column `kept`. A code is never used again for something else.
const HASHED: i16 = 1;
const ERASED: i16 = 2;
const EXPIRED: i16 = 3;

impl Kept {
    /// The values of the columns `kept` and `payload`, of an event whose payload is replaced.
    pub(crate) fn to_columns(self) -> Option<(i16, Vec<u8>)> {
        Some(match self {
            Self::Whole => return None,
            Self::Hashed { sha256, size_bytes } => {
                let mut bytes = sha256.to_vec();
                bytes.extend_from_slice(&size_bytes.to_le_bytes());
                (HASHED, bytes)
            }
            Self::Erased { at_ms } => (ERASED, at_ms.to_le_bytes().to_vec()),
            Self::Expired => (EXPIRED, Vec::new()),
        })
    }

    /// What a row says; `None` if it is not one that this version writes.
    pub(crate) fn of_columns(kept: Option<i16>, payload: &[u8]) -> Option<Self> {
        Some(match kept {
            None => Self::Whole,
            Some(HASHED) => {
                let (sha256, size) = payload.split_first_chunk::<32>()?;
                let size = u64::from_le_bytes(size.try_into().ok()?);
                Self::Hashed {
                    sha256: *sha256,
                    size_bytes: size,
                }
            }
            Some(ERASED) => Self::Erased {
                at_ms: i64::from_le_bytes(payload.try_into().ok()?),
            },
            Some(EXPIRED) => Self::Expired,
            Some(_) => return None,
        })
    }

    /// Whether the payload is the platform's.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self == Self::Whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let hashed = Kept::Hashed {
            sha256: [7; 32],
            size_bytes: 1 << 40,
        };
        for kept in [hashed, Kept::Erased { at_ms: -5 }, Kept::Expired] {
            let (code, bytes) = kept.to_columns().expect("columns");
            assert_eq!(Kept::of_columns(Some(code), &bytes), Some(kept));
        }
        assert_eq!(Kept::Whole.to_columns(), None);
        assert_eq!(Kept::of_columns(None, b"{}"), Some(Kept::Whole));
    }

    #[test]
    fn foreign_rows_are_not_taken_for_payloads() {
        for (code, bytes) in [(HASHED, &b"short"[..]), (ERASED, b"1"), (9, b"")] {
            assert_eq!(Kept::of_columns(Some(code), bytes), None);
        }
    }
}
