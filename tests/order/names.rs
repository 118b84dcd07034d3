//! A public type's name means one thing in all crates. Within a crate its module may tell two apart.

use std::collections::{BTreeMap, BTreeSet};

use crate::map::crates;
use crate::modules::texts;
use crate::root;

#[test]
fn a_public_name_means_one_thing() {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in crates() {
        let src = root().join("crates").join(&row.name).join("src");
        for text in texts(&src).values() {
            for name in text.lines().filter_map(public_type) {
                places.entry(name).or_default().insert(row.name.clone());
            }
        }
    }
    let found: Vec<String> = places
        .into_iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(name, places)| format!("{name}: {places:?}"))
        .collect();
    assert!(
        found.is_empty(),
        "names with two meanings:\n{}",
        found.join("\n")
    );
}

/// The name of the public type, trait or alias that this line begins.
fn public_type(line: &str) -> Option<String> {
    let line = line.strip_prefix("pub ")?;
    let (keyword, rest) = line.split_once(' ')?;
    if !["struct", "enum", "trait", "type", "union"].contains(&keyword) {
        return None;
    }
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}
