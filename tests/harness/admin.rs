//! A client of the gateway's HTTP listeners. It uses a plain TCP stream, so that a story does not depend on our own HTTP
//! client.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long one exchange may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// One HTTP listener of the gateway.
#[derive(Clone, Copy)]
pub struct Admin {
    address: SocketAddr,
    token: Option<Token>,
}

/// The text of a token, which has this length.
type Token = [u8; 78];

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Admin {
    /// A client of the listener at `address`.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        Self {
            address,
            token: None,
        }
    }

    /// The same listener, asked with this token.
    #[track_caller]
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        let token = token.trim().as_bytes().try_into();
        Self {
            token: Some(token.expect("a token has 78 letters")),
            ..self
        }
    }

    /// The same listener, asked without a token.
    #[must_use]
    pub fn without_token(self) -> Self {
        Self {
            token: None,
            ..self
        }
    }

    /// A header with its token, if it has one.
    #[must_use]
    pub fn authorization(&self) -> String {
        match &self.token {
            Some(token) => format!(
                "Authorization: Bearer {}\r\n",
                String::from_utf8_lossy(token)
            ),
            None => String::new(),
        }
    }

    /// The listener's address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `GET path`.
    pub fn get(&self, path: &str) -> std::io::Result<Answer> {
        self.exchange("GET", path, None)
    }

    /// `POST path`, with a JSON body or with none.
    pub fn post(&self, path: &str, body: Option<&Value>) -> std::io::Result<Answer> {
        self.exchange("POST", path, body)
    }

    /// `PATCH path`.
    pub fn patch(&self, path: &str, body: &Value) -> std::io::Result<Answer> {
        self.exchange("PATCH", path, Some(body))
    }

    /// `GET path`, which has to succeed with JSON.
    #[track_caller]
    pub fn json(&self, path: &str) -> Value {
        let answer = self
            .get(path)
            .unwrap_or_else(|error| panic!("GET {path}: {error}"));
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.body);
        answer.json()
    }

    /// `POST path` with `bytes` and the announced length, which may be larger.
    pub fn post_bytes(&self, path: &str, announced: u64, bytes: &[u8]) -> std::io::Result<Answer> {
        let mut stream = self.begin("POST", path, "application/octet-stream", announced)?;
        stream.write_all(bytes)?;
        Self::finish(stream)
    }

    /// `POST path` with these headers and bytes, as the platform posts a callback: without a token.
    pub fn post_callback(
        &self,
        path: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> std::io::Result<Answer> {
        let lines = headers.iter();
        let lines: String = lines
            .map(|(name, value)| format!("\r\n{name}: {value}"))
            .collect();
        let content_type = format!("application/json;charset=utf-8{lines}");
        let client = self.without_token();
        let mut stream = client.begin("POST", path, &content_type, body.len() as u64)?;
        stream.write_all(body)?;
        Self::finish(stream)
    }

    /// Sends the same request and does not wait for the answer.
    pub fn begin_post(
        &self,
        path: &str,
        announced: u64,
        bytes: &[u8],
    ) -> std::io::Result<TcpStream> {
        let mut stream = self.begin("POST", path, "application/octet-stream", announced)?;
        stream.write_all(bytes)?;
        Ok(stream)
    }

    fn exchange(&self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<Answer> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = self.begin(method, path, "application/json", body.len() as u64)?;
        stream.write_all(body.as_bytes())?;
        Self::finish(stream)
    }

    fn begin(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        length: u64,
    ) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAccept: application/json\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n{}\r\n",
            self.address,
            self.authorization(),
        );
        stream.write_all(head.as_bytes())?;
        Ok(stream)
    }

    fn finish(mut stream: TcpStream) -> std::io::Result<Answer> {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        Answer::parse(&bytes)
            .ok_or_else(|| std::io::Error::other(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.body))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let chunked = headers
            .iter()
            .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        let body = &bytes[end + 4..];
        let body = if chunked {
            join_chunks(body)?
        } else {
            body.to_vec()
        };
        Some(Self {
            status,
            headers,
            body: String::from_utf8(body).ok()?,
        })
    }
}

fn join_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        rest = &rest[line + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_both_framings_are_read() {
        let plain = b"HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\n\r\n{\"a\":1}";
        let answer = Answer::parse(plain).expect("an answer");
        assert_eq!((answer.status, answer.json()["a"].as_u64()), (409, Some(1)));
        let chunked =
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":2}\r\n0\r\n\r\n";
        let answer = Answer::parse(chunked).expect("an answer");
        assert_eq!(answer.json()["a"].as_u64(), Some(2));
        assert!(Answer::parse(b"HTTP/1.1 200 OK\r\n").is_none());
    }
}
