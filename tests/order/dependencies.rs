//! Crates use each other downwards only, as the table of crates says.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;

use crate::map::{Row, crates};
use crate::{read, root};

/// What a crate without I/O, clock and log may be built on. Whatever is added here has no runtime, no logger and no
/// source of chance in it; what it has in that way all the same, `.clippy.toml` forbids by name.
const BUILT_ON: &[&str] = &[
    "aes",
    "backoff",
    "base64",
    "bytes",
    "bytestring",
    "cbc",
    "hmac",
    "httparse",
    "icu_normalizer",
    "md-5",
    "prost",
    "secrecy",
    "serde",
    "serde_json",
    "toml",
    "sha1",
    "sha2",
    "subtle",
    "thiserror",
    "url",
    "uuid",
    "zeroize",
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Absent for what the library or binary itself is built on.
    kind: Option<String>,
}

impl Package {
    /// The names of what it is built on, or of what its tests use.
    fn dependencies(&self, of_tests: bool) -> BTreeSet<&str> {
        self.dependencies
            .iter()
            .filter(|one| (one.kind.as_deref() == Some("dev")) == of_tests)
            .map(|one| one.name.as_str())
            .collect()
    }

    /// The same for crates of ours, as the table names them.
    fn ours(&self, of_tests: bool) -> BTreeSet<String> {
        let ours = |name: &&str| name.starts_with("longwire");
        let all = self.dependencies(of_tests).into_iter().filter(ours);
        all.map(short).collect()
    }
}

/// `link` of `longwire-link`.
fn short(name: &str) -> String {
    name.strip_prefix("longwire-").unwrap_or(name).to_owned()
}

/// The members of the workspace by their short names.
fn packages() -> BTreeMap<String, Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    let told = String::from_utf8_lossy(&output.stderr);
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("cargo metadata: {error}\n{told}"));
    let packages = metadata.packages.into_iter();
    packages.map(|one| (short(&one.name), one)).collect()
}

fn row<'a>(rows: &'a [Row], name: &str) -> &'a Row {
    rows.iter()
        .find(|row| row.name == name)
        .unwrap_or_else(|| panic!("the table of crates in ARCHITECTURE.md lacks `{name}`"))
}

#[test]
fn the_table_of_crates_is_the_workspace() {
    let (rows, packages) = (crates(), packages());
    for (name, package) in &packages {
        let row = row(&rows, name);
        assert_eq!(package.ours(false), row.uses, "what `{name}` uses");
        assert_eq!(
            package.ours(true),
            row.tests_use,
            "what the tests of `{name}` use"
        );
    }
    for row in &rows {
        assert!(packages.contains_key(&row.name), "no crate `{}`", row.name);
    }
    assert_eq!(rows.len(), packages.len(), "a crate has one row");
}

/// The order of the table is the direction of dependencies, so they have no circle.
#[test]
fn a_crate_uses_those_above_it() {
    let mut above = BTreeSet::new();
    for row in crates() {
        let below: Vec<_> = row.uses.difference(&above).collect();
        assert!(
            below.is_empty(),
            "`{}` uses {below:?}, not above it",
            row.name
        );
        above.insert(row.name);
    }
}

#[test]
fn what_promises_no_io_is_built_on_none() {
    let (rows, packages) = (crates(), packages());
    let pure: Vec<&Row> = rows.iter().filter(|row| row.is_pure()).collect();
    assert!(pure.len() >= 3, "{pure:?}");
    for Row { name, uses, .. } in pure {
        for used in uses {
            assert!(row(&rows, used).is_pure(), "`{name}` uses `{used}`");
        }
        let built_on = packages[name].dependencies(false).into_iter();
        let foreign = built_on.filter(|one| !one.starts_with("longwire"));
        // What generates the frame's code runs before the crate exists.
        let foreign = foreign.filter(|one| !["prost-build", "protox"].contains(one));
        for one in foreign {
            assert!(
                BUILT_ON.contains(&one),
                "`{name}` is built on `{one}`: does it do I/O, read a clock or log?"
            );
        }
        let lib = read(&root().join("crates").join(name).join("src/lib.rs"));
        for lint in ["methods", "types", "macros"] {
            let lint = format!("clippy::disallowed_{lint}");
            let forbidden = lib
                .split_once("forbid(")
                .is_some_and(|(_, rest)| rest.contains(&lint));
            assert!(forbidden, "`{name}` does not forbid {lint}");
        }
    }
}
