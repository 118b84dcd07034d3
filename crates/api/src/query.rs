//! Reading the query of a request, with all mistakes collected.

use std::borrow::Cow;
use std::time::Duration;

use longwire_consumer::{Expansions, ExpansionsError, duration_text, parse_duration};
use longwire_listener::{FieldError, Problem};

use crate::problem_code::ProblemCode;

/// Rows of a page unless the caller asks for another number.
const DEFAULT_LIMIT: usize = 50;
/// Rows of a page at most.
pub(crate) const MAX_LIMIT: usize = 500;
/// How long a request may wait for events. Proxies end requests without an answer after a minute.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(60);

/// The parameters of a request.
pub struct QueryReader<'a> {
    given: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl<'a> QueryReader<'a> {
    /// Of what stands behind the `?`.
    pub fn of(query: &'a str) -> Self {
        Self {
            given: url::form_urlencoded::parse(query.as_bytes()).collect(),
            known: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Each value of a parameter that may be given several times.
    pub fn all(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        let named = self.given.iter().filter(|(given, _)| given == name);
        named.map(|(_, value)| value.to_string()).collect()
    }

    /// The value of a parameter that may be given once.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let mut values = self.all(name);
        if values.len() > 1 {
            self.fault(name, "out_of_range", "this may be given once".to_owned());
        }
        values.pop()
    }

    /// `limit`: the most rows of a page.
    pub fn limit(&mut self) -> usize {
        let Some(text) = self.text("limit") else {
            return DEFAULT_LIMIT;
        };
        let limit = text.parse().ok();
        let limit = limit.filter(|limit| (1..=MAX_LIMIT).contains(limit));
        limit.unwrap_or_else(|| {
            let detail = format!("a number from 1 to {MAX_LIMIT} belongs here");
            self.fault("limit", "out_of_range", detail);
            DEFAULT_LIMIT
        })
    }

    /// `page` and `limit` of a list that may be asked for as a whole: how many rows to pass over, and how many to take. `None`
    /// if neither is given.
    pub(crate) fn page(&mut self) -> Option<(usize, usize)> {
        let is_whole = !self
            .given
            .iter()
            .any(|(name, _)| matches!(&**name, "page" | "limit"));
        let limit = self.limit();
        let page = self.text("page").map_or(Some(1), |text| text.parse().ok());
        let skip = page.and_then(|page: usize| page.checked_sub(1)?.checked_mul(limit));
        if skip.is_none() {
            let detail = "a number from 1 belongs here";
            self.fault("page", "out_of_range", detail.to_owned());
        }
        (!is_whole).then(|| (skip.unwrap_or_default(), limit))
    }

    /// `wait`: how long to wait for the first event; not at all unless given.
    pub(crate) fn wait(&mut self) -> Duration {
        let Some(text) = self.text("wait") else {
            return Duration::ZERO;
        };
        let wait = parse_duration(&text).filter(|wait| *wait <= MAX_WAIT);
        wait.unwrap_or_else(|| {
            let most = duration_text(MAX_WAIT);
            let detail = format!("a duration of at most {most} belongs here, such as `30s`");
            self.fault("wait", "out_of_range", detail);
            Duration::ZERO
        })
    }

    /// `expand`: what is looked up at the platform; nothing unless given.
    pub(crate) fn expand(&mut self) -> Expansions {
        let read = self.text("expand").map(|text| text.parse());
        match read.unwrap_or(Ok(Expansions::NONE)) {
            Ok(expand) => expand,
            Err(error) => {
                let error: ExpansionsError = error;
                self.fault("expand", "invalid_value", error.to_string());
                Expansions::NONE
            }
        }
    }

    /// Each value of a parameter that has one of these values and may be given several times.
    pub fn choices(&mut self, name: &'static str, legal: &[&'static str]) -> Vec<&'static str> {
        let mut chosen = Vec::new();
        for value in self.all(name) {
            match legal.iter().find(|legal| **legal == value) {
                Some(legal) => chosen.push(*legal),
                None => {
                    let detail = format!("one of these belongs here: {}", legal.join(", "));
                    self.fault(name, "invalid_value", detail);
                }
            }
        }
        chosen
    }

    /// A parameter that is `true` or `false`; `false` unless given.
    pub fn flag(&mut self, name: &'static str) -> bool {
        match self.text(name).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                let detail = "`true` or `false` belongs here".to_owned();
                self.fault(name, "invalid_value", detail);
                false
            }
        }
    }

    /// A mistake in a parameter.
    pub fn fault(&mut self, name: &str, code: &'static str, detail: String) {
        self.errors.push(FieldError {
            pointer: format!("?{name}"),
            code,
            detail,
        });
    }

    /// Whether there is no mistake. A parameter that was not asked for is one.
    ///
    /// # Errors
    /// 400 with all mistakes.
    pub fn finish(mut self) -> Result<(), Problem> {
        let known = match self.known.as_slice() {
            [] => "this path takes no parameters".to_owned(),
            known => format!(
                "there is no such parameter; there are `{}`",
                known.join("`, `")
            ),
        };
        let given = std::mem::take(&mut self.given);
        for (name, _) in given {
            if !self.known.contains(&&*name) {
                self.fault(&name, "unknown_member", known.clone());
            }
        }
        if self.errors.is_empty() {
            return Ok(());
        }
        let problem = ProblemCode::InvalidRequest.problem("the query is not what is wanted");
        Err(self.errors.into_iter().fold(problem, Problem::with_error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(query: &str) -> Vec<(String, String)> {
        let mut reader = QueryReader::of(query);
        let (limit, wait) = (reader.limit(), reader.wait());
        let _expand = reader.expand();
        assert!((1..=MAX_LIMIT).contains(&limit) && wait <= MAX_WAIT);
        let _types = reader.all("type");
        let Err(problem) = reader.finish() else {
            return Vec::new();
        };
        let json = serde_json::to_value(problem).expect("a problem has a JSON form");
        assert_eq!(json["code"], "invalid_request");
        let errors = json["errors"].as_array().expect("errors are a list");
        let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
        errors
            .iter()
            .map(|error| (text(&error["pointer"]), text(&error["code"])))
            .collect()
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let cases: [(&str, &[(&str, &str)]); 8] = [
            ("", &[]),
            ("limit=500&wait=60s&type=a&type=b%2A", &[]),
            ("expand=quoted,sender", &[]),
            ("expand=all", &[("?expand", "invalid_value")]),
            ("limit=0", &[("?limit", "out_of_range")]),
            ("limit=1&limit=2", &[("?limit", "out_of_range")]),
            ("wait=61s", &[("?wait", "out_of_range")]),
            (
                "limit=many&wait=30&page=2",
                &[
                    ("?limit", "out_of_range"),
                    ("?wait", "out_of_range"),
                    ("?page", "unknown_member"),
                ],
            ),
        ];
        for (query, expected) in cases {
            let expected: Vec<_> = expected
                .iter()
                .map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned()))
                .collect();
            assert_eq!(errors(query), expected, "{query}");
        }
    }
}
