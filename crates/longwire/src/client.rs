//! Asks a running server over its admin interface.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use longwire_access::TokenText;
use secrecy::zeroize::Zeroizing;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::cli::ServerArgs;
use crate::config::Loaded;
use crate::exit_code::Exit;
use crate::token_file::{TokenFileError, token_for};

/// An operator waits for the answer; a server that needs longer is not well.
const DEADLINE: Duration = Duration::from_secs(10);
const MAX_ANSWER_BYTES: usize = 8 << 20;

/// What to do about a second installation of one bot, whoever refuses it.
pub(crate) const ONE_NAME: &str = "a bot has one name: use the one that is there, or stop it first with `longwire installations stop`";

/// What to do about a token that the server refuses.
const OTHER_TOKEN: &str = "name a token that is valid, with --token-file or LONGWIRE_TOKEN. On the server's host `longwire tokens create` makes one, also while the server is stopped";

/// Why the server did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nobody answers there.
    #[error("no server answers at {url}: {reason}")]
    Unreachable {
        /// Where.
        url: Url,
        /// What happened.
        reason: String,
    },
    /// There is no token to ask with.
    #[error(transparent)]
    Token(#[from] TokenFileError),
    /// A secret would go over the network in clear: the token of each request is one.
    #[error("{url} is not on this host and not https; a secret would travel in clear")]
    Plain {
        /// Where.
        url: Url,
    },
    /// The server is another program, or another version of this one.
    #[error("the server at {url} gives an answer that this version does not understand")]
    Unreadable {
        /// Where.
        url: Url,
        /// What is not understood.
        #[source]
        source: serde_json::Error,
    },
    /// The server said no.
    #[error("{detail}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its stable name for the reason.
        code: String,
        /// What it said.
        detail: String,
    },
}

impl ClientError {
    /// The process's answer to it.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Unreachable { .. } => Exit::Unreachable,
            Self::Refused { status: 404, .. } => Exit::NotFound,
            Self::Plain { .. } => Exit::Usage,
            Self::Token(_) | Self::Unreadable { .. } | Self::Refused { .. } => Exit::Failed,
        }
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { .. } => {
                Some("start it with `longwire serve`, or name its admin interface with --admin-url")
            }
            Self::Token(error) => Some(error.advice()),
            Self::Plain { .. } => Some("run the command on the server's host"),
            Self::Unreadable { .. } => Some("run the command of the version that the server has"),
            Self::Refused { code, .. } => match code.as_str() {
                "name_taken" => Some("choose another name"),
                "token_missing" | "token_refused" => Some(OTHER_TOKEN),
                "scope_missing" | "token_narrowed" | "grant_exceeded" => {
                    Some("use a token that allows more, with --token-file or LONGWIRE_TOKEN")
                }
                "same_bot" => Some(ONE_NAME),
                _ => None,
            },
        }
    }
}

/// What a server says when it says no (RFC 9457).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    code: String,
    detail: Option<String>,
}

/// The admin interface of one server.
pub(crate) struct Client {
    base: Url,
    token: TokenText,
}

/// Whether what is sent to this address stays on this host, so that nobody reads it on the way. To such an address the kernel
/// speaks from the address itself. Nothing is sent to find out.
fn is_of_this_host(address: IpAddr) -> bool {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    /// Discard; any port would do.
    const PORT: u16 = 9;
    let speaks_from = || {
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect((address, PORT))?;
        socket.local_addr()
    };
    address.is_loopback() || speaks_from().is_ok_and(|from| from.ip() == address)
}

/// Runs one question to the server.
pub(crate) fn ask<T>(
    question: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    actix_rt::System::new().block_on(question)
}

impl Client {
    /// For the server that this configuration describes, or that the command names.
    pub(crate) fn of(loaded: &Loaded, server: &ServerArgs) -> Result<Self, ClientError> {
        let base = server.admin_url.clone().unwrap_or_else(|| {
            let mut address = loaded.config.server.admin_listen;
            if address.ip().is_unspecified() {
                // Listening everywhere includes loopback.
                address.set_ip(match address {
                    SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                    SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
                });
            }
            Url::parse(&format!("http://{address}")).expect("an address and a port make a url")
        });
        let is_local = match base.host() {
            Some(Host::Ipv4(address)) => is_of_this_host(address.into()),
            Some(Host::Ipv6(address)) => is_of_this_host(address.into()),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        if !is_local && base.scheme() != "https" {
            return Err(ClientError::Plain { url: base });
        }
        let token = token_for(loaded, server)?;
        Ok(Self { base, token })
    }

    /// `GET`; parameters without a value are left out.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, ClientError> {
        let mut url = self.url(path);
        let given = query.iter().filter(|(_, value)| !value.is_empty());
        url.query_pairs_mut().extend_pairs(given);
        let request = self.http().get(url.as_str());
        self.read(request.send().await).await
    }

    /// `POST` without a body.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let request = self.http().post(self.url(path).as_str());
        self.read(request.send().await).await
    }

    /// `POST` with a body that holds secrets.
    pub(crate) async fn post_secret<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = Zeroizing::new(serde_json::to_vec(body).unwrap_or_default());
        let request = self
            .http()
            .post(self.url(path).as_str())
            .content_type("application/json");
        self.read(request.send_body(bytes::Bytes::from_owner(body)).await)
            .await
    }

    fn http(&self) -> awc::Client {
        awc::Client::builder()
            .timeout(DEADLINE)
            .disable_redirects()
            .bearer_auth(self.token.expose())
            .finish()
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }

    async fn read<T, S>(
        &self,
        answer: Result<awc::ClientResponse<S>, awc::error::SendRequestError>,
    ) -> Result<T, ClientError>
    where
        T: DeserializeOwned,
        S: futures_util::Stream<Item = Result<bytes::Bytes, awc::error::PayloadError>> + Unpin,
    {
        let unreachable = |reason: String| ClientError::Unreachable {
            url: self.base.clone(),
            reason,
        };
        let mut answer = answer.map_err(|error| unreachable(error.to_string()))?;
        let status = answer.status();
        let body = answer
            .body()
            .limit(MAX_ANSWER_BYTES)
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|source| ClientError::Unreadable {
                url: self.base.clone(),
                source,
            });
        }
        let refusal: Refusal = serde_json::from_slice(&body).unwrap_or_default();
        Err(ClientError::Refused {
            status: status.as_u16(),
            code: refusal.code,
            detail: (refusal.detail).unwrap_or_else(|| format!("the server answers {status}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_host() {
        // For documentation (RFC 5737): no host has it.
        let foreign = Ipv4Addr::new(192, 0, 2, 1);
        assert!(is_of_this_host(Ipv4Addr::LOCALHOST.into()));
        assert!(is_of_this_host(Ipv4Addr::new(127, 9, 9, 9).into()));
        assert!(is_of_this_host(Ipv6Addr::LOCALHOST.into()));
        assert!(!is_of_this_host(foreign.into()));
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a socket");
        // Fails on a host without a network, which has no other address.
        if socket.connect((foreign, 9)).is_ok() {
            let own = socket.local_addr().expect("it is connected").ip();
            assert!(is_of_this_host(own), "{own}");
        }
    }
}
