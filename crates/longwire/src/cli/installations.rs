//! The arguments of `installations`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use longwire_fleet::STATE_LABELS;
use longwire_installation::Mode;

use super::{Output, PageArgs, ServerArgs, Which, duration};
use crate::config::PlatformName;

#[derive(Debug, Subcommand)]
pub(crate) enum Installations {
    /// Keep a new installation. Its secret is asked for, or read with --secret-stdin or --secret-file.
    ///
    /// The platform is asked first, and a bot that it does not take is not kept: exit code 1. An app of the other region
    /// (Feishu, Lark) is kept with the region that took it. Of a WeCom bot only the way to the platform is tried, unless
    /// --exclusive is given.
    Add(Box<Add>),
    /// List all installations, with their state when the server runs.
    List(ListInstallations),
    /// Show one installation: its state, the reason, the next step, and its timeline.
    Show {
        /// Id or name.
        installation: String,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Want an installation connected. A bot that another client took is taken back.
    Start(Which),
    /// Want an installation not connected. What Feishu and Lark push meanwhile is repeated only for some hours, and
    /// what WeCom does is gone.
    Stop(Which),
    /// Change an installation: its secret, mode, callback secrets, address, proxy or take-back.
    ///
    /// While the bot is connected, a new secret waits beside the present one until the platform has taken it.
    Set(Box<Set>),
    /// Have the running server try the new secret that waits, now. The present one serves until the platform has taken it.
    ///
    /// A WeCom bot loses its connection for a moment, and the streams under way with it. Bots of Feishu and Lark try a new
    /// secret by themselves, without a gap.
    TrySecret(Which),
    /// Give an installation a new secret, and say whether the platform takes it.
    ///
    /// A connected bot proves it on a second connection while the present secret serves, and a refused one is dropped. A WeCom
    /// bot loses its connection for a moment when it is taken, and the streams under way with it. Without a running server
    /// the secret is kept and used from the next start on.
    RotateSecret {
        /// Id or name.
        installation: String,
        /// Read the new secret from standard input. It is asked for unless it is given.
        #[arg(long, conflicts_with = "secret_file")]
        secret_stdin: bool,
        /// Read the new secret from a file.
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Have the running server try an installation now: one that is refused, displaced, waits after failures, or whose actors
    /// failed too often.
    ///
    /// Files with its secrets are read again before. A displaced bot is taken back. Ends with 1 if the bot is not live
    /// afterwards.
    Retry(Which),
    /// Give an installation another name.
    Rename {
        /// Id or name.
        installation: String,
        /// The new name.
        name: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Remove an installation and its secrets. Its events stay under its id until retention takes them.
    Remove {
        /// Id or name.
        installation: String,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Which installations are listed.
#[derive(Debug, Args)]
pub(crate) struct ListInstallations {
    /// Only those in this state; several are allowed.
    #[arg(long = "state", value_name = "STATE", value_delimiter = ',', value_parser = STATE_LABELS)]
    pub(crate) states: Vec<String>,
    /// Only those that are wanted, need a connection and have none.
    #[arg(long)]
    pub(crate) not_live: bool,
    /// Only those of this platform; several are allowed.
    #[arg(
        long = "platform",
        value_enum,
        value_name = "PLATFORM",
        value_delimiter = ','
    )]
    pub(crate) platforms: Vec<PlatformName>,
    /// Show the list again and again, until the command is ended.
    #[arg(long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) page: PageArgs,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// What is changed of an installation; at least one of them.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Id or name.
    pub(crate) installation: String,
    /// Ask for another secret of the app or bot.
    #[arg(long, conflicts_with_all = ["secret_stdin", "secret_file"])]
    pub(crate) secret: bool,
    /// Read another secret from standard input.
    #[arg(long, conflicts_with = "secret_file")]
    pub(crate) secret_stdin: bool,
    /// Read another secret from a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) callbacks: CallbackArgs,
    /// Take the verification token away.
    #[arg(long, conflicts_with = "verification_token_file")]
    pub(crate) no_verification_token: bool,
    /// Take the encrypt key away.
    #[arg(long, conflicts_with = "encrypt_key_file")]
    pub(crate) no_encrypt_key: bool,
    /// Another address of the platform: a private deployment, or the simulator. https, or wss on WeCom.
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<url::Url>,
    /// The platform's public address again.
    #[arg(long, conflicts_with = "base_url")]
    pub(crate) no_base_url: bool,
    /// Its own proxy: `direct`, or http://host:port without a password.
    #[arg(long, value_name = "PROXY", conflicts_with = "proxy_file")]
    pub(crate) proxy: Option<String>,
    /// Its own proxy, whose address holds a password, from a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) proxy_file: Option<PathBuf>,
    /// The proxy of the configuration again.
    #[arg(long, conflicts_with_all = ["proxy", "proxy_file"])]
    pub(crate) no_proxy: bool,
    /// When another client takes the WeCom bot's connection, take it back after this time, 5m or more.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) take_back_after: Option<Duration>,
    /// Take it back so often within 24 hours at most, up to 48 times.
    #[arg(long, value_name = "TIMES")]
    pub(crate) take_back_per_day: Option<u32>,
    /// Never take it back.
    #[arg(long, conflicts_with_all = ["take_back_after", "take_back_per_day"])]
    pub(crate) no_take_back: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// By which road events come, and what callbacks are checked with.
#[derive(Debug, Args)]
pub(crate) struct CallbackArgs {
    /// By which road events come: over the long connection, pushed over HTTP, or both. Both are Feishu's and Lark's.
    #[arg(long, value_parser = mode, value_name = "MODE")]
    pub(crate) mode: Option<Mode>,
    /// The verification token of the developer console, from a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) verification_token_file: Option<PathBuf>,
    /// The encrypt key of the developer console, from a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) encrypt_key_file: Option<PathBuf>,
}

fn mode(text: &str) -> Result<Mode, String> {
    Mode::parse(text).ok_or_else(|| "a mode is long_connection, webhook or both".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Your name for it.
    pub(crate) name: String,
    /// The app's id, `cli_…`, on Feishu or Lark.
    #[arg(long, required_unless_present = "bot_id")]
    pub(crate) app_id: Option<String>,
    /// The bot's id, on WeCom.
    #[arg(long, conflicts_with = "app_id")]
    pub(crate) bot_id: Option<String>,
    /// Where the bot lives; `wecom` with --bot-id, else `feishu`, unless given.
    #[arg(long, value_enum)]
    pub(crate) platform: Option<PlatformName>,
    /// Read the secret from standard input.
    #[arg(long, conflicts_with = "secret_file")]
    pub(crate) secret_stdin: bool,
    /// Read the secret from a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Another address of the platform: a private deployment, or the simulator. https, or wss on WeCom.
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<url::Url>,
    /// Its own proxy: `direct`, or http://host:port without a password.
    #[arg(long, value_name = "PROXY", conflicts_with = "proxy_file")]
    pub(crate) proxy: Option<String>,
    /// Its own proxy, whose address holds a password, from a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) proxy_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) callbacks: CallbackArgs,
    /// When another client takes the WeCom bot's connection, take it back after this time, 5m or more. Never unless
    /// given: two clients that both come back keep taking it from each other.
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "take_back_per_day")]
    pub(crate) take_back_after: Option<Duration>,
    /// Take it back so often within 24 hours at most, up to 48 times.
    #[arg(long, value_name = "TIMES", requires = "take_back_after")]
    pub(crate) take_back_per_day: Option<u32>,
    /// Keep it without connecting it.
    #[arg(long)]
    pub(crate) stopped: bool,
    /// Keep it without asking the platform whether it takes the bot.
    #[arg(long, conflicts_with = "exclusive")]
    pub(crate) no_probe: bool,
    /// No other program has this WeCom bot: prove its id and secret too, by subscribing once. That would end the connection
    /// of a program that has it.
    #[arg(long)]
    pub(crate) exclusive: bool,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}
