//! What may become of the disk, in the words of operators.

/// Something that becomes a trouble of the store unless somebody does something about it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskConcern {
    /// A program reads an old state of the database, so the write-ahead log only grows.
    WalHeld,
    /// The disk has little free space.
    SpaceLow,
}

impl DiskConcern {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::WalHeld, Self::SpaceLow];

    /// A stable word for JSON.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::WalHeld => "wal_held",
            Self::SpaceLow => "space_low",
        }
    }

    /// What is the matter.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::WalHeld => "another program reads the database, and the write-ahead log grows",
            Self::SpaceLow => "the disk of the store has little free space",
        }
    }

    /// What an operator does about it.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::WalHeld => {
                "end the program that has a transaction open: `fuser longwire.db-wal` names those that use it. For copies there is \
                 `longwire backup`"
            }
            Self::SpaceLow => {
                "free space, let the store keep events for a shorter time, or move it to a larger disk. When the disk is full \
                 nothing is recorded: Feishu and Lark repeat what is refused, and WeCom's events wait unread"
            }
        }
    }

    pub(crate) fn bit(self) -> u8 {
        match self {
            Self::WalHeld => 1,
            Self::SpaceLow => 2,
        }
    }
}
