//! The command line: every command with its arguments. Nothing is carried out here.

mod applications;
mod backup;
mod installations;
mod language;
mod listing;
mod retention;
mod status;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use longwire_access::{Scope, TokenId};
use longwire_bench::cli::{Bench, Demo, Played, Torture};
use longwire_language::Language;

use crate::config::{LogFormat, parse_duration};

pub(crate) use applications::{AddConsumer, Consumers, Listen, WhichConsumer};
pub(crate) use backup::{Backup, Restore};
pub(crate) use installations::{Add, CallbackArgs, Installations, ListInstallations, Set};
pub(crate) use language::parse;
pub(crate) use listing::PageArgs;
pub(crate) use retention::{Erase, RetentionCommand, SetRetention};
pub(crate) use status::StatusArgs;

/// Holds thousands of Feishu, Lark and WeCom bots' long connections, and records every event before it acknowledges it.
///
/// First steps: `longwire demo` needs nothing at all; `longwire init` prepares the current directory.
#[derive(Debug, Parser)]
#[command(version, long_version = crate::version::long(), max_term_width = 100, arg_required_else_help = true, after_long_help = crate::exit_code::help())]
pub(crate) struct Cli {
    /// The configuration file. Unless named it is `longwire.toml` in the working directory, or else /etc/longwire/longwire.toml.
    #[arg(
        long,
        short,
        global = true,
        env = "LONGWIRE_CONFIG",
        value_name = "FILE"
    )]
    pub(crate) config: Option<PathBuf>,
    /// The language of help, errors and findings; LONGWIRE_LANG, LC_ALL, LC_MESSAGES and LANG say it unless given. The log
    /// and JSON are English in any case.
    #[arg(long, global = true, value_name = "zh|en")]
    pub(crate) lang: Option<Language>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Hold the connections of all installations until told to stop.
    Serve(Serve),
    /// Have the running server read its configuration file again, and say what is different.
    ///
    /// Bots are added, changed and stopped one by one; the others keep their connections. Settings that cannot be taken over
    /// while the server runs are named. A file with a mistake changes nothing. SIGHUP to the server does the same.
    Reload(Reload),
    /// Show it: both platforms simulated, bots, traffic and trouble, with a verdict at the end.
    Demo(Demo),
    /// Run the simulated platform alone, for tests of your own.
    Sim(SimArgs),
    /// Measure this build on this host against the simulated platform.
    ///
    /// Platform and gateway run in processes of their own, so the cost of each is told apart; they share this host's
    /// cores, so compare figures of one host only. Every run holds the platform's ledger against the store, and ends
    /// with 1 when an event was lost, is missing or was recorded twice.
    #[command(subcommand)]
    Bench(Bench),
    /// Kill the gateway under load, again and again, and hold the platform's ledger against the store.
    ///
    /// SIGKILL at random instants, also in start-up, now and then in the middle of another trouble; started again at
    /// once, while the platform repeats what was not acknowledged. Ends with 1 when an acknowledged event is missing, or one was recorded
    /// twice or lost. What dies is the process: whether the disk keeps what it confirmed is not tried.
    Torture(Torture),
    /// Write longwire.toml and make the store, its key and the first token in the current directory.
    Init,
    /// Say whether all is connected: which bots are not live and why, the store, the consumers.
    ///
    /// Ends with 0 when every wanted bot is live, with 1 when not, and with 4 when no server answers.
    Status(StatusArgs),
    /// Say what is wrong with the configuration and this host, and how to put it right.
    Check(Check),
    /// Ask the running server whether it lives, as a supervisor of containers does every few seconds.
    ///
    /// Ends with 1 when only a new process helps, and with 4 when nobody answers. It needs no token. A bot that is not live
    /// is no reason to end the others, and does not count.
    Probe {
        /// Address of the running server's admin interface; what the configuration says unless given.
        #[arg(long, env = "LONGWIRE_ADMIN_URL", value_name = "URL")]
        admin_url: Option<url::Url>,
    },
    /// Say whether the webhook of an application verifies signatures, takes repeats and answers in time.
    ///
    /// Posts samples that no application knows: a signed one, wrongly signed and old ones, the same one twice. Ends with 1
    /// when events cannot or should not be delivered there. Network settings come from the configuration, if there is one.
    CheckEndpoint(CheckEndpoint),
    /// Add, list, show, change, start, stop and remove installations (bots).
    #[command(subcommand, visible_alias = "installation", aliases = ["bots", "bot"])]
    Installations(Installations),
    /// Renew the key that seals the secrets in the store.
    #[command(subcommand)]
    Secrets(Secrets),
    /// Write the whole store into one file, also while a server runs.
    ///
    /// The file has every event, installation, consumer and position as they are at one moment. It never has the configuration.
    /// The server goes on recording meanwhile, and its write-ahead log does not grow.
    Backup(Backup),
    /// Make a store out of a backup, in a directory that has none.
    ///
    /// Checks every byte of the backup, every page of its database and that the key opens every secret before anything gets its
    /// name. `longwire serve` in that directory goes on from there: it knows the platform's repeats, and consumers go on at their
    /// positions.
    Restore(Restore),
    /// Make, list and revoke tokens: what programs and people show the HTTP interfaces.
    #[command(subcommand, visible_alias = "token")]
    Tokens(Tokens),
    /// Add, list, show, pause, resume, move and remove consumers: applications' positions in the event log.
    #[command(subcommand, visible_alias = "consumer")]
    Consumers(Consumers),
    /// Print events as they come, and post them to a program on this host. It takes no event from anybody.
    Listen(Listen),
    /// Say what to change in a program built on a platform's SDK, so that it connects here.
    Relay(RelayArgs),
    /// Read the event log.
    #[command(subcommand, visible_alias = "event")]
    Events(Events),
    /// Show and set what is kept, and for how long.
    #[command(subcommand)]
    Retention(RetentionCommand),
    /// Print what is built in (configuration, completions, manual pages, unit), and the certificate authority of this gateway.
    #[command(subcommand)]
    Print(Print),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// How the log looks; overrides the configuration.
    #[arg(long, value_enum)]
    pub(crate) log: Option<LogFormat>,
    /// Take over from the server that runs on the same store, without losing an event; it ends when this one has everything.
    /// Without such a server this one starts as usual.
    #[arg(long)]
    pub(crate) takeover: bool,
    /// End when the process that started this one is gone.
    #[arg(long, hide = true)]
    pub(crate) end_with_parent: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Reload {
    /// Say what is different, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "a duration has its unit, as in 30s or 500ms".to_owned())
}

/// An app and where its events are posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AppAndUrl {
    pub(crate) app: String,
    pub(crate) url: String,
}

fn app_and_url(text: &str) -> Result<AppAndUrl, String> {
    let (app, url) = text
        .split_once('=')
        .filter(|(app, _)| !app.is_empty())
        .ok_or_else(|| {
            "an app and its URL, as in cli_a=http://127.0.0.1:8080/callbacks/feishu/a".to_owned()
        })?;
    Ok(AppAndUrl {
        app: app.to_owned(),
        url: url.to_owned(),
    })
}

#[derive(Debug, Args)]
pub(crate) struct SimArgs {
    /// Which platform is played. What says so below is Feishu's alone.
    #[arg(long, value_enum, default_value_t = Played::Feishu)]
    pub(crate) platform: Played,
    /// Where the platform and its control interface listen.
    #[arg(long, default_value = "127.0.0.1:7900", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// Divides the platform's waiting times, such as Feishu's repeats after 15 s, 5 min, 1 h and 6 h and the 3 s it waits for an
    /// ACK, or WeCom's 5 minutes of a media link.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    pub(crate) time_factor: f64,
    /// Feishu: how long the platform waits before each repeat of a failed push. After the last one the push is lost.
    #[arg(long, default_value = "15s,5m,1h,6h", value_delimiter = ',', value_name = "DURATIONS", value_parser = duration)]
    pub(crate) repeats: Vec<Duration>,
    /// Feishu: seconds between pings, as the platform asks its clients.
    #[arg(long, default_value_t = 120, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) ping_interval: u32,
    /// Feishu: clients spread their first reconnect over so many seconds, as the platform asks.
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub(crate) reconnect_nonce: u32,
    /// Feishu: post the events and card callbacks of an app to this URL, which the platform first asks for its challenge.
    /// Can be given several times. Later ones are saved with `/sim/v1/request_urls`.
    #[arg(long = "request-url", value_name = "APP=URL", value_parser = app_and_url)]
    pub(crate) request_urls: Vec<AppAndUrl>,
    /// Feishu: the verification token of these apps.
    #[arg(long, value_name = "TEXT", requires = "request_urls")]
    pub(crate) verification_token: Option<String>,
    /// Feishu: the encrypt key of these apps. Without it callbacks are posted in clear.
    #[arg(long, value_name = "TEXT", requires = "request_urls")]
    pub(crate) encrypt_key: Option<String>,
    /// Feishu: PEM file with the authorities that vouch for request URLs with https.
    #[arg(long, value_name = "FILE")]
    pub(crate) trust_ca: Option<PathBuf>,
    /// How many finished pushes keep their record. Counters are exact in any case.
    #[arg(long, default_value_t = 100_000, value_name = "PUSHES", value_parser = clap::value_parser!(u32).range(0..=10_000_000))]
    pub(crate) keep_records: u32,
    /// Feishu: take calls of the Open API as often as they come, where the platform publishes limits.
    #[arg(long)]
    pub(crate) no_call_limits: bool,
    /// Serve https and wss with a generated certificate, and write its authority to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// Everything random follows from it; a new one every time unless given.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// End when the process that started this one is gone.
    #[arg(long, hide = true)]
    pub(crate) end_with_parent: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Also open a connection of each installation and close it again. An event that Feishu or Lark pushes in this moment
    /// comes again 15 s later. A WeCom bot's is left unused: subscribing would end the connection that the bot has.
    #[arg(long)]
    pub(crate) online: bool,
    /// Also look at every page of the database and open every sealed secret, about a second for 200 MiB. Beside a server nothing is
    /// held up: of a database above 256 MiB every row is read then, and the indexes of its large tables are left out.
    #[arg(long)]
    pub(crate) store: bool,
    /// Show what is fine, too.
    #[arg(long, short)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CheckEndpoint {
    /// The address of the webhook. Its secret (`whsec_…`) is asked for unless one of the two options below is given.
    pub(crate) url: String,
    /// Read the secret from standard input.
    #[arg(long, conflicts_with = "secret_file")]
    pub(crate) secret_stdin: bool,
    /// Read the secret from a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// PEM file with the authority that alone vouches for the webhook's certificate.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// A header to add to each post, as in `X-Team: support`. Can be given several times.
    #[arg(long = "header", short = 'H', value_name = "HEADER")]
    pub(crate) headers: Vec<String>,
    /// Post the contents of this file instead of a sample of our own.
    #[arg(long, value_name = "FILE")]
    pub(crate) sample: Option<PathBuf>,
    /// The webhook should answer 410, after which nothing more is delivered to it.
    #[arg(long)]
    pub(crate) expect_gone: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Secrets {
    /// Make a new sealing key, seal every secret again with it, and forget the former key.
    ///
    /// A backup of the database from before needs a copy of the key file from before. Copy the new key file afterwards.
    Rotate {
        #[command(flatten)]
        server: ServerArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Id or name.
    pub(crate) installation: String,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tokens {
    /// Make a token and print it. It is shown this once: what is kept is a digest.
    Create(CreateToken),
    /// List all tokens, valid or not.
    List {
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Revoke a token. A running server refuses it from this moment on.
    Revoke {
        /// Its id: the 16 letters behind `lw_`.
        token: TokenId,
        #[command(flatten)]
        server: ServerArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateToken {
    /// Your name for it: the program or the person that gets it.
    pub(crate) name: String,
    /// What it may do; several are allowed.
    #[arg(
        long = "scope",
        required = true,
        value_name = "SCOPE",
        value_delimiter = ','
    )]
    pub(crate) scopes: Vec<Scope>,
    /// The only installations it may name, by id or name; several are allowed. All of its space unless given.
    #[arg(long = "installation", short, value_name = "INSTALLATION")]
    pub(crate) installations: Vec<String>,
    /// How long it is valid, as in 90d. Until it is revoked unless given.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) expires: Option<Duration>,
    /// Whose it is. It finds nothing of other spaces.
    #[arg(long)]
    pub(crate) space: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RelayArgs {
    /// The bot, by name or by the platform's id of it. All are listed unless given, or there is one.
    pub(crate) bot: Option<String>,
    /// Show the programs that are connected now, and those that were refused last, with the reason that they are not told.
    #[arg(long, conflicts_with_all = ["bot", "client", "url", "token"])]
    pub(crate) connected: bool,
    /// Only this SDK or program: node, python, go, java, openclaw, hermes, ….
    #[arg(long)]
    pub(crate) client: Option<String>,
    /// How programs reach the server, as in `https://bots.example.com`; what the configuration says unless given.
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Make a token of this name for the bot, with the scope `relay`, and put it in.
    #[arg(long, value_name = "NAME")]
    pub(crate) token: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Events {
    /// Print the newest events, or follow the log.
    Tail(Tail),
    /// Show what happened to an event: when it came, each attempt to deliver it, what was replied.
    Show {
        /// Its id, `evt_…`.
        event: String,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Deliver an event to a consumer again. The consumer's position stays where it is.
    Replay {
        /// Its id, `evt_…`.
        event: String,
        /// The consumer.
        #[arg(long = "to", value_name = "CONSUMER")]
        consumer: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Post an event of a type that never happened to the webhook of a consumer, signed like any other, and say how it answers.
    Simulate {
        /// The type, as in `feishu.im.message.receive_v1`.
        event_type: String,
        /// The consumer.
        #[arg(long = "to", value_name = "CONSUMER")]
        consumer: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Erase what names a person: payloads of events, what was kept of their deliveries, and what the person agreed to.
    ///
    /// The events keep their place, type and time, and applications that read them later learn that they were erased.
    Erase(Erase),
    /// Print an event of a type that never happened, in its envelope.
    Sample {
        /// The type, as in `feishu.im.message.receive_v1`.
        event_type: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Only those of this installation, by id or name.
    #[arg(long, short)]
    pub(crate) installation: Option<String>,
    /// Begin with the oldest event instead of the newest ones.
    #[arg(long)]
    pub(crate) from_start: bool,
    /// Go on with what comes.
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// How many of the newest to begin with.
    #[arg(long, short = 'n', default_value_t = 20, conflicts_with = "from_start")]
    pub(crate) lines: usize,
    /// Print the platform's payloads too. They hold what people wrote. In JSON each is as it came, in `payload_base64`
    /// where it is no JSON itself
    #[arg(long)]
    pub(crate) payload: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Print {
    /// The commented configuration, every setting at its default.
    Config {
        /// For the unit that `print unit` prints: the store lies in /var/lib/longwire.
        #[arg(long)]
        service: bool,
    },
    /// The HTTP interface of applications, as an OpenAPI document.
    Openapi,
    /// Every text that people may read, in English and in Chinese.
    Messages {
        #[command(flatten)]
        output: Output,
    },
    /// The certificate authority of this gateway, in PEM, for those who connect to it: with `tls = "self-signed"` in the section `api`.
    ///
    /// Made if it is not there yet. Its key is not printed.
    Ca,
    /// Completions for a shell, which reads them from a file: `longwire print completions bash`.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Manual pages: longwire(1), or all of them, one for each command, into a directory.
    Man {
        /// The directory, which is made if it is missing.
        directory: Option<PathBuf>,
    },
    /// The unit for systemd, with its hardening and its rules for restarts.
    Unit {
        /// Path of the binary that the unit starts; that of this one unless given.
        #[arg(long, value_name = "PATH")]
        binary: Option<PathBuf>,
    },
}

/// How data is printed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Output {
    /// Form of the data on standard output.
    #[arg(long, short, value_enum, default_value_t = Form::Table)]
    pub(crate) output: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Ndjson,
}

/// Which server is asked.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerArgs {
    /// Address of the running server's admin interface; what the configuration says unless given.
    #[arg(long, env = "LONGWIRE_ADMIN_URL", value_name = "URL")]
    pub(crate) admin_url: Option<url::Url>,
    /// A file with the token to show it; LONGWIRE_TOKEN holds a token itself. The first token of the store unless given.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
