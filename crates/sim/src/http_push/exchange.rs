//! One HTTP exchange of the sender: a kept connection, the request, and the answer within a deadline.

use std::io;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};

use super::target::Target;
use super::tls_client::SenderTls;
use crate::socket::SimSocket;

/// Longest head of an answer.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Longest body of an answer.
const MAX_BODY_BYTES: usize = 1024 * 1024;
const MAX_HEADERS: usize = 64;
const READ_BYTES: usize = 8 * 1024;

/// The limits of one exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExchangeLimits {
    /// From the beginning to the last byte of the answer.
    pub(crate) answer: Duration,
    /// Of these, for the TCP connection.
    pub(crate) connect: Duration,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Whether the connection can be used again.
    keep: bool,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub(crate) enum NoAnswer {
    #[error("the name of the host is not known: {0}")]
    Name(io::Error),
    #[error("no connection: {0}")]
    Connect(io::Error),
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("the answer is no HTTP, or too long")]
    Malformed,
    #[error("no answer in time")]
    Late,
}

/// A connection that stays open between two requests.
#[derive(Debug)]
pub(crate) struct KeptConnection {
    socket: SimSocket,
    buffer: Vec<u8>,
}

/// Sends `request` and reads the answer. `kept` is used if there is one and it is still open, and holds the connection
/// afterwards if it can be used again. Counts new connections in `opened`.
pub(crate) async fn exchange(
    kept: &mut Option<KeptConnection>,
    target: &Target,
    tls: &SenderTls,
    request: &[u8],
    limits: ExchangeLimits,
    opened: &mut u64,
) -> Result<HttpAnswer, NoAnswer> {
    let work = async {
        if let Some(mut connection) = kept.take() {
            // One that the other side closed meanwhile is replaced, as the platform's client does.
            match connection.ask(request).await {
                Ok(answer) => return Ok(keep(kept, connection, answer)),
                // Only if no byte of an answer came.
                Err(NoAnswer::Broken(error)) if connection.buffer.is_empty() => {
                    tracing::debug!(%error, "a kept connection was closed");
                }
                Err(error) => return Err(error),
            }
        }
        *opened += 1;
        let mut connection = KeptConnection::open(target, tls, limits.connect).await?;
        let answer = connection.ask(request).await?;
        Ok(keep(kept, connection, answer))
    };
    match tokio::time::timeout(limits.answer, work).await {
        Ok(result) => result,
        Err(_) => Err(NoAnswer::Late),
    }
}

fn keep(
    kept: &mut Option<KeptConnection>,
    connection: KeptConnection,
    answer: HttpAnswer,
) -> HttpAnswer {
    *kept = answer.keep.then_some(connection);
    answer
}

impl KeptConnection {
    async fn open(target: &Target, tls: &SenderTls, limit: Duration) -> Result<Self, NoAnswer> {
        let end = Instant::now() + limit;
        let addresses = lookup_host((target.host.as_str(), target.port))
            .await
            .map_err(NoAnswer::Name)?;
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in addresses {
            match tokio::time::timeout_at(end.into(), TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => {
                    tcp.set_nodelay(true).map_err(NoAnswer::Connect)?;
                    let socket = tls.wrap(tcp, target).await.map_err(NoAnswer::Connect)?;
                    return Ok(Self {
                        socket,
                        buffer: Vec::with_capacity(READ_BYTES),
                    });
                }
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(NoAnswer::Connect(last))
    }

    async fn ask(&mut self, request: &[u8]) -> Result<HttpAnswer, NoAnswer> {
        self.buffer.clear();
        self.socket
            .write_all(request)
            .await
            .map_err(NoAnswer::Broken)?;
        self.socket.flush().await.map_err(NoAnswer::Broken)?;
        let head = loop {
            if let Some(head) = AnswerHead::parse(&self.buffer)? {
                break head;
            }
            if self.buffer.len() > MAX_HEAD_BYTES {
                return Err(NoAnswer::Malformed);
            }
            self.read().await?;
        };
        let body = match head.body {
            BodyLength::Bytes(len) if len > MAX_BODY_BYTES => return Err(NoAnswer::Malformed),
            BodyLength::Bytes(len) => {
                while self.buffer.len() < head.len + len {
                    self.read().await?;
                }
                self.buffer[head.len..head.len + len].to_vec()
            }
            BodyLength::Chunks => self.chunks(head.len).await?,
            BodyLength::ToTheEnd => {
                while self.buffer.len() <= head.len + MAX_BODY_BYTES && self.read_more().await? {}
                self.buffer.split_off(head.len)
            }
        };
        Ok(HttpAnswer {
            status: head.status,
            body,
            keep: head.keep,
        })
    }

    /// The pieces of a body behind its head.
    async fn chunks(&mut self, mut at: usize) -> Result<Vec<u8>, NoAnswer> {
        let mut body = Vec::new();
        loop {
            let (behind_size, size) = loop {
                match httparse::parse_chunk_size(&self.buffer[at..]) {
                    Ok(httparse::Status::Complete(found)) => break found,
                    Ok(httparse::Status::Partial) => self.read().await?,
                    Err(_) => return Err(NoAnswer::Malformed),
                }
            };
            let size = usize::try_from(size).map_err(|_| NoAnswer::Malformed)?;
            if body.len().saturating_add(size) > MAX_BODY_BYTES {
                return Err(NoAnswer::Malformed);
            }
            let start = at + behind_size;
            // Two more for the line break. Trailers are not expected from anybody who answers the platform.
            while self.buffer.len() < start + size + 2 {
                self.read().await?;
            }
            if size == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&self.buffer[start..start + size]);
            at = start + size + 2;
        }
    }

    async fn read(&mut self) -> Result<(), NoAnswer> {
        if self.read_more().await? {
            return Ok(());
        }
        Err(NoAnswer::Broken(io::ErrorKind::UnexpectedEof.into()))
    }

    async fn read_more(&mut self) -> Result<bool, NoAnswer> {
        let read = self.socket.read_buf(&mut self.buffer).await;
        Ok(read.map_err(NoAnswer::Broken)? > 0)
    }
}

struct AnswerHead {
    len: usize,
    status: u16,
    keep: bool,
    body: BodyLength,
}

enum BodyLength {
    Bytes(usize),
    Chunks,
    ToTheEnd,
}

impl AnswerHead {
    fn parse(buffer: &[u8]) -> Result<Option<Self>, NoAnswer> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        let len = match parsed.parse(buffer) {
            Ok(httparse::Status::Complete(len)) => len,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(NoAnswer::Malformed),
        };
        let status = parsed.code.ok_or(NoAnswer::Malformed)?;
        let is_new = parsed.version == Some(1);
        let header = |name: &str| {
            let mut found = parsed.headers.iter();
            let found = found.find(|header| header.name.eq_ignore_ascii_case(name))?;
            std::str::from_utf8(found.value).ok()
        };
        let body = match (header("transfer-encoding"), header("content-length")) {
            _ if matches!(status, 204 | 304) => BodyLength::Bytes(0),
            (Some(_), _) => BodyLength::Chunks,
            (None, Some(text)) => {
                BodyLength::Bytes(text.trim().parse().map_err(|_| NoAnswer::Malformed)?)
            }
            (None, None) => BodyLength::ToTheEnd,
        };
        let close = header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        Ok(Some(Self {
            len,
            status,
            keep: is_new && !close && !matches!(body, BodyLength::ToTheEnd),
            body,
        }))
    }
}
