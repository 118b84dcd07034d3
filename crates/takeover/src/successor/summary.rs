//! What came of a takeover.

use std::time::Duration;

use crate::message::BotId;

/// What came of a takeover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Bots that were connected by the predecessor and are connected here.
    pub moved: usize,
    /// Bots that were connected by the predecessor and are not connected here yet.
    pub left: Vec<BotId>,
    /// How long each bot of a platform that displaces had no connection, in milliseconds.
    pub gaps_ms: Vec<u64>,
    /// How long it took.
    pub took: Duration,
}

impl Summary {
    /// The gap that half of the bots stayed below, in milliseconds; 0 without any.
    #[must_use]
    pub fn gap_p50_ms(&self) -> u64 {
        let mut gaps = self.gaps_ms.clone();
        gaps.sort_unstable();
        gaps.get(gaps.len() / 2).copied().unwrap_or(0)
    }

    /// The longest gap, in milliseconds; 0 without any.
    #[must_use]
    pub fn gap_max_ms(&self) -> u64 {
        self.gaps_ms.iter().copied().max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_summed_up() {
        let mut summary = Summary {
            moved: 3,
            left: Vec::new(),
            gaps_ms: vec![9, 0, 2],
            took: Duration::ZERO,
        };
        assert_eq!((summary.gap_p50_ms(), summary.gap_max_ms()), (2, 9));
        summary.gaps_ms.clear();
        assert_eq!((summary.gap_p50_ms(), summary.gap_max_ms()), (0, 0));
    }
}
