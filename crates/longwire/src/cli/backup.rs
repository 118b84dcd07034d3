//! The arguments of `backup` and `restore`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The backup. It is made as FILE.part and gets its name when it is whole. `-` is standard output.
    #[arg(value_name = "FILE|-")]
    pub(crate) to: PathBuf,
    /// Put the key that opens the secrets into the backup, with the first token and the key of our certificate authority. Whoever
    /// has such a backup has the bots.
    #[arg(long, conflicts_with = "without_key")]
    pub(crate) with_key: bool,
    /// Leave the key out, as it is unless told otherwise: keep a copy of it elsewhere. Secrets stay sealed in the backup, messages
    /// are in clear.
    #[arg(long)]
    pub(crate) without_key: bool,
    /// Replace a file that has the name.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// A file that `longwire backup` made. `-` is standard input.
    #[arg(value_name = "FILE|-")]
    pub(crate) from: PathBuf,
    /// The directory for the store. It is made if it is missing. A store that is there is never replaced.
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// The copy of the key file, for a backup without the key. FILE.key is taken if it is there.
    #[arg(long, value_name = "KEYFILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Stop every installation, so that a server which is started there connects no bot that another one may hold.
    #[arg(long)]
    pub(crate) stopped: bool,
}
