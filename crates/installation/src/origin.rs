//! Who declared an installation.

use crate::labels::labels;

labels! {
    /// Who declared an installation, and so who may change it.
    Origin {
        /// The configuration file, which alone says what it is. What is no longer declared there is stopped, and from then on
        /// the operator's, as if the command line had added it.
        File = "file",
        /// The command line.
        Cli = "cli",
        /// The HTTP interface.
        Api = "api",
    }
}
