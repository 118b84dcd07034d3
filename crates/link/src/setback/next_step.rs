//! The sentence that tells an operator what to do about a setback.

use longwire_wire::endpoint::code;

use super::Setback;

impl Setback {
    /// What an operator can do about it, in one sentence.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match *self {
            Self::SystemBusy | Self::PlatformInternal => PLATFORM_TROUBLE,
            Self::ConnectionLimit
            | Self::HandshakeAuth {
                sub: Some(code::CONNECTION_LIMIT),
            } => TOO_MANY_CONNECTIONS,
            Self::WrongDomain => WRONG_DOMAIN,
            Self::Forbidden | Self::HandshakeForbidden => FORBIDDEN,
            Self::AuthFailed => WRONG_APP_SECRET,
            Self::UnknownCode(_) => UNKNOWN_CODE,
            Self::HttpStatus(400 | 401 | 403) => BAD_REQUEST,
            Self::HttpStatus(404) => NO_ENDPOINT,
            Self::HttpStatus(429) | Self::RateLimited(_) => RATE_LIMITED,
            Self::HttpStatus(_) => OTHER_STATUS,
            Self::Unreachable => UNREACHABLE,
            Self::TimedOut | Self::HandshakeTimedOut => TIMED_OUT,
            Self::NotJson | Self::NoUrl => FOREIGN_ANSWER,
            Self::ProxyRefused { .. } => PROXY_REFUSED,
            Self::ProxyUnauthorized => PROXY_UNAUTHORIZED,
            Self::ProxyUnusable => PROXY_UNUSABLE,
            Self::TlsFailed(fault) => fault.next_step(),
            Self::HandshakeAuth { .. } | Self::HandshakeRefused { .. } => HANDSHAKE_REFUSED,
            Self::ClosedByPlatform { .. } | Self::Reset | Self::Silent | Self::WriteFailed => {
                CONNECTION_LOST
            }
            Self::ProtocolViolation => PROTOCOL_VIOLATION,
            Self::NoMemory => NO_MEMORY,
            Self::Panicked => PANICKED,
            Self::CredentialsRefused { .. } => WRONG_BOT_SECRET,
            Self::SubscribeLimited => SUBSCRIBE_LIMITED,
            Self::SubscribeFailed { .. } => SUBSCRIBE_FAILED,
            Self::SubscribeTimedOut => SUBSCRIBE_TIMED_OUT,
            Self::NotSubscribed => NOT_SUBSCRIBED,
            Self::Displaced => DISPLACED,
            Self::NoSecret => NO_SECRET,
            Self::SameBot => SAME_BOT,
            Self::SpaceLimit => SPACE_LIMIT,
            Self::AddressRefused => ADDRESS_REFUSED,
            Self::TooManyOpenFiles => TOO_MANY_OPEN_FILES,
        }
    }
}

const PLATFORM_TROUBLE: &str =
    "Nothing to do: the platform has trouble of its own and longwire keeps trying.";
const TOO_MANY_CONNECTIONS: &str = "Stop the other programs that hold long connections of this app (the platform allows 50); longwire tries again by itself.";
const WRONG_DOMAIN: &str = "Change this installation's platform: an app made at open.feishu.cn needs `feishu`, one made at open.larksuite.com needs `lark`.";
const FORBIDDEN: &str = "In the developer console check that the app is a self-built one, is enabled and published, and receives events through a long connection.";
const WRONG_APP_SECRET: &str = "Compare app id and app secret with the developer console under Credentials & Basic Info and store the secret again.";
const UNKNOWN_CODE: &str = "Look the code up in the platform's error code list; longwire probes after about 1, 2, 5 and 15 minutes, then once an hour, and when the installation is changed.";
const BAD_REQUEST: &str =
    "Check app id, app secret and base URL: the platform finds fault with the request itself.";
const NO_ENDPOINT: &str =
    "Check the installation's base URL: there is no long-connection endpoint at that address.";
const RATE_LIMITED: &str = "Nothing to do if it passes; otherwise look for other programs that connect this app over and over.";
const OTHER_STATUS: &str = "Nothing to do if it passes; otherwise check the base URL and any proxy between this host and the platform.";
const UNREACHABLE: &str = "Check name resolution, firewall and proxy settings for outgoing connections from this host to the platform.";
const TIMED_OUT: &str =
    "Check whether a firewall or proxy swallows traffic from this host to the platform.";
const FOREIGN_ANSWER: &str =
    "Check the base URL and whether a proxy or login page answers in the platform's place.";
const PROXY_REFUSED: &str =
    "Allow the platform's hosts on the proxy, or configure this installation to connect directly.";
const PROXY_UNAUTHORIZED: &str = "Correct the user name and password in the proxy URL.";
const PROXY_UNUSABLE: &str = "Write the proxy as http://[user[:password]@]host[:port] where it is named, and run `longwire reload`; a variable of the environment, and the proxy of all bots, take effect at the next start.";
const HANDSHAKE_REFUSED: &str = "Nothing to do if it passes: longwire tries again with a new connection; otherwise check what stands between this host and the platform.";
const CONNECTION_LOST: &str = "Nothing to do if it is rare; otherwise look for a device on the way that drops idle connections.";
const PROTOCOL_VIOLATION: &str =
    "Look for a proxy or inspecting firewall on the way that alters WebSocket traffic.";
const NO_MEMORY: &str = "Nothing to do if it is rare: all connections together may hold 24 MiB of unfinished messages; otherwise look for bots that are sent huge messages (`no_room` among the malformed input).";
const PANICKED: &str = "Report this as a bug of longwire, with the panic message from the log.";
const WRONG_BOT_SECRET: &str = "Compare bot id and secret with the bot's page in the WeCom admin console (API mode, long connection) and store the secret again.";
const SUBSCRIBE_LIMITED: &str = "Stop other programs that connect this bot over and over; longwire tries again by itself, from a minute up to a quarter of an hour apart.";
const SUBSCRIBE_FAILED: &str = "Nothing to do if it passes; otherwise look the code up in the platform's error code list and check the bot in the WeCom admin console.";
const SUBSCRIBE_TIMED_OUT: &str = "Nothing to do if it passes; otherwise check the base URL and whether a firewall or proxy swallows traffic of the open connection.";
const NOT_SUBSCRIBED: &str = "Nothing to do if it is rare; otherwise look for another program that connects with the same bot id.";
const DISPLACED: &str = "Only one program can serve a bot: stop the other one that uses this bot id, then take the bot back with `longwire installations start`.";
const NO_SECRET: &str = "Put the secret where the configuration says: a file is read again within seconds, or at once with `longwire installations retry`; a variable of the environment takes effect at the next start. Of an installation that was added, store the secret with `longwire installations rotate-secret`, or restore the key file that the store was made with.";
const SAME_BOT: &str = "A bot has one name: remove one of the two from the configuration file and run `longwire reload`, or stop the one that is not needed.";
const SPACE_LIMIT: &str = "Stop another installation of this space, or raise `connections_per_space`; this one connects by itself when there is room.";
const ADDRESS_REFUSED: &str = "Use an https base URL, or list the host under the hosts that plain connections are allowed to.";
const TOO_MANY_OPEN_FILES: &str = "Raise the limit on open files (LimitNOFILE in the systemd unit, `ulimit -n` in a shell) and restart longwire; it tries again by itself when another bot is stopped.";
