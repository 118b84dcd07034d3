//! The table of crates in ARCHITECTURE.md.

use std::collections::BTreeSet;

use crate::{read, root};

/// One crate as the table has it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// The crates of ours that its library or binary uses.
    pub(crate) uses: BTreeSet<String>,
    /// Those that its tests and benchmarks use besides.
    pub(crate) tests_use: BTreeSet<String>,
    /// What it never does.
    pub(crate) never: String,
}

impl Row {
    /// Whether it promises to do no I/O, to read no clock and not to log.
    pub(crate) fn is_pure(&self) -> bool {
        self.never.starts_with("I/O, clock, log")
    }
}

/// The rows in their order.
pub(crate) fn crates() -> Vec<Row> {
    let text = read(&root().join("crates/ARCHITECTURE.md"));
    let table = text
        .lines()
        .skip_while(|line| *line != "| crate | uses | owns | never |")
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let rows: Vec<Row> = table.map(row).collect();
    assert!(!rows.is_empty(), "ARCHITECTURE.md has no table of crates");
    rows
}

fn row(line: &str) -> Row {
    let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [name, uses, _owns, never] = cells[..] else {
        panic!("four cells, please: {line}")
    };
    let (uses, tests_use) = uses.split_once("tests:").unwrap_or((uses, ""));
    Row {
        name: quoted(name).pop_first().expect("a crate has a name"),
        uses: quoted(uses),
        tests_use: quoted(tests_use),
        never: never.to_owned(),
    }
}

/// What stands between backticks.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}
