//! How a bot stands to the configuration file, where its row alone does not say it.

use longwire_installation::Desired;

/// How a bot stands to the configuration file. Most bots need none of it: they run as the file or an operator says.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum FileStanding {
    /// The file declares it, and an operator started or stopped it against what the file says. That holds over restarts and
    /// reloads, until an operator decides otherwise, or `enabled` is changed in the file.
    Held {
        /// What the file says.
        declared: Desired,
        /// Since when it is held, in milliseconds since 1970.
        since_ms: i64,
    },
    /// The file declared it, and does not any more. It is stopped until an operator starts it, or the file declares it again.
    Left {
        /// Since when, in milliseconds since 1970.
        since_ms: i64,
    },
}

impl FileStanding {
    /// The word in the database and in JSON.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Held { .. } => "held",
            Self::Left { .. } => "left",
        }
    }

    /// Since when, in milliseconds since 1970.
    #[must_use]
    pub fn since_ms(self) -> i64 {
        match self {
            Self::Held { since_ms, .. } | Self::Left { since_ms } => since_ms,
        }
    }

    /// What the file says, if it says another thing than the row.
    #[must_use]
    pub fn declared(self) -> Option<Desired> {
        match self {
            Self::Held { declared, .. } => Some(declared),
            Self::Left { .. } => None,
        }
    }

    /// The standing in a row of the database; `None` for words of a newer version.
    pub(crate) fn of_row(label: &str, declared: Option<&str>, since_ms: i64) -> Option<Self> {
        match (label, declared.and_then(Desired::parse)) {
            ("held", Some(declared)) => Some(Self::Held { declared, since_ms }),
            ("left", None) => Some(Self::Left { since_ms }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_gives_what_was_written() {
        let held = FileStanding::Held {
            declared: Desired::Run,
            since_ms: 7,
        };
        for standing in [held, FileStanding::Left { since_ms: 8 }] {
            let declared = standing.declared().map(Desired::label);
            let read = FileStanding::of_row(standing.label(), declared, standing.since_ms());
            assert_eq!(read, Some(standing));
        }
        assert_eq!(FileStanding::of_row("held", None, 1), None);
        assert_eq!(FileStanding::of_row("lent", None, 1), None);
    }
}
