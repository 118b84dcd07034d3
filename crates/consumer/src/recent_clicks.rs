//! Tells of a click on a card that looks like a repeat of one just before it.
//!
//! A user who taps twice, or a platform that pushes one click under two ids, makes two events. Both are delivered, because a
//! second click may be meant; the later one names the earlier one (`possibleduplicateof`).

use std::collections::VecDeque;

use longwire_installation::InstallationId;
use longwire_wire::event::Seq;
use longwire_wire::view::ClickIdentity;

/// Equal clicks that were received no further apart may be one. Two taps of an impatient finger are closer, and who means a
/// second click has seen the answer to the first.
const APART_MS: u64 = 1_000;

/// Most clicks that are remembered: those of a second in which a thousand people click. Of more the oldest are forgotten.
const MAX_CLICKS: usize = 1_024;

/// The latest clicks of all bots. It is fed in the order of the log by one reader, and begins empty after a restart, so a
/// repeat right after one may have no label.
#[derive(Clone, Debug, Default)]
pub struct RecentClicks(VecDeque<Click>);

#[derive(Clone, Copy, Debug)]
struct Click {
    installation: InstallationId,
    identity: ClickIdentity,
    seq: Seq,
    received_ms: i64,
}

impl RecentClicks {
    /// Takes in a click, with its [identity](longwire_wire::view::click_identity) and when it was received, in milliseconds
    /// since 1970. Returns the latest equal one before it, of the same bot and at most a second away, also if the clock was
    /// set back between the two.
    ///
    /// A click that is read again, as after a seek, is compared with those before it alone.
    pub fn see(
        &mut self,
        installation: InstallationId,
        identity: ClickIdentity,
        seq: Seq,
        received_ms: i64,
    ) -> Option<Seq> {
        let newest = self.0.back().map(|newest| newest.seq);
        let earlier = self.0.iter().rev().find(|click| {
            click.seq < seq
                && click.installation == installation
                && click.identity == identity
                && click.received_ms.abs_diff(received_ms) <= APART_MS
        });
        let earlier = earlier.map(|click| click.seq);
        if newest.is_none_or(|newest| newest < seq) {
            if self.0.len() >= MAX_CLICKS {
                self.0.pop_front();
            }
            self.0.push_back(Click {
                installation,
                identity,
                seq,
                received_ms,
            });
        }
        earlier
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn see(clicks: &mut RecentClicks, bot: i64, what: u8, seq: i64, at_ms: i64) -> Option<i64> {
        let identity = ClickIdentity([what; 16]);
        let earlier = clicks.see(InstallationId(bot), identity, Seq(seq), at_ms);
        earlier.map(|seq| seq.0)
    }

    #[test]
    fn a_second_click_within_a_second_names_the_first() {
        let mut clicks = RecentClicks::default();
        for (bot, what, seq, at_ms, earlier) in [
            (1, 7, 10, 5_000, None),
            (1, 7, 12, 6_000, Some(10)),
            // A second after the second, two after the first.
            (1, 7, 13, 7_000, Some(12)),
            (1, 7, 14, 8_001, None),
            // Another bot, another click; and a clock that was set back.
            (2, 7, 15, 8_001, None),
            (1, 8, 16, 8_001, None),
            (1, 7, 17, 7_500, Some(14)),
            // Read again.
            (1, 7, 12, 6_000, Some(10)),
            (1, 7, 10, 5_000, None),
            (1, 7, 18, 7_500, Some(17)),
        ] {
            assert_eq!(see(&mut clicks, bot, what, seq, at_ms), earlier, "{seq}");
        }
    }

    proptest! {
        // A case is up to two thousand clicks.
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Compared with a search of all that came before; memory is bounded.
        #[test]
        fn the_latest_equal_click_is_named(
            came in prop::collection::vec((0..3_i64, 0..4_u8, 1..3_i64, -300..900_i64), 1..2_000),
        ) {
            let mut clicks = RecentClicks::default();
            let (mut all, mut seq, mut at_ms) = (Vec::new(), 0, 0);
            for (bot, what, further, later_ms) in came {
                seq += further;
                at_ms += later_ms;
                let remembered = &all[all.len().saturating_sub(MAX_CLICKS)..];
                let expected = remembered.iter().rev().find(|(of, same, _, then_ms): &&(i64, u8, i64, i64)| {
                    (*of, *same) == (bot, what) && then_ms.abs_diff(at_ms) <= APART_MS
                });
                let expected = expected.map(|(_, _, seq, _)| *seq);
                prop_assert_eq!(see(&mut clicks, bot, what, seq, at_ms), expected);
                all.push((bot, what, seq, at_ms));
                prop_assert!(clicks.0.len() <= MAX_CLICKS);
            }
        }
    }
}
