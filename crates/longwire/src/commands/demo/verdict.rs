//! The verdict: the platform's ledger held against the store.

use longwire_fleet::{Drained, Overview};
use longwire_sim::Ledger;
use longwire_store::Reader;

use crate::exit::Failure;
use crate::stand::Recorded;
use crate::terminal::{Ink, Palette, grouped, ms};

/// What became of every event.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pushed: u64,
    acked: u64,
    /// Rows of the store.
    recorded: u64,
    /// Acknowledged, and not in the store. The one number that must never be anything but 0.
    missing: u64,
    /// Rows beyond the first with one event id.
    twice: u64,
    /// Given up by the platform.
    lost: u64,
    /// Without a verdict when the time was over.
    pending: u64,
    re_pushed: u64,
    repeats: u64,
    reconnects: u64,
    silent: u64,
    unanswered: u64,
    ack_p50_us: u64,
    ack_p99_us: u64,
}

impl Verdict {
    /// Compares. Reads the whole log.
    pub(super) fn reach(
        ledger: &Ledger,
        acked: &[String],
        reader: &Reader,
        overview: &Overview,
        drained: &Drained,
    ) -> Result<Self, Failure> {
        let recorded = Recorded::read(reader)?;
        Ok(Self {
            pushed: ledger.pushed,
            acked: ledger.acked,
            recorded: recorded.rows(),
            missing: recorded.missing(acked),
            twice: recorded.twice(),
            lost: ledger.lost,
            pending: ledger.pending,
            re_pushed: ledger.re_pushed,
            repeats: overview.events.repeats_by_event_id + overview.events.repeats_by_message,
            reconnects: overview.connections.reconnects,
            silent: overview.connections.silent,
            unanswered: drained.unanswered,
            ack_p50_us: ledger.ack_latency.p50_us,
            ack_p99_us: ledger.ack_latency.p99_us,
        })
    }

    /// Nothing acknowledged is missing, nothing is there twice, nothing was given up or left without a verdict.
    pub(super) fn is_good(&self) -> bool {
        self.missing == 0 && self.twice == 0 && self.lost == 0 && self.pending == 0
    }

    /// The verdict in words.
    pub(super) fn tell(&self, palette: Palette) -> String {
        let wanted_none = |count: u64| {
            palette.paint(
                if count == 0 { Ink::Green } else { Ink::Red },
                grouped(count),
            )
        };
        let row = |key: &str, value: String, note: &str| {
            format!(
                "  {key:<14}{value:>10}   {}\n",
                palette.paint(Ink::Dim, note)
            )
        };
        let mut text = format!("\n{}\n", palette.paint(Ink::Bold, "verdict"));
        text += &row(
            "pushed",
            grouped(self.pushed),
            "events the platform had for the bots",
        );
        text += &row(
            "acknowledged",
            grouped(self.acked),
            "answered with 200, each after its commit",
        );
        text += &row("recorded", grouped(self.recorded), "events in the store");
        text += &row(
            "pushed again",
            grouped(self.re_pushed),
            &format!(
                "after a link died; {} of them recognized as repeats",
                self.repeats
            ),
        );
        text += &row(
            "links",
            grouped(self.reconnects),
            &format!("replaced, {} of them found half-open", self.silent),
        );
        text += &row(
            "ack",
            ms(self.ack_p50_us),
            &format!("p50 as the platform saw it, p99 {}", ms(self.ack_p99_us)),
        );
        // Aligned by hand: colours have no width.
        for (key, count, note) in [
            ("lost", self.lost, "given up by the platform"),
            ("missing", self.missing, "acknowledged, but not recorded"),
            ("twice", self.twice, "recorded more than once"),
        ] {
            let pad = 10_usize.saturating_sub(grouped(count).len());
            text += &format!(
                "  {key:<14}{:pad$}{}   {}\n",
                "",
                wanted_none(count),
                palette.paint(Ink::Dim, note)
            );
        }
        if self.pending > 0 {
            text += &format!(
                "  {} events had no verdict when the time was over\n",
                self.pending
            );
        }
        if self.unanswered > 0 {
            text += &format!(
                "  {} events were read and not answered; a platform repeats them\n",
                self.unanswered
            );
        }
        text += &match self.is_good() {
            true => palette.paint(Ink::Green, "\nnothing lost, nothing twice"),
            false => palette.paint(
                Ink::Red,
                "\nthis must not happen: please report it with the lines above",
            ),
        };
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_not_good() {
        assert!(
            Verdict {
                pushed: 3,
                acked: 3,
                recorded: 3,
                ..Verdict::default()
            }
            .is_good()
        );
        for wrong in [
            Verdict {
                missing: 1,
                ..Verdict::default()
            },
            Verdict {
                twice: 1,
                ..Verdict::default()
            },
            Verdict {
                lost: 1,
                ..Verdict::default()
            },
            Verdict {
                pending: 1,
                ..Verdict::default()
            },
        ] {
            assert!(!wrong.is_good(), "{wrong:?}");
        }
    }
}
