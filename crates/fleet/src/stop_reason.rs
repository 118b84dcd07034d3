//! Why a stopped bot is stopped, where the configuration file has a part in it.

use longwire_installation::{Desired, Origin};
use longwire_store::{FileStanding, InstallationRecord};

/// Why a bot is stopped, where the configuration file has a part in it. Of others whoever stopped them knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// The file declared it, and does not any more.
    LeftFile,
    /// An operator stopped it, though the file says that it is to run.
    Held,
    /// The file says so.
    DisabledInFile,
}

impl StopReason {
    /// Why this one is stopped; `None` if it is to run, or if the file has no part in it.
    pub(crate) fn of(record: &InstallationRecord) -> Option<Self> {
        match (record.desired, record.origin, record.standing) {
            (Desired::Run, _, _) => None,
            (Desired::Stop, _, Some(FileStanding::Left { .. })) => Some(Self::LeftFile),
            (Desired::Stop, _, Some(FileStanding::Held { .. })) => Some(Self::Held),
            (Desired::Stop, Origin::File, None) => Some(Self::DisabledInFile),
            (Desired::Stop, Origin::Cli | Origin::Api, None) => None,
        }
    }

    /// A stable name for programs.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::LeftFile => "left_file",
            Self::Held => "held_stopped",
            Self::DisabledInFile => "disabled_in_file",
        }
    }

    /// The reason in words.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::LeftFile => "the configuration file does not declare it any more",
            Self::Held => "stopped by an operator, declared in the configuration file",
            Self::DisabledInFile => "the configuration file says `enabled = false`",
        }
    }

    /// What to do if it is to run.
    pub(crate) fn next_step(self) -> &'static str {
        match self {
            Self::LeftFile => {
                "Declare it in the file again and run `longwire reload`; or start it with `longwire installations start`, or \
                 remove it with `longwire installations remove`."
            }
            Self::Held => {
                "Start it with `longwire installations start`. The stop holds over restarts and reloads until then, or until \
                 `enabled` is changed in the file."
            }
            Self::DisabledInFile => {
                "Set `enabled = true` in the file and run `longwire reload`, or start it with `longwire installations start`."
            }
        }
    }
}
