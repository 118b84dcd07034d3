//! Metrics of the calls that applications make through the gateway. Paths have no ids, and there are some hundred at most.

use std::fmt;

use super::families::Families;

/// The calls of one method and path.
#[derive(Debug, Clone)]
pub struct RelayCalls {
    /// The method.
    pub method: &'static str,
    /// The path, with `{}` for ids.
    pub path: Box<str>,
    /// How many there were, by what was answered: a code, `http_…` without one, `caller_gone`, `other`.
    pub outcomes: Vec<(String, u64)>,
    /// Upper edges of durations in seconds, the last one infinite, and how many lie below each and above the one before.
    pub durations: Vec<(f64, u64)>,
    /// All durations together, in seconds.
    pub total_s: f64,
}

pub(super) fn write(calls: &[RelayCalls], families: &mut Families<'_>) -> fmt::Result {
    let outcomes = calls.iter().flat_map(|of| {
        let outcomes = of.outcomes.iter();
        outcomes.map(|(outcome, count)| ([of.method, &*of.path, &**outcome], *count))
    });
    families.counters_of(
        "relay_calls",
        "Calls of the Open API that applications made through the gateway, by the code that was answered",
        ["method", "path", "outcome"],
        outcomes,
    )?;
    families.histograms_of(
        "relay_call_seconds",
        "How long such calls took, with the wait for their turn, to the head of the answer",
        ["method", "path"],
        calls
            .iter()
            .map(|of| ([of.method, &*of.path], of.total_s, &of.durations[..])),
    )
}
