//! Reading a JSON object member by member, with all mistakes collected.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Map, Value};

use super::fault::{DefinitionFault, FaultCode};
use super::text::{duration_text, parse_duration};

type Faults = Vec<DefinitionFault>;

/// The longest text of an id or a pattern, in bytes.
const MAX_TEXT: usize = 256;

/// One value of a JSON document, and its place.
#[derive(Debug)]
pub struct Member<'a> {
    /// The value.
    pub value: &'a Value,
    pointer: String,
}

/// An object of which the members are read. A member that is not read by [`refuse_others`](Self::refuse_others) is a mistake.
#[derive(Debug)]
pub struct Members<'a, 'f> {
    object: &'a Map<String, Value>,
    pointer: String,
    known: Vec<&'static str>,
    faults: &'f mut Faults,
}

impl<'a, 'f> Members<'a, 'f> {
    /// The object at this place of a document, which is empty for the whole of it.
    pub fn of(value: &'a Value, pointer: &str, faults: &'f mut Faults) -> Option<Self> {
        Member {
            value,
            pointer: pointer.to_owned(),
        }
        .members(faults)
    }

    /// A member that has to be there; `null` is as good as absent.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Member<'a>, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        if self.has(name) {
            return self.optional(name, read);
        }
        self.known.push(name);
        self.faults.push(DefinitionFault {
            pointer: format!("{}/{name}", self.pointer),
            code: FaultCode::Missing,
            detail: format!("`{name}` has to be there"),
        });
        None
    }

    /// A member that may be absent; `null` is as good as absent.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Member<'a>, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        self.known.push(name);
        let value = self.object.get(name).filter(|value| !value.is_null())?;
        let pointer = format!("{}/{name}", self.pointer);
        read(Member { value, pointer }, self.faults)
    }

    /// A member of a merge patch (RFC 7396): `None` if it is absent or a mistake, `Some(None)` for `null`.
    pub fn patched<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Member<'a>, &mut Faults) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.object.get(name) {
            Some(Value::Null) => {
                self.known.push(name);
                Some(None)
            }
            Some(_) | None => self.optional(name, read).map(Some),
        }
    }

    /// A mistake in the member `name`.
    pub fn fault(&mut self, name: &str, code: FaultCode, detail: impl Into<String>) {
        self.faults.push(DefinitionFault {
            pointer: format!("{}/{name}", self.pointer),
            code,
            detail: detail.into(),
        });
    }

    /// Whether none of its members that were asked for was there.
    pub(super) fn has_none(&self) -> bool {
        !self.known.iter().any(|name| self.has(name))
    }

    fn has(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(|value| !value.is_null())
    }

    /// Every member that was not asked for is a mistake.
    pub fn refuse_others(self) {
        for name in self.object.keys() {
            if self.known.contains(&name.as_str()) {
                continue;
            }
            self.faults.push(DefinitionFault {
                pointer: format!("{}/{}", self.pointer, escaped(name)),
                code: FaultCode::UnknownMember,
                detail: format!(
                    "there is no such member; there are `{}`",
                    self.known.join("`, `")
                ),
            });
        }
    }
}

/// As RFC 6901 has it.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

impl<'a> Member<'a> {
    /// The whole of a document.
    #[must_use]
    pub fn root(value: &'a Value) -> Self {
        Self {
            value,
            pointer: String::new(),
        }
    }

    /// A mistake in this value. There is no outcome.
    pub fn fault<T>(
        &self,
        code: FaultCode,
        detail: impl Into<String>,
        faults: &mut Faults,
    ) -> Option<T> {
        faults.push(DefinitionFault {
            pointer: self.pointer.clone(),
            code,
            detail: detail.into(),
        });
        None
    }

    fn wrong_type<T>(&self, right: &str, faults: &mut Faults) -> Option<T> {
        self.fault(
            FaultCode::WrongType,
            format!("{right} belongs here"),
            faults,
        )
    }

    /// An object.
    pub fn members<'f>(self, faults: &'f mut Faults) -> Option<Members<'a, 'f>> {
        let Some(object) = self.value.as_object() else {
            return self.wrong_type("an object", faults);
        };
        Some(Members {
            object,
            pointer: self.pointer,
            known: Vec::new(),
            faults,
        })
    }

    /// `true` or `false`.
    pub fn bool(self, faults: &mut Faults) -> Option<bool> {
        let value = self.value.as_bool();
        value.or_else(|| self.wrong_type("`true` or `false`", faults))
    }

    /// A text.
    pub fn text(&self, faults: &mut Faults) -> Option<&'a str> {
        let value = self.value.as_str();
        value.or_else(|| self.wrong_type("a text", faults))
    }

    /// A text of 1 to 256 bytes.
    pub fn short_text(&self, faults: &mut Faults) -> Option<&'a str> {
        let text = self.text(faults)?;
        if text.is_empty() || text.len() > MAX_TEXT {
            let detail = format!("a text of 1 to {MAX_TEXT} bytes belongs here");
            return self.fault(FaultCode::OutOfRange, detail, faults);
        }
        Some(text)
    }

    /// A text that is read by its own rule.
    pub fn parsed<T: FromStr<Err: Display>>(self, faults: &mut Faults) -> Option<T> {
        match self.text(faults)?.parse() {
            Ok(value) => Some(value),
            Err(error) => self.fault(FaultCode::InvalidValue, error.to_string(), faults),
        }
    }

    /// One of several words.
    pub fn word<T: Copy>(self, words: &[(&str, T)], faults: &mut Faults) -> Option<T> {
        let text = self.text(faults)?;
        let found = words.iter().find(|(word, _)| *word == text);
        let Some((_, value)) = found else {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let detail = format!("one of `{}` belongs here", words.join("`, `"));
            return self.fault(FaultCode::InvalidValue, detail, faults);
        };
        Some(*value)
    }

    /// A whole number in a range.
    pub fn number(self, range: RangeInclusive<i64>, faults: &mut Faults) -> Option<i64> {
        let Some(number) = self.value.as_i64() else {
            return self.wrong_type("a whole number", faults);
        };
        if !range.contains(&number) {
            let detail = format!(
                "a number from {} to {} belongs here",
                range.start(),
                range.end()
            );
            return self.fault(FaultCode::OutOfRange, detail, faults);
        }
        Some(number)
    }

    /// A duration in a range, such as `30s`.
    pub fn duration(
        self,
        range: RangeInclusive<Duration>,
        faults: &mut Faults,
    ) -> Option<Duration> {
        let text = self.text(faults)?;
        let Some(duration) = parse_duration(text) else {
            let detail =
                "a duration belongs here: a number and `ms`, `s`, `m`, `h` or `d`, such as `30s`";
            return self.fault(FaultCode::InvalidValue, detail, faults);
        };
        if !range.contains(&duration) {
            let (least, most) = (duration_text(*range.start()), duration_text(*range.end()));
            let detail = format!("a duration from {least} to {most} belongs here");
            return self.fault(FaultCode::OutOfRange, detail, faults);
        }
        Some(duration)
    }

    /// A list of at most so many elements, each read by itself. A list with a mistake in it is none.
    pub fn list<T>(
        self,
        most: usize,
        mut read: impl FnMut(Member<'a>, &mut Faults) -> Option<T>,
        faults: &mut Faults,
    ) -> Option<Vec<T>> {
        let Some(values) = self.value.as_array() else {
            return self.wrong_type("a list", faults);
        };
        if values.is_empty() || values.len() > most {
            let detail =
                format!("1 to {most} elements belong here; leave the member out to allow all");
            return self.fault(FaultCode::OutOfRange, detail, faults);
        }
        let mut read_all = Vec::new();
        for (nth, value) in values.iter().enumerate() {
            let pointer = format!("{}/{nth}", self.pointer);
            read_all.extend(read(Member { value, pointer }, faults));
        }
        (read_all.len() == values.len()).then_some(read_all)
    }
}
