//! Who declared an installation.

use crate::labels::labels;

labels! {
    /// Who declared an installation, and so who may change it.
    Origin {
        /// The configuration file; what is no longer declared there is stopped.
        File = "file",
        /// The command line.
        Cli = "cli",
        /// The HTTP interface.
        Api = "api",
    }
}
