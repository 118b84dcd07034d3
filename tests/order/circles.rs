//! Modules beside each other do not use each other in circles.
//!
//! A parent and what lies beneath it may name each other: an actor and its children do. Of two modules beside each other,
//! with all that lies beneath them, one is built on the other.

use std::collections::{BTreeMap, BTreeSet};

use crate::map::crates;
use crate::modules::{Module, texts, uses};
use crate::root;

/// How many modules of a crate still stand in circles. No crate may be added and no number raised.
const STANDING: [(&str, usize); 0] = [];

#[test]
fn modules_use_each_other_in_no_circle() {
    let mut too_many = String::new();
    for row in crates() {
        let src = root().join("crates").join(&row.name).join("src");
        if !src.exists() {
            continue;
        }
        let circles = circles(&uses(&texts(&src)));
        let standing = STANDING.iter().find(|(name, _)| *name == row.name);
        let allowed = standing.map_or(0, |(_, modules)| *modules);
        let found: usize = circles.iter().map(Vec::len).sum();
        if found > allowed {
            too_many.push_str(&format!(
                "{}: {found} modules, {allowed} allowed\n",
                row.name
            ));
            for circle in circles {
                too_many.push_str(&format!("    {}\n", circle.join(", ")));
            }
        }
    }
    assert!(too_many.is_empty(), "circles of modules:\n{too_many}");
}

/// The modules of each circle among neighbours.
fn circles(uses: &BTreeSet<(Module, Module)>) -> Vec<Vec<String>> {
    let mut reached: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for (from, to) in uses {
        let shared = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        // One lies beneath the other.
        if shared == from.len() || shared == to.len() {
            continue;
        }
        let (from, to) = (from[..=shared].to_vec(), to[..=shared].to_vec());
        reached.entry(from).or_default().insert(to);
    }
    close(&mut reached);
    let mut circles = BTreeSet::new();
    for (module, others) in &reached {
        if others.contains(module) {
            let circle = others.iter().filter(|other| {
                reached
                    .get(*other)
                    .is_some_and(|back| back.contains(module))
            });
            circles.insert(circle.map(|module| module.join("::")).collect::<Vec<_>>());
        }
    }
    circles.into_iter().collect()
}

/// From what is used at once to what is used at all.
fn close(reached: &mut BTreeMap<Module, BTreeSet<Module>>) {
    loop {
        let mut grown = false;
        for module in reached.keys().cloned().collect::<Vec<_>>() {
            let direct = reached[&module].clone();
            let further: BTreeSet<Module> = direct
                .iter()
                .filter_map(|next| reached.get(next))
                .flatten()
                .cloned()
                .collect();
            let all = reached.entry(module).or_default();
            let before = all.len();
            all.extend(further);
            grown |= all.len() > before;
        }
        if !grown {
            return;
        }
    }
}

#[test]
fn circles_are_found() {
    let check = |uses: &[(&str, &str)], expected: &[&str]| {
        let module = |path: &str| path.split("::").map(str::to_owned).collect::<Module>();
        let uses = uses.iter().map(|(from, to)| (module(from), module(to)));
        let found: Vec<String> = circles(&uses.collect())
            .iter()
            .map(|circle| circle.join(", "))
            .collect();
        assert_eq!(found, expected, "{found:?}");
    };
    check(&[("a", "b"), ("b", "c"), ("a", "c")], &[]);
    check(&[("a", "b"), ("b", "c"), ("c", "a")], &["a, b, c"]);
    // A parent with its child.
    check(&[("a", "a::b"), ("a::b", "a")], &[]);
    // What lies beneath counts for what it lies beneath.
    check(&[("a::x", "b"), ("b", "a::y")], &["a, b"]);
    check(
        &[("a::x", "a::y"), ("a::y", "a::x"), ("a::y", "b")],
        &["a::x, a::y"],
    );
}
