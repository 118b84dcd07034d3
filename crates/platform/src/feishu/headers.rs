//! The headers of an answer that matter.

use std::time::Duration;

use longwire_egress::HttpAnswer;

/// How long a rate limit says to wait.
pub(super) fn retry_after(answer: &HttpAnswer) -> Option<Duration> {
    let seconds = header(answer, "x-ogw-ratelimit-reset").or_else(|| header(answer, "retry-after"));
    let seconds = seconds?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

pub(super) fn header<'a>(answer: &'a HttpAnswer, name: &str) -> Option<&'a str> {
    let mut headers = answer.headers.iter();
    let found = headers.find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}
