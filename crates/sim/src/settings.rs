//! The settings of a simulated Feishu platform.
//!
//! The defaults are the platform's documented values. Tests make time faster with [`SimSettings::time_factor`] and leave
//! the schedule as it is.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use longwire_wire::endpoint::ClientConfig;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Settings of one simulated platform.
#[derive(Clone, Debug)]
pub struct SimSettings {
    /// Where bootstrap, upgrade and control API are served. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// `host:port` written into the connection URL. `None`: the `Host` of the bootstrap request, which
    /// is right behind port mappings and proxies.
    pub public_host: Option<String>,
    /// The apps that may connect.
    pub apps: Apps,
    /// Apps that belong to the other cloud: their bootstrap is answered with code 1000040351.
    pub foreign_apps: Vec<String>,
    /// Seed of all random choices and invented ids. Two runs with the same seed invent the same event ids, so use a new
    /// seed if the receiver keeps its log between runs.
    pub seed: u64,
    /// The retry ladder, the deadlines and the 30-second liveness period are divided by this.
    pub time_factor: f64,
    /// Waiting time before each repeat of a failed push. After the last one the push is lost.
    /// Documented by the platform: 15 s, 5 min, 1 h, 6 h.
    pub ladder: Vec<Duration>,
    /// How long the platform waits for an ACK, and for the answer to an HTTP push: 3 s.
    pub ack_deadline: Duration,
    /// Of the time for an HTTP push, how much its TCP connection may take: 2 s.
    pub connect_deadline: Duration,
    /// How long a request URL may take to answer the challenge: 1 s.
    pub challenge_deadline: Duration,
    /// Most HTTP pushes under way at one time, each on a connection of its own that stays open.
    pub http_connections: usize,
    /// The time that the repeat of an HTTP push is signed with. What the platform does is not known.
    pub repeat_timestamp: RepeatTimestamp,
    /// What is made of answers to card callbacks that are not documented.
    pub card_answers: CardAnswerRules,
    /// PEM of the certificate authorities of request URLs with https. Without it https is not posted to.
    pub trust_pem: Option<String>,
    /// Payloads above this many bytes are split. Seen on the platform: 61,440.
    pub fragment_bytes: usize,
    /// Live connections that one app may have: 50. The next is refused with code 1000040350.
    pub connections_per_app: usize,
    /// The configuration in bootstrap answers and pongs; a missing value is sent as its default.
    pub client_config: ClientConfig,
    /// Serve https and wss with a generated certificate.
    pub tls: Option<SimTls>,
    /// A connection URL opens one connection only.
    pub one_time_ticket: bool,
    /// HTTP status of a refused upgrade. What the real platform sends is not documented.
    pub refusal_http_status: u16,
    /// Send the app's waiting events in the same packet as the 101 answer. A client that drops the bytes after the
    /// answer loses these events.
    pub events_with_upgrade: bool,
    /// For how long nothing is pushed over a new connection that has not pinged. Clients of the Node SDK lose events that
    /// come before their first ping; some clients never ping. Zero: events are pushed at once. Whether the platform waits
    /// is not known.
    pub quiet_until_ping: Duration,
    /// Hang up on a connection that sent no application ping for this many periods of 30 s.
    pub kick_after_periods: Option<u32>,
    /// How long a half-open connection still counts as live and gets pushes. Then it is reset.
    pub half_open_kept: Duration,
    /// Most unsent bytes of a connection whose peer does not read. Further frames are not written and time out.
    pub unsent_bytes: usize,
    /// For how long a tenant token holds: 2 h. From a quarter of it before the end on, another call gives a new token.
    pub token_lifetime: Duration,
    /// The open id of the person who is asked to let an app act for them.
    pub person: String,
    /// Messages that one chat takes within a second, of all apps: 5. The next is refused with code 230020. 0 for no limit.
    pub chat_messages_per_second: usize,
    /// How often apps may call.
    pub call_budgets: CallBudgets,
    /// Number of finished pushes whose records are kept, and of messages. Unfinished pushes always have a record, and counters are always
    /// exact.
    pub keep_records: usize,
}

impl Default for SimSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            public_host: None,
            apps: Apps::Any,
            foreign_apps: Vec::new(),
            seed: 1,
            time_factor: 1.0,
            ladder: [15, 300, 3_600, 21_600].map(Duration::from_secs).to_vec(),
            ack_deadline: Duration::from_secs(3),
            connect_deadline: Duration::from_secs(2),
            challenge_deadline: Duration::from_secs(1),
            http_connections: 100,
            repeat_timestamp: RepeatTimestamp::default(),
            card_answers: CardAnswerRules::default(),
            trust_pem: None,
            fragment_bytes: 61_440,
            connections_per_app: 50,
            client_config: ClientConfig {
                reconnect_count: Some(-1),
                reconnect_interval: Some(120),
                reconnect_nonce: Some(30),
                ping_interval: Some(120),
            },
            tls: None,
            one_time_ticket: true,
            refusal_http_status: 403,
            events_with_upgrade: false,
            quiet_until_ping: Duration::ZERO,
            kick_after_periods: None,
            half_open_kept: Duration::from_secs(90),
            unsent_bytes: 8 * 1024 * 1024,
            token_lifetime: Duration::from_secs(2 * 60 * 60),
            person: "ou_00000000000000000000000000000a17".to_owned(),
            chat_messages_per_second: 5,
            call_budgets: CallBudgets::published(),
            keep_records: 100_000,
        }
    }
}

impl SimSettings {
    /// A duration of the platform in the simulator's time.
    pub(crate) fn scaled(&self, platform_time: Duration) -> Duration {
        platform_time.div_f64(self.time_factor)
    }

    pub(crate) fn check(&self) -> Result<(), StartError> {
        if !(self.time_factor.is_finite() && self.time_factor > 0.0) {
            return Err(StartError::Setting("time_factor must be above 0"));
        }
        if self.http_connections == 0 {
            return Err(StartError::Setting("http_connections must be above 0"));
        }
        if self.fragment_bytes == 0 {
            return Err(StartError::Setting("fragment_bytes must be above 0"));
        }
        if self.events_with_upgrade && !self.quiet_until_ping.is_zero() {
            return Err(StartError::Setting(
                "events_with_upgrade and quiet_until_ping exclude each other",
            ));
        }
        if !(100..=599).contains(&self.refusal_http_status) || self.refusal_http_status == 101 {
            return Err(StartError::Setting(
                "refusal_http_status must be an http status other than 101",
            ));
        }
        Ok(())
    }
}

/// How often apps may call; 0 is as often as they like. Above it the answer is code 99991400 with the documented headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallBudgets {
    /// Calls of one kind by one app within a second: 50.
    pub app_per_second: usize,
    /// Calls of one kind by one app within a minute: 1,000.
    pub app_per_minute: usize,
    /// Calls for names within a second: 5.
    pub names_per_second: usize,
    /// New cards in place of one message's within a second: 5. Above it the answer is code 230020.
    pub message_changes_per_second: usize,
    /// Changes of one card entity within a second: 10. Streamed texts are exempt.
    pub card_changes_per_second: usize,
}

impl CallBudgets {
    /// Those of the documentation.
    pub fn published() -> Self {
        Self {
            app_per_second: 50,
            app_per_minute: 1_000,
            names_per_second: 5,
            message_changes_per_second: 5,
            card_changes_per_second: 10,
        }
    }

    /// No limits.
    pub fn none() -> Self {
        Self {
            app_per_second: 0,
            app_per_minute: 0,
            names_per_second: 0,
            message_changes_per_second: 0,
            card_changes_per_second: 0,
        }
    }
}

/// The time in the signature of a repeat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepeatTimestamp {
    /// That of the repeat.
    #[default]
    Fresh,
    /// That of the first try.
    First,
}

/// How strictly answers to card callbacks are judged where the platform's ways are not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardAnswerRules {
    /// Unknown members and an empty body are code 200672.
    #[default]
    Strict,
    /// They are ignored.
    Lenient,
}

/// The apps that the platform knows.
#[derive(Clone)]
pub enum Apps {
    /// Every app with any secret.
    Any,
    /// These apps with these secrets; everything else is code 514.
    Known(Vec<(String, String)>),
}

impl std::fmt::Debug for Apps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("Any"),
            Self::Known(apps) => f
                .debug_list()
                .entries(apps.iter().map(|(id, _)| id))
                .finish(),
        }
    }
}

/// TLS of the simulated platform: a fresh certificate authority and a server certificate per start.
/// The authority's PEM is at [`crate::Sim::ca_pem`].
#[derive(Clone, Debug)]
pub struct SimTls {
    /// Names and addresses the server certificate is for.
    pub names: Vec<String>,
}

impl Default for SimTls {
    fn default() -> Self {
        Self {
            names: vec!["localhost".into(), "127.0.0.1".into(), "::1".into()],
        }
    }
}

/// Why a simulated platform did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address could not be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address of the settings.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The runtime or its thread could not be started.
    #[error("cannot start the simulator's runtime")]
    Runtime(#[source] io::Error),
    /// The certificate could not be made.
    #[error("cannot make the simulator's certificate: {0}")]
    Certificate(String),
    /// The certificate authorities of request URLs could not be read.
    #[error("cannot read the certificate authorities of request URLs: {0}")]
    Trust(String),
    /// A setting makes no sense.
    #[error("bad simulator setting: {0}")]
    Setting(&'static str),
}
