//! Asks the platform where to connect: one POST, one JSON answer.
//!
//! HTTP is written by hand and reads only answers with a `Content-Length`.

use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

/// The longest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Why there is no connection URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BootstrapError {
    /// The URL is not a plain http URL with a host.
    #[error("not a plain http or ws URL: {0}")]
    Url(String),
    /// The platform does not answer.
    #[error("the platform does not answer")]
    Io(#[from] std::io::Error),
    /// The answer has no URL.
    #[error("the platform grants no connection: {0}")]
    Refused(String),
}

/// The bootstrap call of one bot, ready to be sent.
#[derive(Debug)]
pub(crate) struct Bootstrap {
    address: String,
    request: Vec<u8>,
}

/// The platform's answer: where to connect, and its timing.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Host and port.
    pub(crate) address: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) service_id: i32,
    pub(crate) ping_interval: Duration,
    /// Upper bound of the random delay before a reconnect.
    pub(crate) reconnect_nonce: Duration,
}

#[derive(Deserialize)]
struct Answer {
    code: i64,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "URL")]
    url: String,
    #[serde(rename = "ClientConfig")]
    config: Option<Config>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    ping_interval: Option<u64>,
    reconnect_nonce: Option<u64>,
}

impl Bootstrap {
    pub(crate) fn new(base_url: &str, app_id: &str) -> Result<Self, BootstrapError> {
        let url = Url::parse(base_url).map_err(|_| BootstrapError::Url(base_url.to_owned()))?;
        let address = address(&url)?;
        let body = format!(r#"{{"AppID":"{app_id}","AppSecret":"no-real-secret"}}"#);
        let request = format!(
            "POST /callback/ws/endpoint HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        Ok(Self {
            address,
            request: request.into_bytes(),
        })
    }

    /// Asks once.
    pub(crate) async fn ask(&self) -> Result<Endpoint, BootstrapError> {
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        stream.write_all(&self.request).await?;
        let mut answer = Vec::new();
        let mut limited = stream.take(MAX_ANSWER_BYTES as u64);
        limited.read_to_end(&mut answer).await?;
        endpoint(&answer)
    }
}

fn endpoint(answer: &[u8]) -> Result<Endpoint, BootstrapError> {
    let text = String::from_utf8_lossy(answer);
    let refused = || BootstrapError::Refused(text.chars().take(200).collect());
    let (_, body) = text.split_once("\r\n\r\n").ok_or_else(refused)?;
    let answer: Answer = serde_json::from_str(body).map_err(|_| refused())?;
    let data = answer.data.filter(|_| answer.code == 0);
    let data = data.ok_or_else(refused)?;
    let url = Url::parse(&data.url).map_err(|_| BootstrapError::Url(data.url.clone()))?;
    let service_id = url
        .query_pairs()
        .find_map(|(key, value)| (key == "service_id").then(|| value.parse().ok())?)
        .ok_or_else(refused)?;
    let config = data.config.unwrap_or_default();
    Ok(Endpoint {
        address: address(&url)?,
        target: url[url::Position::BeforePath..url::Position::AfterQuery].to_owned(),
        service_id,
        ping_interval: Duration::from_secs(config.ping_interval.unwrap_or(120).max(1)),
        reconnect_nonce: Duration::from_secs(config.reconnect_nonce.unwrap_or(30)),
    })
}

fn address(url: &Url) -> Result<String, BootstrapError> {
    let wrong = || BootstrapError::Url(url.to_string());
    if !matches!(url.scheme(), "http" | "ws") {
        return Err(wrong());
    }
    let host = url.host_str().ok_or_else(wrong)?;
    let port = url.port_or_known_default().ok_or_else(wrong)?;
    Ok(format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(body: &str) -> Result<Endpoint, BootstrapError> {
        endpoint(format!("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{body}").as_bytes())
    }

    #[test]
    fn an_endpoint_says_where_and_how() {
        let endpoint = answered(
            r#"{"code":0,"msg":"","data":{"URL":"ws://127.0.0.1:7/ws/v2?aid=1&service_id=33&ticket=t","ClientConfig":{"PingInterval":90,"ReconnectNonce":0}}}"#,
        )
        .expect("granted");
        assert_eq!(endpoint.address, "127.0.0.1:7");
        assert_eq!(endpoint.target, "/ws/v2?aid=1&service_id=33&ticket=t");
        assert_eq!(endpoint.service_id, 33);
        assert_eq!(endpoint.ping_interval, Duration::from_secs(90));
        assert_eq!(endpoint.reconnect_nonce, Duration::ZERO);
    }

    #[test]
    fn anything_else_is_refused() {
        for body in [
            "",
            "{}",
            r#"{"code":514,"data":{"URL":"ws://h:1/"}}"#,
            r#"{"code":0,"data":null}"#,
            r#"{"code":0,"data":{"URL":"wss://h:1/?service_id=1"}}"#,
        ] {
            assert!(answered(body).is_err(), "{body}");
        }
        assert!(Bootstrap::new("https://127.0.0.1:1", "cli_1").is_err());
    }
}
