//! Patterns over JSON.

use serde_json::{Map, Number, Value};

use crate::glob::Glob;

/// How deep a pattern may be.
const MOST_DEEP: usize = 16;
/// How many values a pattern may have.
const MOST_VALUES: usize = 256;

/// A pattern over a JSON value. An object asks for its members, each with its pattern, and lets others be; `null` asks for a
/// member that is absent or null. An array asks for any of its patterns. A text may have `*`. A pattern that is no array and meets
/// an array asks for any of its elements.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum JsonPattern {
    Null,
    Bool(bool),
    Number(Number),
    Text(Glob),
    Any(Vec<JsonPattern>),
    Members(Vec<(Box<str>, JsonPattern)>),
}

/// A pattern with the JSON that it was made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DataPattern {
    pub(crate) json: Value,
    pattern: JsonPattern,
}

impl DataPattern {
    pub(crate) fn new(json: &Value) -> Result<Self, PatternFault> {
        Ok(Self {
            json: json.clone(),
            pattern: JsonPattern::new(json)?,
        })
    }

    pub(crate) fn matches(&self, data: &Value) -> bool {
        self.pattern.matches(data)
    }
}

/// Why a value is no pattern.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum PatternFault {
    TooDeep,
    TooLarge,
    /// An array without elements matches nothing.
    NoChoice,
}

impl JsonPattern {
    pub(super) fn new(value: &Value) -> Result<Self, PatternFault> {
        let mut left = MOST_VALUES;
        Self::read(value, MOST_DEEP, &mut left)
    }

    fn read(value: &Value, deep: usize, left: &mut usize) -> Result<Self, PatternFault> {
        let deeper = deep.checked_sub(1).ok_or(PatternFault::TooDeep)?;
        *left = left.checked_sub(1).ok_or(PatternFault::TooLarge)?;
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(value) => Self::Number(value.clone()),
            Value::String(value) => Self::Text(Glob::new(value)),
            Value::Array(values) if values.is_empty() => return Err(PatternFault::NoChoice),
            Value::Array(values) => {
                let values = values.iter().map(|value| Self::read(value, deeper, left));
                Self::Any(values.collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| {
                    Ok((name.as_str().into(), Self::read(value, deeper, left)?))
                });
                Self::Members(members.collect::<Result<_, _>>()?)
            }
        })
    }

    pub(super) fn matches(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any(patterns), value) => patterns.iter().any(|one| one.matches(value)),
            (pattern, Value::Array(values)) => values.iter().any(|value| pattern.matches(value)),
            (Self::Null, value) => value.is_null(),
            (Self::Bool(wanted), value) => value.as_bool() == Some(*wanted),
            (Self::Number(wanted), Value::Number(value)) => value == wanted,
            (Self::Text(wanted), Value::String(value)) => wanted.matches(value),
            (Self::Members(members), Value::Object(object)) => members
                .iter()
                .all(|(name, pattern)| pattern.matches_member(object, name)),
            (Self::Number(_) | Self::Text(_) | Self::Members(_), _) => false,
        }
    }

    fn matches_member(&self, object: &Map<String, Value>, name: &str) -> bool {
        self.matches(object.get(name).unwrap_or(&Value::Null))
    }
}
