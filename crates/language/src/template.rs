//! A text with places for values, as `format!` has it: `cannot listen on {address} ({setting})`.

use crate::spacing;

/// How many places of a literal are tried until a text counts as made of something else. A text of outside may repeat a
/// literal often.
const MOST_STEPS: usize = 2_000;

/// A text with places for values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
    /// What the places are called, each once, in the order of their first use.
    names: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// The place of the value of this index.
    Place(usize),
}

impl Template {
    /// Reads a template. A place without a name is called by its number; how a value is formatted does not count.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut template = Self {
            parts: Vec::new(),
            names: Vec::new(),
        };
        let mut literal = String::new();
        let mut unnamed = 0;
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = rest.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else if let Some((name, after)) = place(rest) {
                let name = match name {
                    "" => {
                        unnamed += 1;
                        (unnamed - 1).to_string()
                    }
                    name => name.to_owned(),
                };
                template.literal(std::mem::take(&mut literal));
                template.place(name);
                rest = after;
            } else {
                literal.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        template.literal(literal);
        template
    }

    fn literal(&mut self, literal: String) {
        if !literal.is_empty() {
            self.parts.push(Part::Literal(literal));
        }
    }

    fn place(&mut self, name: String) {
        let index = self
            .names
            .iter()
            .position(|known| *known == name)
            .unwrap_or_else(|| {
                self.names.push(name);
                self.names.len() - 1
            });
        self.parts.push(Part::Place(index));
    }

    /// What the places are called.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Letters outside of the places: how much a text has to have in common with it.
    #[must_use]
    pub fn letters(&self) -> usize {
        let literals = self.parts.iter().filter_map(|part| match part {
            Part::Literal(literal) => Some(literal),
            Part::Place(_) => None,
        });
        literals
            .map(|literal| {
                literal
                    .chars()
                    .filter(|letter| letter.is_alphabetic())
                    .count()
            })
            .sum()
    }

    /// Bytes outside of the places: of two templates with as many letters, the longer one says more.
    pub(crate) fn literal_bytes(&self) -> usize {
        let lengths = self.parts.iter().map(|part| match part {
            Part::Literal(literal) => literal.len(),
            Part::Place(_) => 0,
        });
        lengths.sum()
    }

    /// The whole text, when it has no places.
    pub(crate) fn plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Literal(literal)] => Some(literal),
            _ => None,
        }
    }

    pub(crate) fn begins_with_a_value(&self) -> bool {
        matches!(self.parts.first(), Some(Part::Place(_)))
    }

    /// The values that make `text` of this template, in the order of [`names`](Self::names). Each is as short as can be.
    #[must_use]
    pub fn values<'t>(&self, text: &'t str) -> Option<Vec<&'t str>> {
        let mut values = vec![None; self.names.len()];
        let mut steps = MOST_STEPS;
        let fits = fit(&self.parts, text, &mut values, &mut steps);
        fits.then(|| values.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// The text with these values. A place that has none stays empty.
    #[must_use]
    pub fn with<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => spacing::append(&mut text, literal),
                Part::Place(index) => {
                    spacing::append(&mut text, value(&self.names[*index]).unwrap_or_default());
                }
            }
        }
        text
    }
}

/// The name of the place that `text` begins with, and what follows it.
fn place(text: &str) -> Option<(&str, &str)> {
    let (inside, after) = text.strip_prefix('{')?.split_once('}')?;
    let name = inside.split(':').next().unwrap_or_default();
    let is_name = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let is_place = is_name && (inside.len() == name.len() || !inside.contains([' ', '"', '{']));
    is_place.then_some((name, after))
}

fn fit<'t>(
    parts: &[Part],
    text: &'t str,
    values: &mut [Option<&'t str>],
    steps: &mut usize,
) -> bool {
    match parts {
        [] => text.is_empty(),
        [Part::Literal(literal), rest @ ..] => text
            .strip_prefix(literal.as_str())
            .is_some_and(|text| fit(rest, text, values, steps)),
        [Part::Place(index)] => take(*index, text, values).is_some(),
        [Part::Place(index), Part::Literal(literal)] => {
            let value = text.strip_suffix(literal.as_str());
            value
                .and_then(|value| take(*index, value, values))
                .is_some()
        }
        [Part::Place(index), Part::Literal(literal), rest @ ..] => {
            for (at, _) in text.match_indices(literal.as_str()) {
                let Some(left) = steps.checked_sub(1) else {
                    return false;
                };
                *steps = left;
                let former = values[*index];
                if take(*index, &text[..at], values).is_some()
                    && fit(rest, &text[at + literal.len()..], values, steps)
                {
                    return true;
                }
                values[*index] = former;
            }
            false
        }
        // Nothing stands between them, so the first one is empty.
        [Part::Place(index), rest @ ..] => {
            take(*index, "", values).is_some() && fit(rest, text, values, steps)
        }
    }
}

/// Keeps a value, unless its place has another one already.
fn take<'t>(index: usize, value: &'t str, values: &mut [Option<&'t str>]) -> Option<()> {
    match values[index] {
        Some(known) if known != value => None,
        _ => {
            values[index] = Some(value);
            Some(())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(template: &str, text: &str, expected: Option<&[&str]>) {
        let values = Template::parse(template).values(text);
        assert_eq!(values.as_deref(), expected, "{template}");
    }

    #[test]
    fn values_are_found_again() {
        let listen = "cannot listen on {address} ({setting})";
        check(
            listen,
            "cannot listen on [::1]:1 (server.listen)",
            Some(&["[::1]:1", "server.listen"]),
        );
        check(listen, "cannot listen on [::1]:1 (server.listen", None);
        check("{} of {} live", "3 of 4 live", Some(&["3", "4"]));
        check("{name} is {name}", "a is a", Some(&["a"]));
        check("{name} is {name}", "a is b", None);
        check("by {a}{b}", "by somebody", Some(&["", "somebody"]));
        check("a {{}} {x:04o}", "a {} 7", Some(&["7"]));
        check("a { file = \"…\" }", "a { file = \"…\" }", Some(&[]));
    }

    #[test]
    fn a_text_that_repeats_a_literal_is_given_up() {
        let template = Template::parse("{a} x {b} x {c} x {d} x {e} y");
        assert_eq!(template.values(&" x ".repeat(500)), None);
    }

    proptest! {
        #[test]
        fn what_is_put_in_comes_out(values in proptest::collection::vec("[a-z0-9_./-]{1,12}", 3)) {
            let template = Template::parse("No {a}: at {b}, since {c}");
            let text = format!("No {}: at {}, since {}", values[0], values[1], values[2]);
            prop_assert_eq!(template.values(&text), Some(values.iter().map(String::as_str).collect()));
        }
    }
}
