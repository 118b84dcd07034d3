//! The table of the reference systems' behaviours is whole, and what it names exists.
//!
//! A last cell is a list with `;` between its places. A place is a crate, a file or a folder, and names of tests may follow it
//! behind a colon. A test is a function with an attribute that says so. Behind a page stand headings of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::pages::{quoted, tables};
use crate::{read, root};

/// The numbers of the behaviours.
const NUMBERS: RangeInclusive<u16> = 1..=250;

/// The defects of the reference systems, which S250 lists.
const DEFECTS: [u16; 30] = [
    10, 30, 42, 87, 103, 104, 106, 114, 115, 118, 124, 125, 127, 138, 148, 156, 157, 159, 160, 169,
    182, 188, 194, 195, 196, 202, 209, 213, 221, 237,
];

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Mark {
    /// longwire does the same.
    Kept,
    /// It does better, and a test cites the number.
    Corrected,
    /// A page answers.
    Docs,
}

#[derive(Debug)]
struct Row<'a> {
    number: u16,
    mark: Mark,
    place: &'a str,
    tests: &'a str,
}

impl<'a> Row<'a> {
    fn new(cells: &[&'a str]) -> Self {
        let [number, _behaviour, mark, place, tests] = *cells else {
            panic!("five cells, please: {cells:?}")
        };
        let digits = number.strip_prefix('S').map(str::parse);
        let Some(Ok(number)) = digits else {
            panic!("a number such as S42, please: {cells:?}")
        };
        let mark = match mark {
            "kept" => Mark::Kept,
            "corrected" => Mark::Corrected,
            "docs" => Mark::Docs,
            _ => panic!("kept, corrected or docs, please: {cells:?}"),
        };
        Self {
            number,
            mark,
            place,
            tests,
        }
    }

    /// What is wrong with its last cell.
    fn mistakes(&self, tests: &Tests) -> Vec<String> {
        let number = format!("S{}", self.number);
        let mut mistakes = Vec::new();
        let mut cites = false;
        for part in self.tests.split("; ") {
            let mut names = quoted(part);
            let Some(first) = names.next() else {
                mistakes.push(format!("{number} has neither a test nor a page: {part}"));
                continue;
            };
            let Some(place) = place(first) else {
                mistakes.push(format!("{number}: there is no {first}"));
                continue;
            };
            let is_page = first.ends_with(".md");
            if is_page != (self.mark == Mark::Docs) {
                mistakes.push(format!("{number}: a page is for docs only: {first}"));
                continue;
            }
            let names: Vec<&str> = names.collect();
            if names.is_empty() && (is_page || !first.contains(['/', '.'])) {
                mistakes.push(format!("{number}: what of {first}?"));
            }
            for name in names {
                let of_this_name = tests.get(name).into_iter().flatten();
                let there: Vec<&Test> = of_this_name
                    .filter(|test| test.file.starts_with(&place))
                    .collect();
                if there.is_empty() && !(is_page && has_heading(&place, name)) {
                    mistakes.push(format!("{number}: {first} has no {name}"));
                }
                cites |= there.iter().any(|test| test.cites(&number));
            }
        }
        if self.mark == Mark::Corrected && !cites {
            mistakes.push(format!("{number}: no test of its row cites it"));
        }
        mistakes
    }
}

/// A test of the workspace.
struct Test {
    file: PathBuf,
    /// The comment before it.
    documentation: String,
}

impl Test {
    fn cites(&self, number: &str) -> bool {
        let mut words = self.documentation.split(|c: char| !c.is_alphanumeric());
        words.any(|word| word == number)
    }
}

/// By their names: several may have the same one.
type Tests = BTreeMap<String, Vec<Test>>;

/// Adds the tests of all files below the folder.
fn gather(folder: &Path, tests: &mut Tests) {
    for entry in std::fs::read_dir(folder).expect("a folder of the workspace") {
        let path = entry.expect("an entry").path();
        let is_foreign = path.ends_with("target") || path.ends_with("node_modules");
        if path.is_dir() && !is_foreign {
            gather(&path, tests);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            for (name, documentation) in tests_of(&read(&path)) {
                let file = path.clone();
                tests.entry(name).or_default().push(Test {
                    file,
                    documentation,
                });
            }
        }
    }
}

/// The names of the tests of a file, each with the comment before it.
fn tests_of(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut documentation = String::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("///") {
            documentation.push_str(comment);
        } else if line.starts_with("#[") {
            is_test |= line.ends_with("test]") || line.contains("test(");
        } else {
            let head = line.strip_prefix("async ").unwrap_or(line);
            let name = head
                .strip_prefix("fn ")
                .and_then(|rest| rest.split('(').next());
            if let Some(name) = name.filter(|_| is_test) {
                found.push((name.to_owned(), std::mem::take(&mut documentation)));
            }
            documentation.clear();
            is_test = false;
        }
    }
    found
}

/// Where a path from the root, or the crate of this name, lies.
fn place(name: &str) -> Option<PathBuf> {
    let is_crate = !name.contains(['/', '.']);
    let path = if is_crate {
        root().join("crates").join(name)
    } else {
        root().join(name)
    };
    path.exists().then_some(path)
}

fn has_heading(page: &Path, heading: &str) -> bool {
    let text = read(page);
    let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    headings
        .map(|line| line.trim_start_matches('#').trim())
        .any(|found| found == heading)
}

fn with_rows(check: impl FnOnce(Vec<Row<'_>>)) {
    let page = read(&root().join("crates/REFERENCE_SYSTEMS.md"));
    let rows = tables(&page, "| S | behaviour | mark | where | test |");
    check(rows.iter().map(|cells| Row::new(cells)).collect());
}

#[test]
fn each_behaviour_has_one_row() {
    with_rows(|rows| {
        let numbers: Vec<u16> = rows.iter().map(|row| row.number).collect();
        assert_eq!(numbers, NUMBERS.collect::<Vec<_>>());
    });
}

#[test]
fn each_defect_is_marked_as_corrected() {
    with_rows(|rows| {
        let corrected = rows.iter().filter(|row| row.mark == Mark::Corrected);
        let corrected: BTreeSet<u16> = corrected.map(|row| row.number).collect();
        assert_eq!(corrected, BTreeSet::from(DEFECTS));
    });
}

#[test]
fn each_row_names_what_exists() {
    let mut tests = Tests::new();
    gather(&root().join("crates"), &mut tests);
    gather(&root().join("tests"), &mut tests);
    with_rows(|rows| {
        let mistakes: Vec<String> = rows.iter().flat_map(|row| row.mistakes(&tests)).collect();
        assert!(mistakes.is_empty(), "{mistakes:#?}");
    });
}

/// `every_path_on_a_page_exists` looks whether it is there.
#[test]
fn each_row_but_those_of_pages_has_a_place() {
    with_rows(|rows| {
        let rows = rows.iter().filter(|row| row.mark != Mark::Docs);
        let lost = rows.filter(|row| quoted(row.place).next().is_none());
        let lost: Vec<u16> = lost.map(|row| row.number).collect();
        assert!(lost.is_empty(), "no place: {lost:?}");
    });
}

#[test]
fn tests_are_told_from_other_functions() {
    let text = "/// S7: why.\n#[actix_rt::test]\n#[ignore = \"x\"]\nasync fn a() {}\nfn b() {}\n/// S8.\nfn c() {}\n\
                #[test]\nfn d() {}\n#[cfg(test)]\nmod tests {\n    #[tokio::test(start_paused = true)]\n    async fn e() {}\n}";
    let found = tests_of(text);
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "d", "e"]);
    assert_eq!([&found[0].1, &found[1].1], [" S7: why.", ""]);
}
