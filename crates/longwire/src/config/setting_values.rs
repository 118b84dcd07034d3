//! The settings as they are written, by their keys: to name those that are different in another reading of the file.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

/// What the file and the variables say of each setting, by `section.key`. Installations are no settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SettingValues(BTreeMap<String, Value>);

impl SettingValues {
    pub(super) fn of(table: &Table) -> Self {
        let mut values = BTreeMap::new();
        for (section, value) in table {
            if section != "installation" {
                collect(section, value, &mut values);
            }
        }
        Self(values)
    }

    /// The keys of which the other one says something else, sorted. A setting that stands in one of them alone is among them,
    /// whatever its default.
    pub(crate) fn differing(&self, other: &Self) -> BTreeSet<String> {
        let keys = self.0.keys().chain(other.0.keys());
        let differing = keys.filter(|key| self.0.get(*key) != other.0.get(*key));
        differing.cloned().collect()
    }

    /// Says of this key what the other one says.
    pub(crate) fn take(&mut self, key: &str, other: &Self) {
        match other.0.get(key) {
            Some(value) => self.0.insert(key.to_owned(), value.clone()),
            None => self.0.remove(key),
        };
    }
}

fn collect(path: &str, value: &Value, values: &mut BTreeMap<String, Value>) {
    match value {
        // An inline table is a value, such as a reference to a secret; it has no sections in it.
        Value::Table(table) if !is_reference(table) => {
            for (key, value) in table {
                collect(&format!("{path}.{key}"), value, values);
            }
        }
        other => {
            values.insert(path.to_owned(), other.clone());
        }
    }
}

fn is_reference(table: &Table) -> bool {
    let keys = ["file", "env", "credential"];
    table.len() == 1 && table.keys().all(|key| keys.contains(&key.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> SettingValues {
        SettingValues::of(&text.parse().expect("it is TOML"))
    }

    #[test]
    fn keys_that_differ_are_named() {
        let one = values(
            "[log]\nfilter = \"info\"\n[proxy]\nurl = { file = \"a\" }\n[cards.default_toast]\nen = \"x\"\n[[installation]]\nname = \"a\"",
        );
        let two = values(
            "[log]\nfilter = \"warn\"\n[proxy]\nurl = { file = \"b\" }\n[cards.default_toast]\nen = \"x\"\nzh = \"y\"\n[[installation]]\nname = \"b\"",
        );
        let differing: Vec<String> = one.differing(&two).into_iter().collect();
        assert_eq!(
            differing,
            ["cards.default_toast.zh", "log.filter", "proxy.url"]
        );
        let mut taken = one;
        for key in differing {
            taken.take(&key, &two);
        }
        assert_eq!(taken, two);
    }
}
