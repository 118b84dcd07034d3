//! Environment variables laid over the file: `LONGWIRE_SERVER__LISTEN=0.0.0.0:7700`.
//!
//! One variable is laid at a time and what comes of it deserialized, so that a path nobody knows, or a value
//! of the wrong kind, is blamed on the variable that brought it. Installations are data, not settings: a
//! variable cannot declare one.

use std::ffi::OsString;

use toml::{Table, Value};

use super::{Config, ConfigError};

const PREFIX: &str = "LONGWIRE_";
/// Between section and key, since keys have underscores of their own.
const SEPARATOR: &str = "__";

/// A variable that overrides a setting.
#[derive(Debug)]
pub(super) struct Override {
    pub(super) name: String,
    path: Vec<String>,
    value: String,
}

/// Those of `environment` that may be overrides, as text.
pub(super) fn own_variables(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Vec<(String, String)>, ConfigError> {
    let text = |name: OsString| name.into_string().ok();
    environment
        .into_iter()
        // A name that is not UTF-8 is none of ours.
        .filter_map(|(name, value)| Some((text(name)?, value)))
        .filter(|(name, _)| is_own(name))
        .map(|(name, value)| match text(value) {
            Some(value) => Ok((name, value)),
            None => Err(ConfigError::Variable {
                variable: name,
                message: "its value is not utf-8".to_owned(),
            }),
        })
        .collect()
}

/// Variables without a section are somebody else's.
fn is_own(name: &str) -> bool {
    name.strip_prefix(PREFIX)
        .is_some_and(|rest| rest.contains(SEPARATOR))
}

/// The overrides among `variables`, by name. Variables without a section are somebody else's.
pub(super) fn overrides(
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<Override>, ConfigError> {
    let mut found = Vec::new();
    for (name, value) in variables {
        if !is_own(&name) {
            continue;
        }
        let path = &name[PREFIX.len()..];
        let path: Vec<String> = path.split(SEPARATOR).map(str::to_ascii_lowercase).collect();
        if path
            .first()
            .is_some_and(|section| section == "installation" || section == "installations")
        {
            return Err(ConfigError::Variable {
                variable: name,
                message: "installations are never declared by the environment; use the file, or `longwire \
                          installations add`"
                    .to_owned(),
            });
        }
        found.push(Override { name, path, value });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The table that `table` and `overrides` make together, and its configuration.
pub(super) fn lay(
    mut table: Table,
    overrides: &[Override],
) -> Result<(Table, Config), ConfigError> {
    let mut config = Config::default();
    for variable in overrides {
        let refuse = |message: String| ConfigError::Variable {
            variable: variable.name.clone(),
            message,
        };
        let mut first_error = None;
        let laid = readings(&variable.value).find_map(|value| {
            let mut candidate = table.clone();
            set(&mut candidate, &variable.path, value)?;
            match Config::deserialize_table(candidate.clone()) {
                Ok(config) => Some((candidate, config)),
                Err(error) => {
                    first_error.get_or_insert(error.message().trim_end().to_owned());
                    None
                }
            }
        });
        (table, config) = laid.ok_or_else(|| {
            refuse(
                first_error
                    .unwrap_or_else(|| format!("`{}` is no setting", variable.path.join("."))),
            )
        })?;
    }
    Ok((table, config))
}

/// The variable that set `key`, if one did.
pub(super) fn source_of<'a>(overrides: &'a [Override], key: &str) -> Option<&'a str> {
    overrides
        .iter()
        .find(|variable| variable.path.join(".") == key)
        .map(|variable| variable.name.as_str())
}

/// What a variable's text may mean, likeliest first: a TOML value (number, boolean, list), else plain text.
fn readings(text: &str) -> impl Iterator<Item = Value> {
    let parsed = format!("value = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("value"));
    parsed
        .into_iter()
        .chain(std::iter::once(Value::String(text.to_owned())))
}

/// Puts `value` at `path`, making the tables on the way; `None` where something else stands in the way.
fn set(table: &mut Table, path: &[String], value: Value) -> Option<()> {
    let (last, sections) = path.split_last()?;
    let mut at = table;
    for section in sections {
        at = at
            .entry(section.clone())
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()?;
    }
    at.insert(last.clone(), value);
    Some(())
}

impl Config {
    fn deserialize_table(table: Table) -> Result<Self, toml::de::Error> {
        Value::Table(table).try_into()
    }
}
