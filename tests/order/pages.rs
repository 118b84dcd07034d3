//! What the pages for readers name exists: each file, each test, each type.
//!
//! A path is taken from the root, from `crates/`, or as `crate/file.rs` for `crates/crate/src/file.rs`. A name in the last
//! column of the promises is a crate, a test function or a module. The table of messages has all messages of the actors, and
//! only types. Of a name with `::` each part is a word of the code.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use crate::modules::texts;
use crate::{read, root};

static TREE: LazyLock<Tree> = LazyLock::new(Tree::read);

/// What the Rust files of the workspace have.
struct Tree {
    /// `fn` names.
    functions: BTreeSet<String>,
    /// Names of files without their ending, and of folders.
    modules: BTreeSet<String>,
    /// Names of structs, enums, traits and aliases.
    types: BTreeSet<String>,
    /// Every word that is not in a comment.
    words: BTreeSet<String>,
}

impl Tree {
    fn read() -> Self {
        let mut tree = Self {
            functions: BTreeSet::new(),
            modules: BTreeSet::new(),
            types: BTreeSet::new(),
            words: BTreeSet::new(),
        };
        tree.enter(&root().join("crates"));
        tree.enter(&root().join("tests"));
        tree
    }

    fn enter(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).expect("a folder of the workspace") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_stem()
                .map(|name| name.to_string_lossy().into_owned());
            let name = name.expect("an entry has a name");
            if path.is_dir() && !["target", "node_modules"].contains(&name.as_str()) {
                self.enter(&path);
                self.modules.insert(name);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = read(&path);
                self.functions.extend(names_after(&text, &["fn"]));
                let kinds = ["struct", "enum", "trait", "type"];
                self.types.extend(names_after(&text, &kinds));
                self.words.extend(words(&text));
                self.modules.insert(name);
            }
        }
    }
}

/// The words of the lines that are no comments.
fn words(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    let words = lines.flat_map(|line| line.split(|letter| !is_of_word(letter)));
    words.filter(|word| !word.is_empty()).map(str::to_owned)
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The names that these keywords introduce.
fn names_after(text: &str, keywords: &[&str]) -> Vec<String> {
    let words = text.split_whitespace();
    words
        .clone()
        .zip(words.skip(1))
        .filter(|(keyword, _)| keywords.contains(keyword))
        .map(|(_, name)| {
            let end = name.find(|letter| !is_of_word(letter));
            name[..end.unwrap_or(name.len())].to_owned()
        })
        .collect()
}

/// What stands between backticks, in its order.
pub(crate) fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether it is written as a path of this repository: not a route, a command or a pattern.
fn is_path(quoted: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    (quoted.contains('/') || quoted.ends_with(".rs"))
        && !quoted.starts_with('/')
        && quoted.chars().all(plain)
}

/// Whether a path of a page leads to something.
fn exists(path: &str) -> bool {
    let root = root();
    let mut places = vec![root.join(path), root.join("crates").join(path)];
    if let Some((name, file)) = path.split_once('/') {
        let src = root.join("crates").join(name).join("src").join(file);
        places.push(src.with_extension("rs"));
        places.push(src);
    }
    places.iter().any(|place| place.exists())
}

/// The rows of all tables with this head, as their cells.
pub(crate) fn tables<'a>(page: &'a str, head: &str) -> Vec<Vec<&'a str>> {
    let mut rows = Vec::new();
    let mut lines = page.lines();
    while lines.any(|line| line == head) {
        let table = lines
            .by_ref()
            .skip(1)
            .take_while(|line| line.starts_with('|'));
        rows.extend(table.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()));
    }
    assert!(!rows.is_empty(), "no table {head}");
    rows
}

fn assert_nothing(missing: &[String]) {
    assert!(missing.is_empty(), "does not exist: {missing:#?}");
}

#[test]
fn every_path_on_a_page_exists() {
    let mut missing = Vec::new();
    for page in [
        "README.md",
        "crates/ARCHITECTURE.md",
        "crates/REFERENCE_SYSTEMS.md",
    ] {
        let text = read(&root().join(page));
        let paths = quoted(&text).filter(|quoted| is_path(quoted) && !exists(quoted));
        missing.extend(paths.map(|path| format!("{page}: {path}")));
    }
    assert_nothing(&missing);
}

#[test]
fn every_item_of_the_map_is_in_the_code() {
    let page = read(&root().join("crates/ARCHITECTURE.md"));
    let items = quoted(&page).filter(|quoted| {
        let mut parts = quoted.split("::");
        quoted.contains("::") && parts.all(|part| !part.is_empty() && part.chars().all(is_of_word))
    });
    let is_known =
        |part: &str| TREE.words.contains(part) || TREE.modules.contains(part) || part == "clippy";
    let missing: Vec<_> = items
        .filter(|item| !item.split("::").all(is_known))
        .map(str::to_owned)
        .collect();
    assert_nothing(&missing);
}

#[test]
fn every_promise_names_files_and_tests_that_exist() {
    let page = read(&root().join("crates/ARCHITECTURE.md"));
    let mut missing = Vec::new();
    for row in tables(&page, "| promise | where | test |") {
        let [promise, place, tests] = row[..] else {
            panic!("three cells, please: {row:?}")
        };
        assert!(quoted(place).next().is_some(), "no place: {promise}");
        assert!(quoted(tests).next().is_some(), "no test: {promise}");
        let unknown = quoted(tests).filter(|name| {
            let is_command = name.starts_with("longwire ");
            !is_path(name)
                && !is_command
                && !TREE.functions.contains(*name)
                && !TREE.modules.contains(*name)
        });
        missing.extend(unknown.map(|name| format!("{name}, a test of: {promise}")));
    }
    assert_nothing(&missing);
}

/// The names of the actors' messages, as the code has them.
fn messages() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for name in ["actor", "fleet"] {
        for text in texts(&root().join("crates").join(name).join("src")).values() {
            let mut items = text.split("#[rtype(");
            // What stands before the first one is no message.
            items.next();
            names.extend(
                items.filter_map(|item| names_after(item, &["struct", "enum"]).into_iter().next()),
            );
        }
    }
    names
}

#[test]
fn the_table_of_messages_is_the_code() {
    let page = read(&root().join("crates/ARCHITECTURE.md"));
    let rows = tables(&page, "| message | from → to | when | bounded by |");
    let told: BTreeSet<&str> = rows.iter().flat_map(|row| quoted(row[0])).collect();
    let untold = messages()
        .into_iter()
        .filter(|name| !told.contains(name.as_str()));
    let unknown = told.iter().filter(|name| !TREE.types.contains(**name));
    let missing: Vec<_> = untold
        .chain(unknown.map(|name| (*name).to_owned()))
        .collect();
    assert_nothing(&missing);
}

#[test]
fn every_test_that_the_readme_names_exists() {
    let page = read(&root().join("README.md"));
    // `tests/it/a_file.rs`: `a_test`
    let quoted: Vec<_> = page.split('`').collect();
    let missing: Vec<_> = quoted
        .windows(3)
        .skip(1)
        .step_by(2)
        .filter(|window| is_path(window[0]) && window[1] == ": ")
        .map(|window| window[2].to_owned())
        .filter(|name| !TREE.functions.contains(name))
        .collect();
    assert_nothing(&missing);
}
