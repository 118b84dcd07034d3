//! The verdict: the platforms' ledgers held against the store.

use longwire_store::Reader;
use longwire_terminal::{Ink, Palette, grouped, ms};

use super::account::Account;
use super::application::{DemoApplication, DemoDeliveries, KEY};
use super::platform::DemoPlatform;
use super::shown::ShownGateway;
use super::stage::DemoStage;
use crate::cli::Played;
use crate::error::BenchError;
use crate::outcome::RunOutcome;

/// Width of a platform's column.
const COLUMN: usize = 11;

/// What became of every event.
#[derive(Debug, Default)]
pub struct DemoVerdict {
    accounts: Vec<Account>,
    repeats: u64,
    reconnects: u64,
    silent: u64,
    unanswered: u64,
    deliveries: DemoDeliveries,
}

/// A row of the table: a number of each platform, `None` where it has none.
struct VerdictRow {
    key: &'static str,
    of: fn(&Account) -> Option<u64>,
    note: &'static str,
    /// Anything but 0 is wrong.
    is_wrong: bool,
}

const ROWS: [VerdictRow; 9] = [
    VerdictRow {
        key: "pushed",
        of: |account| Some(account.ledger.pushed),
        note: "events the platform had for its bots",
        is_wrong: false,
    },
    VerdictRow {
        key: "acknowledged",
        of: |account| (account.played == Played::Feishu).then_some(account.ledger.acked),
        note: "answered with 200, each after its commit",
        is_wrong: false,
    },
    VerdictRow {
        key: "delivered",
        of: |account| (account.played == Played::Wecom).then_some(account.ledger.delivered),
        note: "written to a connection; nobody is asked for an ACK",
        is_wrong: false,
    },
    VerdictRow {
        key: "recorded",
        of: |account| Some(account.recorded),
        note: "events in the store",
        is_wrong: false,
    },
    VerdictRow {
        key: "pushed again",
        of: |account| (account.played == Played::Feishu).then_some(account.ledger.re_pushed),
        note: "after a link died",
        is_wrong: false,
    },
    VerdictRow {
        key: "gone",
        of: |account| (account.played == Played::Wecom).then_some(account.gone),
        note: "lost with their connection before they were read; WeCom repeats nothing",
        is_wrong: false,
    },
    VerdictRow {
        key: "lost",
        of: |account| (account.played == Played::Feishu).then(|| account.lost()),
        note: "given up by a platform that repeats",
        is_wrong: true,
    },
    VerdictRow {
        key: "missing",
        of: |account| Some(account.missing),
        note: "acknowledged or read, but not recorded",
        is_wrong: true,
    },
    VerdictRow {
        key: "twice",
        of: |account| Some(account.twice),
        note: "recorded more than once",
        is_wrong: true,
    },
];

impl DemoVerdict {
    /// Compares, after the gateway has drained and left so many events unanswered. Reads the whole log.
    ///
    /// # Errors
    /// When the log cannot be read, or the application does not answer.
    pub async fn reach(
        stage: &DemoStage,
        reader: &Reader,
        gateway: &impl ShownGateway,
        application: &DemoApplication,
        unanswered: u64,
    ) -> Result<Self, BenchError> {
        let accounts: Result<Vec<Account>, BenchError> = stage
            .platforms
            .iter()
            .map(|platform| Account::reach(platform, reader, gateway))
            .collect();
        let overview = gateway.overview();
        let said = stage.platforms.iter().map(DemoPlatform::said).sum();
        Ok(Self {
            deliveries: application.deliveries(reader, said).await?,
            accounts: accounts?,
            repeats: overview.repeats,
            reconnects: overview.reconnects,
            silent: overview.silent,
            unanswered,
        })
    }

    /// Each platform's promise is kept, and the application has all that is recorded.
    fn is_good(&self) -> bool {
        self.accounts.iter().all(Account::is_good) && self.deliveries.is_good()
    }

    /// How the demo ends.
    pub fn outcome(&self) -> RunOutcome {
        if self.is_good() {
            RunOutcome::Passed
        } else {
            RunOutcome::Failed
        }
    }

    /// The verdict in words.
    pub fn tell(&self, palette: Palette) -> String {
        let dim = |note: &str| palette.paint(Ink::Dim, note);
        let mut text = format!(
            "\n{}",
            palette.paint(Ink::Bold, format!("{:<width$}", "verdict", width = KEY + 2))
        );
        for account in &self.accounts {
            text += &format!("{:>COLUMN$}", account.played.word());
        }
        text.push('\n');
        for row in &ROWS {
            text += &self.row(row, palette);
        }
        let acks = |account: &&Account| account.played == Played::Feishu;
        if let Some(account) = self.accounts.iter().find(acks) {
            let latency = &account.ledger.ack_latency;
            text += &format!(
                "  {:<KEY$}p50 {}, p99 {}   {}\n",
                "ack",
                ms(latency.p50_us),
                ms(latency.p99_us),
                dim("from push to ACK, as Feishu saw it"),
            );
        }
        text += &format!(
            "  {:<KEY$}{} replaced, {} of them found half-open; {} repeats recognized\n",
            "links",
            grouped(self.reconnects),
            self.silent,
            self.repeats,
        );
        text += &self.deliveries.tell(palette);
        let pending: u64 = self.accounts.iter().map(|of| of.ledger.pending).sum();
        if pending > 0 {
            text += &format!("  {pending} events had no verdict when the time was over\n");
        }
        if self.unanswered > 0 {
            text += &format!(
                "  {} events were read and not answered; Feishu repeats them\n",
                self.unanswered
            );
        }
        text.push('\n');
        text + &self.sentence(palette)
    }

    /// Empty where no platform has such a number.
    fn row(&self, row: &VerdictRow, palette: Palette) -> String {
        let counts: Vec<Option<u64>> = self.accounts.iter().map(row.of).collect();
        if counts.iter().all(Option::is_none) {
            return String::new();
        }
        let mut text = format!("  {:<KEY$}", row.key);
        for count in counts {
            // Aligned before it is painted: colours have no width.
            let cell = format!("{:>COLUMN$}", count.map_or("–".to_owned(), grouped));
            text += &match count {
                Some(0) if row.is_wrong => palette.paint(Ink::Green, cell),
                Some(_) if row.is_wrong => palette.paint(Ink::Red, cell),
                Some(_) => cell,
                None => palette.paint(Ink::Dim, cell),
            };
        }
        text + &format!("   {}\n", palette.paint(Ink::Dim, row.note))
    }

    fn sentence(&self, palette: Palette) -> String {
        let gone: u64 = self.accounts.iter().map(|account| account.gone).sum();
        match (self.is_good(), gone) {
            (false, _) => palette.paint(
                Ink::Red,
                "this must not happen: please report it with the lines above",
            ),
            (true, 0) => palette.paint(Ink::Green, "nothing lost, nothing twice"),
            (true, _) => format!(
                "{}\n{} were lost with their connection; WeCom repeats nothing",
                palette.paint(
                    Ink::Green,
                    "nothing lost that was acknowledged or read, nothing twice"
                ),
                grouped(gone),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand::PlatformCounts;

    fn account(played: Played) -> Account {
        Account {
            played,
            ledger: PlatformCounts {
                pushed: 3,
                ..PlatformCounts::default()
            },
            recorded: 3,
            gone: 0,
            missing: 0,
            twice: 0,
        }
    }

    fn tell(accounts: Vec<Account>) -> (bool, String) {
        let verdict = DemoVerdict {
            accounts,
            ..DemoVerdict::default()
        };
        // A file is no terminal, so there are no colours.
        let plain = Palette::of(&tempfile::tempfile().expect("a temporary file"));
        (verdict.is_good(), verdict.tell(plain))
    }

    #[test]
    fn each_platform_has_its_own_words() {
        let (is_good, text) = tell(vec![account(Played::Feishu), account(Played::Wecom)]);
        assert!(
            is_good && text.ends_with("nothing lost, nothing twice"),
            "{text}"
        );
        for key in ["feishu", "wecom", "acknowledged", "delivered", "gone"] {
            assert!(text.contains(key), "{key} is not in\n{text}");
        }
        let (_, alone) = tell(vec![account(Played::Wecom)]);
        for key in [
            "feishu",
            "acknowledged  ",
            "pushed again",
            "from push to ACK",
        ] {
            assert!(!alone.contains(key), "{key} is in\n{alone}");
        }
    }

    #[test]
    fn what_went_with_a_connection_is_said_and_not_blamed() {
        let gone = Account {
            gone: 13,
            ..account(Played::Wecom)
        };
        let (is_good, text) = tell(vec![account(Played::Feishu), gone]);
        assert!(is_good, "{text}");
        assert!(
            text.contains(
                "nothing twice\n13 were lost with their connection; WeCom repeats nothing"
            ),
            "{text}"
        );
    }

    #[test]
    fn one_platform_that_is_wrong_makes_all_wrong() {
        let wrong = Account {
            missing: 1,
            ..account(Played::Wecom)
        };
        let (is_good, text) = tell(vec![account(Played::Feishu), wrong]);
        assert!(!is_good && text.contains("must not happen"), "{text}");
    }
}
