//! How a command ends: its exit code ([`exit_code`](crate::exit_code)), and for a failure what happened and what to do.

use std::io;
use std::net::SocketAddr;

use longwire_bench::BenchError;
use longwire_delivery::{CreateError, DeliveryStartError};
use longwire_fleet::ProbeError;
use longwire_installation::NameError;
use longwire_store::{BackupError, OpenError, ProcessUser, ReadError, RestoreError, WriteError};

use crate::certificates::CertificateFailure;
use crate::client::{ClientError, KEEP_ALL_THE_SAME, ONE_NAME};
use crate::config::{ConfigError, DeclarationError, ProxySettingError, SecretError};
use crate::takeover::TakeoverError;
use crate::token_file::FirstTokenError;

pub(crate) use crate::exit_code::{Exit, leave};

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An installation of the file cannot be kept.
    #[error(transparent)]
    Declaration(#[from] DeclarationError),
    /// The proxy of everybody cannot be used.
    #[error("the proxy of [proxy] cannot be used")]
    Proxy(#[from] ProxySettingError),
    /// A takeover came to nothing.
    #[error("cannot take over")]
    Takeover(#[from] TakeoverError),
    /// Trusted roots cannot be loaded.
    #[error(transparent)]
    Tls(#[from] longwire_egress::TlsError),
    /// There is no certificate for the listener of applications.
    #[error(transparent)]
    Certificate(#[from] CertificateFailure),
    /// The store does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store does not answer.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store does not take a change.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// There is no backup.
    #[error(transparent)]
    Backup(Box<BackupError>),
    /// Nothing was restored.
    #[error(transparent)]
    Restore(Box<RestoreError>),
    /// A secret given on the command line's behalf cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The server does not do what it was asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Delivery does not start.
    #[error(transparent)]
    Delivery(#[from] DeliveryStartError),
    /// The consumer of the demo's application cannot be made.
    #[error("the application of the demo gets no events")]
    Consumer(#[from] CreateError),
    /// The store's first token cannot be made.
    #[error("the first token cannot be made")]
    FirstToken(#[from] FirstTokenError),
    /// There is no such token.
    #[error("there is no token `{0}`")]
    NoToken(String),
    /// An address cannot be listened on.
    #[error("cannot listen on {address} ({setting})")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The setting it stands in.
        setting: &'static str,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// The simulated platform does not start.
    #[error("the simulated platform does not start")]
    Sim(#[from] longwire_sim::StartError),
    /// A measured run came to nothing.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// The platform does not take a bot that was to be added, or could not be asked.
    #[error("{error}; nothing was kept{}", how_to_go_on(error))]
    Probe {
        /// Why. It is told in the text, so it is no source.
        error: ProbeError,
    },
    /// An installation cannot be called so.
    #[error("`{name}` is no name")]
    Name {
        /// What it was to be called.
        name: String,
        /// Why not.
        #[source]
        source: NameError,
    },
    /// There is no such installation.
    #[error("there is no installation `{0}`")]
    NoInstallation(String),
    /// A value of the command line is wrong in a way its type could not tell.
    #[error("{0}")]
    Usage(String),
    /// The operating system refuses something.
    #[error("cannot {doing}{}", ProcessUser::behind(source))]
    Io {
        /// What was being done.
        doing: String,
        /// What it says.
        #[source]
        source: io::Error,
    },
}

/// What else to do about a bot that the platform could not be asked about.
fn how_to_go_on(error: &ProbeError) -> &'static str {
    match error {
        ProbeError::Refused { .. } => "",
        ProbeError::Unanswered { .. } => KEEP_ALL_THE_SAME,
    }
}

impl Failure {
    /// For `map_err`.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// The process's answer to it.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Config(_)
            | Self::Declaration(_)
            | Self::Proxy(_)
            | Self::Tls(_)
            | Self::Certificate(_) => Exit::Config,
            Self::Usage(_) | Self::Secret(_) => Exit::Usage,
            Self::Bench(error) => Exit::of_run(error),
            Self::NoInstallation(_) | Self::NoToken(_) => Exit::NotFound,
            Self::Client(error) => error.exit(),
            Self::Open(_)
            | Self::Takeover(_)
            | Self::Read(_)
            | Self::Write(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Delivery(_)
            | Self::Consumer(_)
            | Self::FirstToken(_)
            | Self::Listen { .. }
            | Self::Sim(_)
            | Self::Probe { .. }
            | Self::Name { .. }
            | Self::Io { .. } => Exit::Failed,
        }
    }

    /// What to do about it, where we know better than its words.
    pub(crate) fn advice(&self) -> Option<&str> {
        match self {
            Self::Config(error) => Some(error.advice()),
            Self::Declaration(error) => Some(error.advice()),
            Self::Proxy(error) => Some(error.advice()),
            Self::Tls(_) => Some("correct ca_file of [tls]"),
            Self::Certificate(error) => Some(error.advice()),
            Self::Open(error) => Some(error.advice()),
            Self::Backup(error) => Some(error.advice()),
            Self::Restore(error) => Some(error.advice()),
            Self::Takeover(error) => Some(error.advice()),
            Self::Secret(error) => Some(error.advice()),
            Self::Client(error) => error.advice(),
            Self::Listen { source, .. } => Some(match source.kind() {
                io::ErrorKind::AddrInUse => {
                    "stop the process that listens there, or choose another address; port 0 takes a free one"
                }
                io::ErrorKind::PermissionDenied => "ports below 1024 need CAP_NET_BIND_SERVICE",
                _ => "choose an address of this host",
            }),
            Self::Bench(error) => error.advice(),
            Self::Probe { error } => Some(error.next_step()),
            Self::NoInstallation(_) => Some("`longwire installations list` shows them"),
            Self::NoToken(_) => Some("`longwire tokens list` shows them"),
            Self::FirstToken(FirstTokenError::File(error)) => Some(error.advice()),
            Self::FirstToken(FirstTokenError::Write(error)) => error.advice(),
            Self::Write(WriteError::SameBot { .. }) => Some(ONE_NAME),
            Self::Write(error) => error.advice(),
            Self::Delivery(_)
            | Self::Consumer(_)
            | Self::FirstToken(FirstTokenError::Read(_))
            | Self::Read(_)
            | Self::Sim(_)
            | Self::Usage(_)
            | Self::Name { .. }
            | Self::Io { .. } => None,
        }
    }
}
