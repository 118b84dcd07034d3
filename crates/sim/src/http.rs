//! The part of HTTP/1.1 that the platform and the control API need: one request after the other, bodies with a
//! `Content-Length` or in chunks, limited sizes.

use std::io;

use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::socket::SimSocket;

/// Longest request line and headers.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Longest body. A push over the control API may have a large payload.
const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;
const MAX_HEADERS: usize = 64;

/// A request with its body.
#[derive(Debug)]
pub(crate) struct HttpRequest {
    pub(crate) method: String,
    /// Path and query as sent.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl HttpRequest {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The first value of a query key, percent-decoded.
    pub(crate) fn query(&self, key: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.into_owned())
    }

    /// All values of a query key.
    pub(crate) fn query_all(&self, key: &str) -> Vec<String> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let values = pairs.filter(|(name, _)| name == key);
        values.map(|(_, value)| value.into_owned()).collect()
    }

    pub(crate) fn keep_alive(&self) -> bool {
        !self
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// Why a request could not be read.
#[derive(Debug, Error)]
pub(crate) enum HttpRequestError {
    #[error("connection lost")]
    Lost(#[from] io::Error),
    #[error("not an http request")]
    Malformed,
    #[error("request too large")]
    TooLarge,
    #[error("a transfer encoding other than chunked")]
    Encoding,
}

impl HttpRequestError {
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Lost(_) => None,
            Self::Malformed => Some(400),
            Self::TooLarge => Some(413),
            Self::Encoding => Some(501),
        }
    }
}

/// A connection as long as it carries HTTP.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) socket: SimSocket,
    /// Bytes that were read and not used yet. After an upgrade they belong to the WebSocket.
    pub(crate) buffer: Vec<u8>,
}

impl Http {
    /// The next request; `None` if the connection ends between two requests.
    pub(crate) async fn next(&mut self) -> Result<Option<HttpRequest>, HttpRequestError> {
        let (mut request, head_len, length) = loop {
            if let Some(found) = parse_head(&self.buffer)? {
                break found;
            }
            if self.buffer.len() > MAX_HEAD_BYTES {
                return Err(HttpRequestError::TooLarge);
            }
            let before = self.buffer.len();
            if self.socket.read_buf(&mut self.buffer).await? == 0 {
                return if before == 0 {
                    Ok(None)
                } else {
                    Err(HttpRequestError::Malformed)
                };
            }
        };
        if request.header("expect").is_some() {
            self.socket
                .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
                .await?;
        }
        let rest = self.buffer.split_off(head_len);
        self.buffer = rest;
        request.body = match length {
            BodyLength::Known(length) => self.take(length).await?,
            BodyLength::Chunked => self.chunks().await?,
        };
        Ok(Some(request))
    }

    /// The next bytes of a request.
    async fn take(&mut self, length: usize) -> Result<Vec<u8>, HttpRequestError> {
        while self.buffer.len() < length {
            if self.socket.read_buf(&mut self.buffer).await? == 0 {
                return Err(HttpRequestError::Malformed);
            }
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// The next line of a request, without its end.
    async fn line(&mut self) -> Result<String, HttpRequestError> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.take(end + 2).await?;
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if self.buffer.len() > MAX_HEAD_BYTES
                || self.socket.read_buf(&mut self.buffer).await? == 0
            {
                return Err(HttpRequestError::Malformed);
            }
        }
    }

    /// A body in chunks (RFC 9112, section 7.1). Its trailers are read and ignored.
    async fn chunks(&mut self) -> Result<Vec<u8>, HttpRequestError> {
        let mut body = Vec::new();
        loop {
            let line = self.line().await?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let length = usize::from_str_radix(digits, 16);
            let length = length.map_err(|_| HttpRequestError::Malformed)?;
            if length > MAX_BODY_BYTES - body.len() {
                return Err(HttpRequestError::TooLarge);
            }
            if length == 0 {
                while !self.line().await?.is_empty() {}
                return Ok(body);
            }
            body.append(&mut self.take(length).await?);
            if !self.line().await?.is_empty() {
                return Err(HttpRequestError::Malformed);
            }
        }
    }

    pub(crate) async fn respond(
        &mut self,
        status: u16,
        content_type: &str,
        body: &[u8],
    ) -> io::Result<()> {
        self.respond_with(status, content_type, &[], body).await
    }

    /// The same with further headers.
    pub(crate) async fn respond_with(
        &mut self,
        status: u16,
        content_type: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> io::Result<()> {
        let mut head = format!(
            "HTTP/1.1 {status} {}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n",
            reason(status),
            body.len(),
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut answer = head.into_bytes();
        answer.extend_from_slice(body);
        self.socket.write_all(&answer).await?;
        self.socket.flush().await
    }

    /// Reads and ignores everything until the peer closes.
    pub(crate) async fn hang(mut self) {
        let mut sink = [0; 512];
        while matches!(self.socket.read(&mut sink).await, Ok(1..)) {}
    }
}

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyLength {
    Known(usize),
    Chunked,
}

fn parse_head(buffer: &[u8]) -> Result<Option<(HttpRequest, usize, BodyLength)>, HttpRequestError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let head_len = match parsed.parse(buffer) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(HttpRequestError::Malformed),
    };
    let headers = parsed.headers.iter().map(|header| {
        let value = String::from_utf8_lossy(header.value).into_owned();
        (header.name.to_owned(), value)
    });
    let request = HttpRequest {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: Vec::new(),
    };
    if let Some(encoding) = request.header("transfer-encoding") {
        return match encoding.trim().eq_ignore_ascii_case("chunked") {
            true => Ok(Some((request, head_len, BodyLength::Chunked))),
            false => Err(HttpRequestError::Encoding),
        };
    }
    let body_len = match request.header("content-length") {
        None => 0,
        Some(text) => text
            .trim()
            .parse()
            .map_err(|_| HttpRequestError::Malformed)?,
    };
    if body_len > MAX_BODY_BYTES {
        return Err(HttpRequestError::TooLarge);
    }
    Ok(Some((request, head_len, BodyLength::Known(body_len))))
}

/// The reason phrase of a status.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Simulated",
    }
}
