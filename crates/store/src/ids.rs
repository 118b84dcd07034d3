//! Numbers of rows that other crates name.

use std::fmt;

/// The row of a consumer. It is never given twice, and means nothing outside its database.
#[derive(Copy, Clone, Eq, PartialEq, Hash, Ord, PartialOrd, Debug)]
pub struct ConsumerId(pub i64);

impl fmt::Display for ConsumerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
