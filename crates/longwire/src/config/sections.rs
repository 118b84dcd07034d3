//! One struct per concern. Its default is what a file without the section means.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use longwire_api::{ReadyFloor, ReadyFloorError};
use longwire_egress::endpoint::PostLimits;
use longwire_egress::{AddressFilter, AllowNetworkError};
use longwire_fleet::{FleetLimits, MessageRateLimit};
use longwire_link::Timing;
use longwire_store::StoreUrl;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{ProxySetting, duration, size};

/// `[server]`: where this process listens, and how it leaves.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerSection {
    /// Probes and metrics; later the interface of applications.
    pub(crate) listen: SocketAddr,
    /// The operator's interface. Tokens and secrets travel in clear over it, so it belongs on loopback.
    pub(crate) admin_listen: SocketAddr,
    /// Names besides loopback's that the admin listener answers to (the browser's `Host`).
    pub(crate) admin_hosts: Vec<String>,
    /// How long a graceful stop may take.
    #[serde(deserialize_with = "duration::deserialize")]
    pub(crate) drain: Duration,
    /// How many of the wanted bots have to be live for `/readyz` to say yes: a share such as `"95%"`, or a number.
    #[serde(deserialize_with = "ready_floor")]
    pub(crate) ready_floor: ReadyFloor,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7700)),
            admin_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7701)),
            admin_hosts: Vec::new(),
            drain: Duration::from_secs(30),
            ready_floor: ReadyFloor::NONE,
        }
    }
}

fn ready_floor<'de, D: Deserializer<'de>>(value: D) -> Result<ReadyFloor, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Bots(u64),
        Text(String),
    }
    match Written::deserialize(value) {
        Ok(Written::Bots(bots)) => Ok(ReadyFloor::Bots(bots)),
        Ok(Written::Text(text)) => text.parse().map_err(D::Error::custom),
        Err(_) => Err(D::Error::custom(ReadyFloorError)),
    }
}

/// `[store]`: where events and installations are kept.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StoreSection {
    /// `sqlite:PATH`, relative to this file.
    pub(crate) url: StoreUrl,
    /// The keys that seal secrets; beside the database unless set.
    pub(crate) key_file: Option<PathBuf>,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self {
            url: StoreUrl::new("sqlite:longwire.db"),
            key_file: None,
        }
    }
}

/// `[limits]`: what the gateway lets bots do at most.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LimitsSection {
    /// Messages that applications may send through one bot, such as `60/min`. No limit unless set: the platforms have their own,
    /// and a lower one of ours would refuse what they take.
    #[serde(deserialize_with = "message_rate")]
    pub(crate) messages_per_bot: Option<MessageRateLimit>,
    /// Bots of one space that may be connected at once. No limit unless set: a host may serve one space alone, with thousands
    /// of bots, and a low number would keep most of them out.
    pub(crate) connections_per_space: Option<NonZeroU32>,
}

impl LimitsSection {
    /// As the fleet is started with them.
    pub(crate) fn limits(&self) -> FleetLimits {
        FleetLimits {
            messages_per_bot: self.messages_per_bot,
            connections_per_space: self.connections_per_space,
        }
    }
}

fn message_rate<'de, D: Deserializer<'de>>(value: D) -> Result<Option<MessageRateLimit>, D::Error> {
    let text = String::deserialize(value)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

/// `[connect]`: the pace of connection attempts.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ConnectSection {
    /// Attempts begun per second over all installations; 0 means no budget.
    pub(crate) per_second: u32,
}

impl Default for ConnectSection {
    fn default() -> Self {
        Self { per_second: 50 }
    }
}

/// `[tls]`: whom to trust.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TlsSection {
    /// PEM file with certificate authorities besides the system's.
    pub(crate) ca_file: Option<PathBuf>,
}

/// `[proxy]`: the way out of installations that bring no proxy of their own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ProxySection {
    /// Unset: what the environment's proxy variables say.
    pub(crate) url: Option<ProxySetting>,
    /// Hosts reached directly, besides those of the environment's `NO_PROXY`.
    pub(crate) no_proxy: Vec<String>,
}

/// `[egress]`: what may leave this host.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EgressSection {
    /// Hosts besides loopback that may be talked to without TLS.
    pub(crate) plain_http_hosts: Vec<String>,
}

/// `[webhooks]`: where applications may have events delivered to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WebhooksSection {
    /// Networks besides the internet: `loopback`, `private`, `10.0.0.0/8`.
    pub(crate) allow_networks: Vec<String>,
    /// How long an application may take for an answer.
    #[serde(deserialize_with = "duration::deserialize")]
    pub(crate) timeout: Duration,
}

impl Default for WebhooksSection {
    fn default() -> Self {
        Self {
            allow_networks: Vec::new(),
            timeout: PostLimits::default().deadline,
        }
    }
}

impl WebhooksSection {
    /// The addresses that may be dialled. Validation has accepted the entries.
    pub(crate) fn filter(&self) -> Result<AddressFilter, AllowNetworkError> {
        AddressFilter::from_entries(&self.allow_networks)
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// Text on a terminal, JSON on a pipe.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// `[log]`: what is told, and how.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LogSection {
    pub(crate) format: LogFormat,
    /// Directives of tracing's filter: `warn`, `longwire_fleet=debug`. Without a level for everything, that is `info`.
    pub(crate) filter: String,
}

impl Default for LogSection {
    fn default() -> Self {
        Self {
            format: LogFormat::Auto,
            filter: "info".to_owned(),
        }
    }
}

/// `[window]`: what one installation may have unanswered before its socket stops reading; of WeCom twice as many events.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WindowSection {
    pub(crate) events: usize,
    #[serde(deserialize_with = "size::deserialize")]
    pub(crate) bytes: usize,
}

impl Default for WindowSection {
    fn default() -> Self {
        Self {
            events: 64,
            bytes: 4 << 20,
        }
    }
}

/// `[fleet]`: how installations are spread over threads.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FleetSection {
    /// Threads that carry installations; 0 means one per core.
    pub(crate) arbiters: usize,
}

/// Declares `[timing]` from the durations of [`Timing`] an operator may change.
macro_rules! timing {
    ($($key:ident),+ $(,)?) => {
        /// `[timing]`: deadlines and paces. The defaults follow the platform's documented behaviour.
        #[derive(Debug, Clone, PartialEq, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct TimingSection {
            $(
                #[serde(deserialize_with = "duration::deserialize")]
                pub(crate) $key: Duration,
            )+
        }

        impl Default for TimingSection {
            fn default() -> Self {
                let timing = Timing::default();
                Self { $($key: timing.$key,)+ }
            }
        }

        impl TimingSection {
            /// The machines' timing with these durations in it.
            pub(crate) fn timing(&self) -> Timing {
                Timing {
                    $($key: self.$key,)+
                    // A connection has lasted when it outlived the shortest backoff.
                    stable_after: self.backoff_base,
                    ..Timing::default()
                }
            }

            /// Every duration with its key.
            pub(super) fn each(&self) -> impl Iterator<Item = (&'static str, Duration)> {
                [$((stringify!($key), self.$key),)+].into_iter()
            }
        }
    };
}

timing!(
    bootstrap,
    handshake,
    subscribe,
    write,
    ping_interval,
    pong_grace,
    ack,
    upload_ack,
    answer_budget,
    fragment_ttl,
    nonce_cap,
    backoff_base,
    backoff_cap,
    busy,
    limited_base,
    limited_cap,
    refused_base,
    refused_probe,
);

/// `[debug]`: for tests of the gateway itself.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DebugSection {
    /// Lets the admin interface panic or stop an actor on purpose.
    pub(crate) fault_injection: bool,
}
