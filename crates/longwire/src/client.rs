//! Asks a running server over its admin interface.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
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
/// A stream has no end, and awc ends an answer after this time.
const STREAM_TIMEOUT: Duration = Duration::from_secs(365 * 86_400);
const MAX_ANSWER_BYTES: usize = 8 << 20;
/// A host that is there says within this time whether anybody listens.
const KNOCK_DEADLINE: Duration = Duration::from_secs(2);
/// A supervisor that asks whether the server lives gives it a few seconds.
const PROBE_DEADLINE: Duration = Duration::from_secs(4);
/// One line says why only a new process helps.
const MAX_PROBE_BYTES: usize = 4096;

/// What to do about a second installation of one bot, whoever refuses it.
pub(crate) const ONE_NAME: &str = "a bot has one name: use the one that is there, or stop it first with `longwire installations stop`";

/// Behind the reason why the platform could not be asked about a bot.
pub(crate) const KEEP_ALL_THE_SAME: &str = " (--no-probe keeps it without asking the platform)";

/// What to do about an installation that the configuration file declares.
const IN_THE_FILE: &str = "change its [[installation]] in the file and run `longwire reload`; taken out of the file, it is stopped and can be changed and removed like any other";

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
        /// What it says to do about it.
        next_step: Option<String>,
    },
}

impl ClientError {
    /// The process's answer to it.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Unreachable { .. } => Exit::Unreachable,
            Self::Refused { status: 404, .. } => Exit::NotFound,
            Self::Refused { code, .. } if code == "configuration_refused" => Exit::Config,
            Self::Plain { .. } => Exit::Usage,
            Self::Token(_) | Self::Unreadable { .. } | Self::Refused { .. } => Exit::Failed,
        }
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> Option<&str> {
        match self {
            Self::Unreachable { .. } => {
                Some("start it with `longwire serve`, or name its admin interface with --admin-url")
            }
            Self::Token(error) => Some(error.advice()),
            Self::Plain { .. } => Some("run the command on the server's host"),
            Self::Unreadable { .. } => Some("run the command of the version that the server has"),
            Self::Refused {
                code, next_step, ..
            } => match code.as_str() {
                "bot_refused" | "bot_not_probed" => next_step.as_deref(),
                "name_taken" => Some("choose another name"),
                "token_missing" | "token_refused" => Some(OTHER_TOKEN),
                "scope_missing" | "token_narrowed" | "grant_exceeded" => {
                    Some("use a token that allows more, with --token-file or LONGWIRE_TOKEN")
                }
                "same_bot" => Some(ONE_NAME),
                "declared_by_file" => Some(IN_THE_FILE),
                "configuration_refused" => Some(
                    "nothing was changed, and the server goes on; correct the file and reload again",
                ),
                "not_wanted" => Some("start it with `longwire installations start`"),
                "no_connection_wanted" => Some(
                    "change its mode with `longwire installations set --mode`, if it is to connect",
                ),
                "no_new_secret" => Some("set it first: longwire installations set NAME --secret"),
                "secret_refused" => {
                    Some("set the right secret and try it; the present one serves as before")
                }
                "secret_not_tried" | "try_given_up" => {
                    Some("try again; the present secret serves as before")
                }
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
    errors: Vec<Mistake>,
    next_step: Option<String>,
}

/// One mistake in a request.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Mistake {
    pointer: String,
    detail: String,
}

impl Refusal {
    /// All that it says, with the place of each mistake.
    fn text(&self) -> Option<String> {
        let mut text = self.detail.clone()?;
        for (at, Mistake { pointer, detail }) in self.errors.iter().enumerate() {
            let before = if at == 0 { ": " } else { "; " };
            text.extend([before, pointer, " – ", detail]);
        }
        if self.code == "bot_not_probed" {
            text.push_str(KEEP_ALL_THE_SAME);
        }
        Some(text)
    }
}

/// A name or an id as one part of a path. What else means something in a path is escaped where the URL is made.
pub(crate) fn path_part(text: &str) -> String {
    let text = text.replace('%', "%25").replace('/', "%2F");
    // A URL takes it for a slash.
    text.replace('\\', "%5C")
}

/// Server-sent events as they come.
pub(crate) struct EventStream {
    chunks: Pin<Box<dyn Stream<Item = Result<bytes::Bytes, awc::error::PayloadError>>>>,
    /// What came and is not a whole event yet.
    text: Vec<u8>,
}

impl EventStream {
    /// The id and the data of the next event; comments are left out, and events about the stream itself have no id. `None` once
    /// the server ended the stream.
    pub(crate) async fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = self.text.drain(..end + 2).collect();
                let event = String::from_utf8_lossy(&event);
                let of = |name: &str| -> String {
                    event
                        .lines()
                        .filter_map(|line| line.strip_prefix(name))
                        .collect()
                };
                let data = of("data: ");
                if !data.is_empty() {
                    return Some((of("id: "), data));
                }
                continue;
            }
            let chunk = self.chunks.next().await?.ok()?;
            self.text.extend_from_slice(&chunk);
        }
    }
}

/// The admin interface of one server, which serves the interface of applications as well.
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

/// Where the admin interface is: as the command says, or as the configuration does.
fn base(loaded: &Loaded, named: Option<&Url>) -> Url {
    named.cloned().unwrap_or_else(|| {
        let mut address = loaded.config.server.admin_listen;
        if address.ip().is_unspecified() {
            // Listening everywhere includes loopback.
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        Url::parse(&format!("http://{address}")).expect("an address and a port make a url")
    })
}

/// What `/livez` answers: nothing while the process does its work, else why only a new one helps. It wants no token.
pub(crate) async fn probe(
    loaded: &Loaded,
    named: Option<&Url>,
) -> Result<Option<String>, ClientError> {
    let mut url = base(loaded, named);
    url.set_path("/livez");
    let unreachable = |reason: String| ClientError::Unreachable {
        url: url.clone(),
        reason,
    };
    let client = awc::Client::builder()
        .timeout(PROBE_DEADLINE)
        .disable_redirects()
        .finish();
    let sent = client.get(url.as_str()).send().await;
    let mut response = sent.map_err(|error| unreachable(error.to_string()))?;
    let body = response.body().limit(MAX_PROBE_BYTES).await;
    let body = body.map_err(|error| unreachable(error.to_string()))?;
    let text = String::from_utf8_lossy(&body).trim().to_owned();
    Ok((response.status() != 200 || text != "ok").then_some(text))
}

/// Whether anybody listens there. Blocks, and says nothing to whoever does.
fn knock(url: &Url) -> Result<(), ClientError> {
    let unreachable = |reason: String| ClientError::Unreachable {
        url: url.clone(),
        reason,
    };
    let addresses = url.socket_addrs(|| None);
    let addresses = addresses.map_err(|error| unreachable(error.to_string()))?;
    let mut refused = "it has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, KNOCK_DEADLINE) {
            Ok(_) => return Ok(()),
            Err(error) => refused = error.to_string(),
        }
    }
    Err(unreachable(refused))
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
        let base = base(loaded, server.admin_url.as_ref());
        let is_local = match base.host() {
            Some(Host::Ipv4(address)) => is_of_this_host(address.into()),
            Some(Host::Ipv6(address)) => is_of_this_host(address.into()),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        if !is_local && base.scheme() != "https" {
            return Err(ClientError::Plain { url: base });
        }
        let token = match token_for(loaded, server) {
            Ok(token) => token,
            // A server that never ran has made none. That nobody answers comes first then.
            Err(error) => {
                knock(&base)?;
                return Err(error.into());
            }
        };
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
        self.post_within(DEADLINE, path).await
    }

    /// The same, where the answer may take so long.
    pub(crate) async fn post_within<T: DeserializeOwned>(
        &self,
        limit: Duration,
        path: &str,
    ) -> Result<T, ClientError> {
        self.post_query_within(limit, path, &[]).await
    }

    /// The same with a query.
    pub(crate) async fn post_query_within<T: DeserializeOwned>(
        &self,
        limit: Duration,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, ClientError> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http().post(url.as_str()).timeout(limit);
        self.read(request.send().await).await
    }

    /// `POST` with a body that holds secrets.
    pub(crate) async fn post_secret<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.post_secret_within(DEADLINE, path, body).await
    }

    /// The same, where the answer may take so long.
    pub(crate) async fn post_secret_within<T: DeserializeOwned>(
        &self,
        limit: Duration,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = Zeroizing::new(serde_json::to_vec(body).unwrap_or_default());
        let request = self
            .http()
            .post(self.url(path).as_str())
            .content_type("application/json")
            .timeout(limit);
        self.read(request.send_body(bytes::Bytes::from_owner(body)).await)
            .await
    }

    /// `PATCH` by a merge patch that may hold secrets.
    pub(crate) async fn patch_secret<T: DeserializeOwned>(
        &self,
        path: &str,
        patch: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = Zeroizing::new(serde_json::to_vec(patch).unwrap_or_default());
        let request = self
            .http()
            .patch(self.url(path).as_str())
            .content_type("application/merge-patch+json");
        self.read(request.send_body(bytes::Bytes::from_owner(body)).await)
            .await
    }

    /// `POST` with a body without secrets.
    pub(crate) async fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.post_json_within(DEADLINE, path, body).await
    }

    /// The same, where the answer may take so long.
    pub(crate) async fn post_json_within<T: DeserializeOwned>(
        &self,
        limit: Duration,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let request = self.http().post(self.url(path).as_str()).timeout(limit);
        self.read(request.send_json(body).await).await
    }

    /// `DELETE`, which is answered without a body.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), ClientError> {
        let request = self.http().delete(self.url(path).as_str());
        self.body(request.send().await).await.map(drop)
    }

    /// Reads the event log along, behind this event or the newest one.
    pub(crate) async fn stream(
        &self,
        query: &[(&str, &str)],
        last: Option<&str>,
    ) -> Result<EventStream, ClientError> {
        let mut url = self.url("/v1/events/stream");
        url.query_pairs_mut().extend_pairs(query);
        let mut request = self.http().get(url.as_str()).timeout(STREAM_TIMEOUT);
        if let Some(last) = last {
            request = request.insert_header(("last-event-id", last));
        }
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(EventStream {
                chunks: Box::pin(answer),
                text: Vec::new(),
            }),
            refused => Err(self.body(refused).await.map_or_else(
                |error| error,
                |_| ClientError::Unreachable {
                    url: self.base.clone(),
                    reason: "it ended the stream".to_owned(),
                },
            )),
        }
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
        let body = self.body(answer).await?;
        serde_json::from_slice(&body).map_err(|source| ClientError::Unreadable {
            url: self.base.clone(),
            source,
        })
    }

    /// The body of an answer that is no refusal.
    async fn body<S>(
        &self,
        answer: Result<awc::ClientResponse<S>, awc::error::SendRequestError>,
    ) -> Result<bytes::Bytes, ClientError>
    where
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
            return Ok(body);
        }
        let refusal: Refusal = serde_json::from_slice(&body).unwrap_or_default();
        Err(ClientError::Refused {
            status: status.as_u16(),
            detail: (refusal.text()).unwrap_or_else(|| format!("the server answers {status}")),
            next_step: refusal.next_step,
            code: refusal.code,
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

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

    #[test]
    fn a_name_is_one_part_of_a_path() {
        for (name, path) in [
            ("a", "/x/a"),
            ("a/b", "/x/a%2Fb"),
            (r"a\b", "/x/a%5Cb"),
            ("50%", "/x/50%25"),
            ("a?b#c d", "/x/a%3Fb%23c%20d"),
            ("客", "/x/%E5%AE%A2"),
            ("🤖", "/x/%F0%9F%A4%96"),
            ("...", "/x/..."),
        ] {
            let mut url = Url::parse("http://127.0.0.1").expect("a url");
            url.set_path(&format!("/x/{}", path_part(name)));
            assert_eq!(url.path(), path, "{name}");
        }
    }

    #[test]
    fn events_are_read_across_chunks() {
        let chunks = [
            "retry: 500\n\nid: evt_1\nda",
            "ta: {\"a\":\ndata: 1}\n",
            "\n: keep-alive\n\n",
            "event: shutdown\ndata: {}\n\n",
        ];
        let chunks = chunks.map(|text| Ok(bytes::Bytes::from_static(text.as_bytes())));
        let mut events = EventStream {
            chunks: Box::pin(stream::iter(chunks)),
            text: Vec::new(),
        };
        let read = async {
            let mut read = Vec::new();
            while let Some(event) = events.next().await {
                read.push(event);
            }
            read
        };
        let read = actix_rt::System::new().block_on(read);
        let expected = [("evt_1", "{\"a\":1}"), ("", "{}")];
        assert_eq!(
            read,
            expected.map(|(id, data)| (id.to_owned(), data.to_owned()))
        );
    }
}
