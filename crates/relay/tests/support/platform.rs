//! A platform that answers as its script says, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::TENANT_TOKEN;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The request line.
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub at: tokio::time::Instant,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(key, _)| key == name)
            .map(|(_, value)| &**value)
    }

    pub fn path(&self) -> &str {
        self.line.split(' ').nth(1).expect("a path")
    }
}

/// What the platform does.
pub enum Does {
    /// Answers with this status, these header lines and this body.
    Answers(u16, &'static str, String),
    /// Says nothing more.
    Nothing,
    /// Sends these bytes and hangs up.
    Raw(Vec<u8>),
}

/// `{"code":0}` and more.
pub fn ok(more: &str) -> Does {
    Does::Answers(
        200,
        "X-Tt-Logid: 2026-log\r\n",
        format!(r#"{{"code":0,"msg":"success"{more}}}"#),
    )
}

/// A refusal.
pub fn refusal(status: u16, code: i64) -> Does {
    Does::Answers(
        status,
        "X-Tt-Logid: 2026-log\r\n",
        format!(r#"{{"code":{code},"msg":"no"}}"#),
    )
}

type Script = dyn Fn(&Seen, usize) -> Does + Send + Sync;

/// A running platform.
#[derive(Clone)]
pub struct Platform {
    pub port: u16,
    seen: Arc<Mutex<VecDeque<Seen>>>,
}

impl Platform {
    /// Answers calls, of which the second argument is the number, from 1. It gives tokens by itself: `t-…1`, `t-…2`.
    pub async fn start(script: impl Fn(&Seen, usize) -> Does + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let platform = Self {
            port: listener.local_addr().expect("an address").port(),
            seen: Arc::default(),
        };
        let seen = Arc::clone(&platform.seen);
        let script: Arc<Script> = Arc::new(script);
        actix_rt::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
                actix_rt::spawn(async move {
                    serve(socket, &seen, &*script).await;
                });
            }
        });
        platform
    }

    /// The requests that were no calls for tokens.
    pub fn calls(&self) -> Vec<Seen> {
        let seen = self.seen.lock().expect("not poisoned");
        let calls = seen.iter().filter(|one| !is_token_call(one));
        calls.cloned().collect()
    }

    /// How often it was asked for a token.
    pub fn token_calls(&self) -> usize {
        let seen = self.seen.lock().expect("not poisoned");
        seen.iter().filter(|one| is_token_call(one)).count()
    }
}

fn is_token_call(seen: &Seen) -> bool {
    seen.path() == "/open-apis/auth/v3/tenant_access_token/internal"
}

async fn serve(socket: TcpStream, all: &Mutex<VecDeque<Seen>>, script: &Script) {
    let mut socket = BufReader::new(socket);
    while let Some(seen) = read(&mut socket).await {
        let (does, number) = {
            let mut all = all.lock().expect("not poisoned");
            all.push_back(seen.clone());
            let tokens = all.iter().filter(|one| is_token_call(one)).count();
            (is_token_call(&seen), (tokens, all.len() - tokens))
        };
        let does = match does {
            true => ok(&format!(
                r#","tenant_access_token":"{TENANT_TOKEN}{}","expire":7200"#,
                number.0
            )),
            false => script(&seen, number.1),
        };
        let bytes = match does {
            Does::Nothing => {
                std::future::pending::<()>().await;
                return;
            }
            Does::Raw(bytes) => {
                let _ = socket.write_all(&bytes).await;
                let _ = socket.shutdown().await;
                return;
            }
            Does::Answers(status, headers, body) => format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json; charset=utf-8\r\n{headers}Content-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        };
        if socket.write_all(bytes.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Reads a request.
pub async fn read(socket: &mut BufReader<TcpStream>) -> Option<Seen> {
    let (line, headers) = read_head(socket).await?;
    let mut seen = Seen {
        line,
        headers,
        body: Vec::new(),
        at: tokio::time::Instant::now(),
    };
    if let Some(length) = seen.header("content-length") {
        let length: usize = length.parse().expect("a length");
        let mut body = vec![0; length];
        socket.read_exact(&mut body).await.ok()?;
        seen.body = body;
    } else if seen.header("transfer-encoding").is_some() {
        let mut body = Vec::new();
        while !body.ends_with(b"0\r\n\r\n") {
            body.push(socket.read_u8().await.ok()?);
        }
        seen.body = super::client::unchunked(&body);
    }
    Some(seen)
}

/// Reads the head of a request.
pub async fn read_head(
    socket: &mut BufReader<TcpStream>,
) -> Option<(String, Vec<(String, String)>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("text");
    let mut lines = head.lines();
    let line = lines.next().expect("a request line").to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Some((line, headers.collect()))
}
