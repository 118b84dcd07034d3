//! Which module of a crate names which other, read from the paths in its text.
//!
//! A path counts where it begins with `crate::` or `super::`, in imports as elsewhere; an item that a module re-exports
//! counts for the module where it lives. Tests do not count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::read;

/// The path of a module in its crate; empty for the crate's root.
pub(crate) type Module = Vec<String>;

/// The text of every module, without comments and tests.
pub(crate) fn texts(src: &Path) -> BTreeMap<Module, String> {
    let mut texts = BTreeMap::new();
    for root in ["lib.rs", "main.rs"] {
        if src.join(root).exists() {
            collect(src, &src.join(root), Vec::new(), &mut texts);
        }
    }
    texts
}

/// Reads one module and follows its `mod` lines.
fn collect(src: &Path, file: &Path, module: Module, texts: &mut BTreeMap<Module, String>) {
    let text = product(&read(file));
    for line in text.lines() {
        let line = line.trim_start().trim_start_matches("pub(crate) ");
        let line = line
            .trim_start_matches("pub(super) ")
            .trim_start_matches("pub ");
        let child = line.strip_prefix("mod ").and_then(|x| x.strip_suffix(';'));
        if let Some(child) = child {
            let mut path = module.clone();
            path.push(child.to_owned());
            let below = path.iter().fold(src.to_owned(), |at, name| at.join(name));
            let file = [below.with_extension("rs"), below.join("mod.rs")];
            // One with a path of its own is a file of another crate.
            if let Some(file) = file.iter().find(|file| file.exists()) {
                collect(src, file, path, texts);
            }
        }
    }
    texts.insert(module, text);
}

/// The text without comments and without what is compiled for tests alone.
fn product(text: &str) -> String {
    let mut lines = text.lines().peekable();
    let mut kept = String::new();
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        if line.trim() == "#[cfg(test)]" {
            let indent = &line[..line.len() - line.trim_start().len()];
            let end = format!("{indent}}}");
            // An item ends in its first line, or with the brace that closes it.
            for (index, line) in lines.by_ref().enumerate() {
                if (index == 0 && line.ends_with([';', ','])) || line.trim_end() == end {
                    break;
                }
            }
            continue;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}

/// From every module to those it names.
pub(crate) fn uses(texts: &BTreeMap<Module, String>) -> BTreeSet<(Module, Module)> {
    let exports: BTreeMap<&Module, BTreeMap<String, Module>> = texts
        .iter()
        .map(|(module, text)| (module, exports(module, text, texts)))
        .collect();
    let mut uses = BTreeSet::new();
    for (module, text) in texts {
        for path in paths(module, text) {
            uses.insert((module.clone(), home(path, texts, &exports)));
        }
    }
    uses
}

/// The module in which what `path` names lives.
fn home(
    mut path: Module,
    texts: &BTreeMap<Module, String>,
    exports: &BTreeMap<&Module, BTreeMap<String, Module>>,
) -> Module {
    // A re-export of a re-export of … ends; the bound is against one that names itself.
    for _ in 0..8 {
        let mut at = path.clone();
        while !texts.contains_key(&at) {
            at.pop();
        }
        let Some(named) = path
            .get(at.len())
            .and_then(|item| exports[&at].get(item).cloned())
        else {
            return at;
        };
        path = named;
    }
    path
}

/// What a module re-exports: the name and the path it stands for.
fn exports(
    module: &Module,
    text: &str,
    texts: &BTreeMap<Module, String>,
) -> BTreeMap<String, Module> {
    let mut exports = BTreeMap::new();
    for statement in text.split("use ").skip(1).zip(text.split("use ")) {
        let (after, before) = statement;
        let visibility = before.trim_end().rsplit(['\n', ';']).next();
        if !visibility.is_some_and(|word| word.trim_start().starts_with("pub")) {
            continue;
        }
        let Some((statement, _)) = after.split_once(';') else {
            continue;
        };
        for (path, name) in expand(statement) {
            let first = path.first().cloned().unwrap_or_default();
            let mut child = module.clone();
            child.push(first);
            let absolute = if texts.contains_key(&child) {
                [&module[..], &path[..]].concat()
            } else if let Some(absolute) = absolute(module, &path) {
                absolute
            } else {
                continue;
            };
            exports.insert(name, absolute);
        }
    }
    exports
}

/// Every path in `text` that begins with `crate` or `super`, from the crate's root.
fn paths(module: &Module, text: &str) -> Vec<Module> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = ["crate::", "super::"]
        .iter()
        .filter_map(|start| rest.find(start))
        .min()
    {
        let whole = at == 0 || !rest[..at].ends_with([':', '$', '_']);
        let statement = &rest[at..];
        let length = length(statement);
        if whole {
            let expanded = expand(&statement[..length]);
            found.extend(
                expanded
                    .iter()
                    .filter_map(|(path, _)| absolute(module, path)),
            );
        }
        rest = &statement[length..];
    }
    found
}

/// How far a path reaches, with its braces.
fn length(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' if text[..at].ends_with("::") || depth > 0 => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' if depth > 0 => depth -= 1,
            _ if depth > 0 || letter.is_alphanumeric() || letter == '_' || letter == ':' => {}
            _ => return at,
        }
    }
    text.len()
}

/// The paths of a tree of imports, each with the name it gets.
fn expand(tree: &str) -> Vec<(Vec<String>, String)> {
    let tree = tree.trim();
    if let Some((head, rest)) = tree.split_once('{') {
        let head = segments(head);
        let inner = rest.trim_end().trim_end_matches('}');
        return parts(inner)
            .into_iter()
            .flat_map(expand)
            .map(|(path, name)| {
                let mut whole = head.clone();
                whole.extend(path.into_iter().filter(|segment| segment != "self"));
                (whole, name)
            })
            .collect();
    }
    let (path, name) = match tree.split_once(" as ") {
        Some((path, name)) => (segments(path), name.trim().to_owned()),
        None => {
            let path = segments(tree);
            let name = path.last().cloned().unwrap_or_default();
            (path, name)
        }
    };
    vec![(path, name)]
}

/// The members between two braces, of which some have braces themselves.
fn parts(inner: &str) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0_usize, 0, Vec::new());
    for (at, letter) in inner.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&inner[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[from..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn segments(path: &str) -> Vec<String> {
    path.split("::")
        .map(str::trim)
        .filter(|segment| !segment.is_empty())
        .map(str::to_owned)
        .collect()
}

/// `path`, written in `module`, from the crate's root; nothing for what is of another crate.
fn absolute(module: &Module, path: &[String]) -> Option<Module> {
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([&module[..], &path[1..]].concat()),
        "super" => {
            let ups = path
                .iter()
                .take_while(|segment| *segment == "super")
                .count();
            let above = &module[..module.len().checked_sub(ups)?];
            Some([above, &path[ups..]].concat())
        }
        _ => None,
    }
}
