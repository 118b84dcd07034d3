//! A page of a list.

use serde::{Deserialize, Serialize};

/// The answer of every list: some elements, and how to get those behind them.
#[derive(Debug, Serialize, Deserialize)]
pub struct ListPage<T> {
    /// The elements of this page.
    pub data: Vec<T>,
    /// `after` of the next page; `null` at the end.
    pub next: Option<String>,
    /// How many elements there are, on this page or on others; `null` where nobody counts them.
    #[serde(default)]
    pub total: Option<usize>,
}
