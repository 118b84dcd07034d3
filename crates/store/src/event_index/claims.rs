//! When the events of a run say that they happened: what tells which runs a repeat can be in.
//!
//! Only times that the platform gave are compared with each other. This host's clock is not used, because it may have been
//! wrong by years while a run was written, or be wrong now.

/// The width of one entry. A repeat that says when it was *sent* says so at most 7.1 hours after its first push, so the
/// two of them lie in the same half-day or in neighbouring ones.
pub(super) const PERIOD_MS: i64 = 12 * 60 * 60 * 1_000;

/// Half-days that are kept for a run. A month's worth, and the nonsense of some platforms beside it: of a run that has
/// more it is no longer known, and it is asked for every key.
const MOST: usize = 64;

/// The half-days in which events say that they happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Claims {
    /// These, counted from 1970, rising.
    Known(Vec<i64>),
    /// Too many of them, or nobody wrote them down.
    Any,
}

impl Default for Claims {
    /// Of no events.
    fn default() -> Self {
        Self::Known(Vec::new())
    }
}

impl Claims {
    /// Takes in what one event says, in milliseconds since 1970. One that says nothing adds nothing: its repeats say
    /// nothing either, and are looked for everywhere.
    pub(super) fn add(&mut self, claimed_ms: Option<i64>) {
        let (Self::Known(periods), Some(claimed_ms)) = (&mut *self, claimed_ms) else {
            return;
        };
        let period = claimed_ms.div_euclid(PERIOD_MS);
        // Nearly always the last one or the one before it.
        let at = periods.partition_point(|&known| known < period);
        if periods.get(at) == Some(&period) {
            return;
        }
        if periods.len() == MOST {
            *self = Self::Any;
        } else {
            periods.insert(at, period);
        }
    }

    /// Whether an event that says this may be the repeat of one of these; always, if it says nothing.
    pub(super) fn may_hold(&self, claimed_ms: Option<i64>) -> bool {
        let (Self::Known(periods), Some(claimed_ms)) = (self, claimed_ms) else {
            return true;
        };
        let period = claimed_ms.div_euclid(PERIOD_MS);
        let at = periods.partition_point(|&known| known < period - 1);
        periods.get(at).is_some_and(|&known| known <= period + 1)
    }

    /// As they are kept; `None` is any.
    pub(crate) fn to_bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Known(periods) => Some(periods.iter().flat_map(|p| p.to_le_bytes()).collect()),
            Self::Any => None,
        }
    }

    /// `None` if these are not the bytes of any.
    pub(crate) fn from_bytes(bytes: Option<&[u8]>) -> Option<Self> {
        let Some(bytes) = bytes else {
            return Some(Self::Any);
        };
        let (periods, odd) = bytes.as_chunks::<8>();
        let periods: Vec<i64> = periods.iter().copied().map(i64::from_le_bytes).collect();
        (odd.is_empty() && periods.is_sorted()).then_some(Self::Known(periods))
    }
}
