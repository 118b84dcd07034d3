//! What a run needs of the binary. It comes in as a value, so that nothing here depends on the gateway's code.

use std::path::PathBuf;

/// The binary that a run starts, as platform, as gateway and as floor.
#[derive(Debug, Clone)]
pub struct Program {
    /// Where it lies.
    pub executable: PathBuf,
    /// Its version, for reports.
    pub version: &'static str,
    /// Files that each process of a run may have open; `None` means without limit.
    pub open_files: Option<u64>,
    /// The least number of open files with which a gateway can hold so many connections.
    pub open_files_needed: fn(u64) -> u64,
}

#[cfg(test)]
impl Program {
    /// One that is never started.
    pub(crate) fn nowhere() -> Self {
        Self {
            executable: PathBuf::new(),
            version: "0.0.0",
            open_files: None,
            open_files_needed: |connections| connections,
        }
    }
}
