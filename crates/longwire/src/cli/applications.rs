//! The arguments of `consumers` and `listen`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Output, PageArgs, ServerArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum Consumers {
    /// Make a consumer. The secret of a webhook is printed this once.
    Add(Box<AddConsumer>),
    /// List the consumers of the token's space.
    List {
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show a consumer: its definition, its state, how far it is behind.
    Show(ShowConsumer),
    /// Deliver nothing to a consumer until it is resumed. Its backlog waits.
    Pause(WhichConsumer),
    /// Deliver to a consumer again, also after its webhook answered 410.
    Resume(WhichConsumer),
    /// Move the position of a consumer, forwards or backwards.
    Seek {
        /// Its name.
        consumer: String,
        /// `now`, `beginning`, the number of an event, or a time such as 2026-01-31T12:00:00Z.
        to: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Remove a consumer with its position. Events stay in the log.
    Remove(WhichConsumer),
    /// Give a webhook another secret, and print it this once. For a day both sign.
    RotateSecret(WhichConsumer),
}

#[derive(Debug, Args)]
pub(crate) struct WhichConsumer {
    /// Its name.
    pub(crate) consumer: String,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ShowConsumer {
    /// Its name.
    pub(crate) consumer: String,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AddConsumer {
    /// Your name for it.
    pub(crate) name: String,
    /// Post events to this address. Without it and --stream, events are pulled.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Hand events over as a stream.
    #[arg(long, conflicts_with = "url")]
    pub(crate) stream: bool,
    /// Only events of these types; `*` stands for any text. Several are allowed.
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) types: Vec<String>,
    /// Only events of these installations, by id. Several are allowed.
    #[arg(long = "installation", short, value_name = "ID")]
    pub(crate) installations: Vec<String>,
    /// Its answers go to clicks on cards.
    #[arg(long)]
    pub(crate) claims_cards: bool,
    /// Where it begins: `now`, `beginning`, the number of an event, or a time.
    #[arg(long, default_value = "now")]
    pub(crate) from: String,
    /// Everything else of a definition, as JSON, from a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) definition: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Listen {
    /// Only events of these types; `*` stands for any text. Several are allowed.
    #[arg(long = "filter", value_name = "TYPE")]
    pub(crate) types: Vec<String>,
    /// Post each event to this address too, signed with a secret that is printed first.
    #[arg(long, value_name = "URL")]
    pub(crate) forward_to: Option<url::Url>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}
