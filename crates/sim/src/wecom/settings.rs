//! What a simulated WeCom platform is started with.
//!
//! The defaults are the platform's own values where they are documented or measured. Faster tests change
//! [`SimSettings::time_factor`] and never the values themselves.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::settings::{SimTls, StartError};
use crate::wecom::rate::RateLimit;

/// Settings of one simulated WeCom platform.
#[derive(Clone, Debug)]
pub struct SimSettings {
    /// Where connections, media and the control API are served. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// `host:port` written into the URLs of media and replies. `None`: the address it listens on.
    pub public_host: Option<String>,
    /// The bots that may subscribe.
    pub bots: Bots,
    /// Seed of all random choices and invented ids. Two runs with the same seed invent the same ids, so use a new seed if
    /// the receiver keeps its log between runs.
    pub seed: u64,
    /// Every duration of the platform below is divided by this.
    pub time_factor: f64,
    /// Serve wss with a generated certificate.
    pub tls: Option<SimTls>,
    /// Subscribes one bot may make per minute; further ones are answered 45009. The platform has such a
    /// limit and does not say which. `None`: no limit.
    pub subscribes_per_minute: Option<u32>,
    /// Whether a displaced connection gets the event before or after its successor's subscribe is answered.
    pub displaced_order: DisplacedOrder,
    /// How long a displaced connection is kept until its TCP connection ends without a close frame.
    /// Measured on the platform: 2.2 s and 313 s.
    pub displaced_kept: Duration,
    /// Time for a client to read what was written and to answer a close frame or a FIN. Then the connection is reset. The
    /// platform's value is unknown.
    pub close_patience: Duration,
    /// A connection that sends nothing for this time is closed. The platform closes silent connections and does not say
    /// when; 300 s fits what users report. `None`: never.
    pub idle_close: Option<Duration>,
    /// Interval of RFC 6455 pings to every connection. One source reports that the platform pings about every 30 s.
    /// `None`: never.
    pub protocol_pings: Option<Duration>,
    /// Whether callbacks of a bot without a holder wait for its next subscription; `false` loses them. The platform
    /// promises nothing.
    pub keep_while_offline: bool,
    /// Whether replies are possible only on the connection that got the callback. A reply with an older `req_id` then gets
    /// 846605, as users report, although the documented window is 24 h.
    pub req_ids_end_with_connection: bool,
    /// Age from which a stream can no longer be refreshed: 6 minutes in the documentation and in answers of
    /// spring 2026, 10 minutes in those of autumn.
    pub stream_limit: Duration,
    /// Code for a frame of a stream that is finished. The platform's is unknown; `None` accepts it.
    pub finished_stream_code: Option<i64>,
    /// Code for `content` above 20480 bytes. The platform's code is unknown.
    pub oversize_code: i64,
    /// Messages to one conversation, replies included: 30 per minute, 1000 per hour. More is 45009.
    pub message_limit: RateLimit,
    /// Refreshes of streams count as messages. Measured: they do not.
    pub count_refreshes: bool,
    /// Whether proactive messages are possible only to chats in which a user wrote before; others get 93006. The rule is
    /// documented, its code is not.
    pub require_known_chat: bool,
    /// Largest image: 10 MiB in clients, 2 MB in the documentation.
    pub image_bytes: u64,
    /// Uploads of one bot: 30 per minute, 1000 per hour. More is 45009.
    pub upload_limit: RateLimit,
    /// Whether an upload ends with its connection. The platform does not say.
    pub uploads_end_with_connection: bool,
    /// Whether `created_at` of a finished upload is a number. The documentation has both; the default is text.
    pub created_at_number: bool,
    /// How long a half-open connection still counts as live. Then it is reset.
    pub half_open_kept: Duration,
    /// Whether a connection that sends something other than JSON is closed with 1007. The platform's answer is unknown;
    /// by default such a message is ignored and counted.
    pub close_on_bad_json: bool,
    /// Most unsent bytes of a connection whose peer does not read. Further callbacks wait.
    pub unsent_bytes: usize,
    /// Number of newest pushes, and of newest messages that users see, whose records are kept. Counters are always exact.
    /// Replies are possible only to callbacks with a record.
    pub keep_records: usize,
}

impl Default for SimSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            public_host: None,
            bots: Bots::Any,
            seed: 1,
            time_factor: 1.0,
            tls: None,
            subscribes_per_minute: None,
            displaced_order: DisplacedOrder::AfterAck,
            displaced_kept: Duration::from_millis(2_200),
            close_patience: Duration::from_secs(5),
            idle_close: Some(Duration::from_secs(300)),
            protocol_pings: None,
            keep_while_offline: true,
            req_ids_end_with_connection: true,
            stream_limit: Duration::from_secs(360),
            finished_stream_code: None,
            oversize_code: 40_058,
            message_limit: RateLimit {
                per_minute: 30,
                per_hour: 1_000,
            },
            count_refreshes: false,
            require_known_chat: false,
            image_bytes: 10 * 1024 * 1024,
            upload_limit: RateLimit {
                per_minute: 30,
                per_hour: 1_000,
            },
            uploads_end_with_connection: true,
            created_at_number: false,
            half_open_kept: Duration::from_secs(90),
            close_on_bad_json: false,
            unsent_bytes: 8 * 1024 * 1024,
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
        if self.unsent_bytes == 0 {
            return Err(StartError::Setting("unsent_bytes must be above 0"));
        }
        if self.protocol_pings.is_some_and(|every| every.is_zero()) {
            return Err(StartError::Setting("protocol_pings must be above 0"));
        }
        Ok(())
    }
}

/// The bots that the platform knows.
#[derive(Clone)]
pub enum Bots {
    /// Every bot with any secret.
    Any,
    /// These bots with these secrets; everything else is code 853000.
    Known(Vec<(String, String)>),
}

impl Bots {
    pub(crate) fn accepts(&self, bot: &str, secret: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Known(bots) => bots.iter().any(|known| known.0 == bot && known.1 == secret),
        }
    }
}

impl std::fmt::Debug for Bots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("Any"),
            Self::Known(bots) => f
                .debug_list()
                .entries(bots.iter().map(|(id, _)| id))
                .finish(),
        }
    }
}

/// When a displaced connection gets its event. Clients assume either order; the platform does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisplacedOrder {
    /// `disconnected_event` first, then the answer to the new subscribe.
    BeforeAck,
    /// The answer first.
    AfterAck,
}
