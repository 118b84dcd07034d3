//! What became of the events of one platform.
//!
//! Feishu repeats what was not acknowledged, so nothing of it may be lost. WeCom's promise ends with its connection:
//! what was not read when one broke is gone, and only what was read must be recorded.

use std::collections::HashSet;

use longwire_installation::InstallationId;
use longwire_store::Reader;

use super::platform::DemoPlatform;
use super::shown::ShownGateway;
use crate::cli::Played;
use crate::error::BenchError;
use crate::stand::{PlatformCounts, RecordedIds};

/// Of one platform.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) played: Played,
    pub(super) ledger: PlatformCounts,
    /// Rows of the store.
    pub(super) recorded: u64,
    /// Gone with a connection of a platform that repeats nothing: not written to it, or not read from it.
    pub(super) gone: u64,
    /// Acknowledged, or read where there is no ACK, and not in the store. The one number that must never be anything
    /// but 0.
    pub(super) missing: u64,
    /// Rows beyond the first with one event id.
    pub(super) twice: u64,
}

/// What the gateway counted of a platform's bots.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    read: u64,
    repeats: u64,
}

impl Account {
    /// Compares, after the gateway has drained. Reads the whole log.
    pub(super) fn reach(
        platform: &DemoPlatform,
        reader: &Reader,
        gateway: &impl ShownGateway,
    ) -> Result<Self, BenchError> {
        let names: HashSet<&str> = platform.bots.iter().map(String::as_str).collect();
        let ids: HashSet<InstallationId> = reader
            .installations()?
            .into_iter()
            .filter(|record| names.contains(record.name.as_str()))
            .map(|record| record.id)
            .collect();
        let recorded = RecordedIds::read_of(reader, |of| ids.contains(&of))?;
        let counted = Counted {
            read: platform.read(gateway),
            repeats: platform.repeats(gateway),
        };
        Ok(Self::of(
            platform.played,
            platform.ledger(),
            &platform.owed(),
            &recorded,
            counted,
        ))
    }

    fn of(
        played: Played,
        ledger: PlatformCounts,
        owed: &[String],
        recorded: &RecordedIds,
        counted: Counted,
    ) -> Self {
        let absent = recorded.missing(owed);
        let (gone, missing) = match played {
            Played::Feishu => (0, absent),
            Played::Wecom => {
                // Written to a connection that broke before we had read it.
                let unread = ledger.delivered.saturating_sub(counted.read);
                let kept = recorded.rows() + counted.repeats;
                let dropped = counted.read.saturating_sub(kept);
                (
                    ledger.lost + unread,
                    absent.saturating_sub(unread).max(dropped),
                )
            }
        };
        Self {
            played,
            recorded: recorded.rows(),
            gone,
            missing,
            twice: recorded.twice(),
            ledger,
        }
    }

    /// Events that the platform gave up although it repeats; must be 0.
    pub(super) fn lost(&self) -> u64 {
        match self.played {
            Played::Feishu => self.ledger.lost,
            Played::Wecom => 0,
        }
    }

    /// The platform's promise is kept: nothing missing, nothing twice, nothing given up or left without a verdict.
    pub(super) fn is_good(&self) -> bool {
        [self.missing, self.twice, self.lost(), self.ledger.pending] == [0; 4]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wecom(delivered: &[&str], lost: u64, read: u64, recorded: &[&str]) -> Account {
        let ledger = PlatformCounts {
            pushed: delivered.len() as u64 + lost,
            delivered: delivered.len() as u64,
            lost,
            ..PlatformCounts::default()
        };
        let delivered: Vec<String> = delivered.iter().map(|id| (*id).to_owned()).collect();
        let counted = Counted { read, repeats: 0 };
        let recorded = RecordedIds::of(recorded);
        Account::of(Played::Wecom, ledger, &delivered, &recorded, counted)
    }

    fn feishu(ledger: PlatformCounts, acked: &[&str], recorded: &[&str]) -> Account {
        let acked: Vec<String> = acked.iter().map(|id| (*id).to_owned()).collect();
        let recorded = RecordedIds::of(recorded);
        Account::of(
            Played::Feishu,
            ledger,
            &acked,
            &recorded,
            Counted::default(),
        )
    }

    #[test]
    fn what_goes_with_a_wecom_connection_is_told_and_no_fault_of_ours() {
        let account = wecom(&["a", "b", "c"], 2, 2, &["a", "b"]);
        assert_eq!((account.gone, account.missing), (3, 0));
        assert!(account.is_good(), "{account:?}");
    }

    #[test]
    fn what_was_read_of_wecom_must_be_there_once() {
        let dropped = wecom(&["a", "b", "c"], 0, 3, &["a", "b"]);
        assert_eq!((dropped.missing, dropped.is_good()), (1, false));
        let another = wecom(&["a", "b"], 0, 2, &["a", "x"]);
        assert_eq!((another.missing, another.is_good()), (1, false));
        let twice = wecom(&["a", "b"], 0, 2, &["a", "a", "b"]);
        assert_eq!((twice.twice, twice.is_good()), (1, false));
    }

    #[test]
    fn nothing_of_feishu_may_be_lost_or_without_a_verdict() {
        assert!(feishu(PlatformCounts::default(), &["a"], &["a"]).is_good());
        assert!(!feishu(PlatformCounts::default(), &["a"], &["b"]).is_good());
        for (lost, pending) in [(1, 0), (0, 1)] {
            let ledger = PlatformCounts {
                lost,
                pending,
                ..PlatformCounts::default()
            };
            assert!(!feishu(ledger, &[], &[]).is_good());
        }
    }
}
