//! What the operator wants of an installation.

use crate::labels::labels;

labels! {
    /// What the operator wants of an installation.
    Desired {
        /// Connected.
        Run = "run",
        /// Kept, but not connected.
        Stop = "stop",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_back() {
        for &desired in Desired::ALL {
            assert_eq!(Desired::parse(desired.label()), Some(desired));
        }
    }
}
