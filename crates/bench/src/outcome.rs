//! How a run ends that could be carried out.

/// What a run is found to be once everything is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// Nothing was lost, doubled or missing, and what is promised was kept.
    Passed,
    /// A promise was broken; the report says which.
    Failed,
}
