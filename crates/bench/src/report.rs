//! What a run found, as a table for people and as one JSON document for machines.

use longwire_terminal::{Ink, Palette, Table, grouped, write_data};
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) use super::host::HostFacts;
use crate::error::BenchError;
use crate::outcome::RunOutcome;
use crate::stand::RunVerdict;

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportRow {
    key: &'static str,
    value: String,
    note: String,
}

impl ReportRow {
    pub(crate) fn new(
        key: &'static str,
        value: impl Into<String>,
        note: impl Into<String>,
    ) -> Self {
        Self {
            key,
            value: value.into(),
            note: note.into(),
        }
    }
}

/// Figures that a report can show.
pub(crate) trait ReportFigures: Serialize {
    /// The lines of the table.
    fn rows(&self) -> Vec<ReportRow>;

    /// What needs more columns than a line has; stands above the lines.
    fn table(&self) -> Option<Table> {
        None
    }
}

/// The report of one run.
pub(crate) struct Report<F> {
    /// The command, as it is typed.
    pub(crate) command: &'static str,
    /// What was asked for, in words.
    pub(crate) asked: String,
    pub(crate) ground: HostFacts,
    pub(crate) figures: F,
    pub(crate) verdict: RunVerdict,
}

impl<F: ReportFigures> Report<F> {
    /// Writes it to standard output; the command ends as the verdict says.
    pub(crate) fn print(&self, as_json: bool) -> Result<RunOutcome, BenchError> {
        let text = if as_json {
            self.json().to_string()
        } else {
            self.text(Palette::of(&std::io::stdout()))
        };
        write_data(text).map_err(BenchError::io("write to standard output"))?;
        Ok(self.verdict.outcome())
    }

    fn json(&self) -> Value {
        json!({
            "command": self.command,
            "asked": self.asked,
            "host": self.ground,
            "figures": self.figures,
            "verdict": self.verdict,
            "good": self.verdict.is_good(),
        })
    }

    fn text(&self, palette: Palette) -> String {
        let mut text = format!(
            "{}  {}\n{}\n\n",
            palette.paint(Ink::Bold, format!("longwire {}", self.command)),
            self.asked,
            palette.paint(Ink::Dim, self.ground.tell()),
        );
        if let Some(table) = self.figures.table() {
            text += &format!("{table}\n");
        }
        let rows = self.figures.rows();
        let widest = rows.iter().map(|row| row.value.chars().count()).max();
        let width = widest.unwrap_or(0);
        for ReportRow { key, value, note } in rows {
            let line = format!(
                "{key:<14}{value:<width$}   {}",
                palette.paint(Ink::Dim, note)
            );
            text += line.trim_end();
            text.push('\n');
        }
        text + &tell_verdict(&self.verdict, palette)
    }
}

fn tell_verdict(verdict: &RunVerdict, palette: Palette) -> String {
    let owed = match (verdict.acked, verdict.delivered) {
        (acked, 0) => format!("{} acknowledged", grouped(acked)),
        (0, delivered) => format!("{} delivered", grouped(delivered)),
        (acked, delivered) => format!(
            "{} acknowledged, {} delivered",
            grouped(acked),
            grouped(delivered)
        ),
    };
    let facts = format!(
        "{} pushed, {owed}, {} recorded",
        grouped(verdict.pushed),
        grouped(verdict.recorded),
    );
    let counts = format!(
        "lost {}, missing {}, twice {}, without a verdict {}, never pushed {}",
        verdict.lost, verdict.missing, verdict.twice, verdict.pending, verdict.unknown,
    );
    let ink = if verdict.is_good() {
        Ink::Green
    } else {
        Ink::Red
    };
    let how = if verdict.compared_by_id < verdict.acked + verdict.delivered {
        let last = grouped(verdict.compared_by_id);
        format!("all compared by number, the last {last} by id")
    } else {
        "each compared by its id".to_owned()
    };
    format!(
        "{:<14}{facts}\n{:<14}{}   {}",
        "ledger",
        "verdict",
        palette.paint(ink, counts),
        palette.paint(Ink::Dim, how),
    )
}

/// Bytes in mebibytes.
pub(crate) fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Seconds, as precise as they are interesting.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds < 10.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else {
        format!("{seconds:.1} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct One {
        number: u64,
    }

    impl ReportFigures for One {
        fn rows(&self) -> Vec<ReportRow> {
            vec![ReportRow::new("number", self.number.to_string(), "a note")]
        }
    }

    fn report(lost: u64) -> Report<One> {
        Report {
            command: "bench one",
            asked: "1 bot".to_owned(),
            ground: HostFacts {
                version: "1.2.3",
                optimised: true,
                cores: 2,
                ..HostFacts::default()
            },
            figures: One { number: 7 },
            verdict: RunVerdict {
                pushed: 1_000,
                acked: 1_000,
                recorded: 1_000,
                lost,
                ..RunVerdict::default()
            },
        }
    }

    #[test]
    fn the_table_holds_figures_and_verdict() {
        // A file is no terminal, so there are no colours.
        let plain = Palette::of(&tempfile::tempfile().expect("a temporary file"));
        let text = report(0).text(plain);
        for part in [
            "longwire bench one  1 bot\n",
            "longwire 1.2.3, 2 cores",
            "number        7 ",
            "a note\n",
            "1 000 pushed, 1 000 acknowledged, 1 000 recorded",
            "lost 0, missing 0, twice 0",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
    }

    #[test]
    fn machines_get_the_same() {
        let json = report(1).json();
        assert_eq!(json["figures"]["number"], 7);
        assert_eq!(json["verdict"]["lost"], 1);
        assert_eq!(json["good"], false);
        assert_eq!(json["host"]["cores"], 2);
    }

    #[test]
    fn units() {
        assert_eq!(mib(3 << 19), "1.5 MiB");
        assert_eq!(
            [0.0334, 9.5, 30.04].map(seconds),
            ["33 ms", "9500 ms", "30.0 s"]
        );
    }
}
