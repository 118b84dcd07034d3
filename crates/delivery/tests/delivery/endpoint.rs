//! An application's webhook, as a test scripts it.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body is JSON")
    }

    /// The text of the message in it.
    pub(crate) fn text(&self) -> String {
        let json = self.json();
        let text = json["data"]["message"]["text"].as_str();
        text.unwrap_or_default().to_owned()
    }

    pub(crate) fn redelivered(&self) -> bool {
        self.json()["redelivered"] == Value::Bool(true)
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
    pub(crate) after: Duration,
}

impl Answer {
    pub(crate) fn ok() -> Self {
        Self::status(200)
    }

    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            headers: String::new(),
            body: String::new(),
            after: Duration::ZERO,
        }
    }

    pub(crate) fn body(body: &str) -> Self {
        Self {
            body: body.to_owned(),
            ..Self::ok()
        }
    }
}

type Script = dyn Fn(usize, &Request) -> Answer + Send + Sync;

/// A webhook that listens.
pub(crate) struct Webhook {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Webhook {
    /// Answers the request of each number as `script` says.
    pub(crate) fn new(script: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::at(0, script)
    }

    /// The same at a port that is free.
    pub(crate) fn at(
        port: u16,
        script: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (tell, told) = channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (script, of_server): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&seen));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind(("127.0.0.1", port))
                    .await
                    .expect("a port");
                tell.send(listener.local_addr().expect("an address").port())
                    .expect("the test waits");
                let serve = async {
                    loop {
                        let (socket, _) = listener.accept().await.expect("a connection");
                        let script = Arc::clone(&script);
                        tokio::spawn(serve(socket, script, Arc::clone(&of_server)));
                    }
                };
                tokio::select! {
                    () = serve => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            port: told.recv().expect("the server has begun"),
            seen,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.seen().iter().map(Request::text).collect()
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server did not panic");
        }
    }
}

async fn serve(mut socket: TcpStream, script: Arc<Script>, seen: Arc<Mutex<Vec<Request>>>) {
    let mut read = Vec::new();
    while let Some(request) = next_request(&mut socket, &mut read).await {
        let number = {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push(request.clone());
            seen.len() - 1
        };
        let answer = script(number, &request);
        tokio::time::sleep(answer.after).await;
        let Answer {
            status,
            headers,
            body,
            ..
        } = answer;
        let text = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        if socket.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn next_request(socket: &mut TcpStream, read: &mut Vec<u8>) -> Option<Request> {
    let head_end = loop {
        if let Some(at) = read.windows(4).position(|part| part == b"\r\n\r\n") {
            break at;
        }
        if socket.read_buf(read).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(read[..head_end].to_vec()).ok()?;
    let headers: BTreeMap<String, String> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    while read.len() < head_end + 4 + length {
        if socket.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
    let body = read[head_end + 4..head_end + 4 + length].to_vec();
    read.drain(..head_end + 4 + length);
    Some(Request { headers, body })
}
