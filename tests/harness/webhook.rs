//! The webhook of an application.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

/// A delivery as the application sees it.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The envelope.
    pub envelope: Value,
}

impl Delivered {
    /// The text of the message in it.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.envelope["data"]["message"]["text"].as_str()
    }

    /// The event's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.envelope["id"].as_str().unwrap_or_default()
    }

    /// Whether it says that the application may have had it before.
    #[must_use]
    pub fn is_redelivered(&self) -> bool {
        self.envelope["redelivered"] == Value::Bool(true)
    }
}

/// How an application answers a delivery.
#[derive(Copy, Clone, Debug)]
pub struct WebhookAnswer {
    /// The HTTP status.
    pub status: u16,
    /// How long it thinks before.
    pub after: Duration,
    /// The body, JSON or nothing.
    pub body: &'static str,
}

impl WebhookAnswer {
    /// 200 at once.
    pub const OK: Self = Self {
        status: 200,
        after: Duration::ZERO,
        body: "",
    };
}

type Answering = dyn Fn(&Delivered) -> WebhookAnswer + Send + Sync;

/// An application that listens until it is dropped.
pub struct Webhook {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    delivered: Mutex<Vec<Delivered>>,
    connections: Mutex<Vec<TcpStream>>,
    ended: AtomicBool,
    answer: Box<Answering>,
}

impl Webhook {
    /// An application that answers so.
    #[must_use]
    pub fn new(answer: impl Fn(&Delivered) -> WebhookAnswer + Send + Sync + 'static) -> Self {
        Self::at(0, answer)
    }

    /// The same at this port.
    ///
    /// # Panics
    /// If the port is taken.
    #[must_use]
    pub fn at(
        port: u16,
        answer: impl Fn(&Delivered) -> WebhookAnswer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared {
            delivered: Mutex::default(),
            connections: Mutex::default(),
            ended: AtomicBool::new(false),
            answer: Box::new(answer),
        });
        let of_thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                if of_thread.ended.load(SeqCst) {
                    return;
                }
                let shared = Arc::clone(&of_thread);
                if let Ok(clone) = socket.try_clone() {
                    lock(&shared.connections).push(clone);
                }
                std::thread::spawn(move || serve(socket, &shared));
            }
        });
        Self { port, shared }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// All deliveries so far, repeats too, in the order in which they came.
    #[must_use]
    pub fn delivered(&self) -> Vec<Delivered> {
        lock(&self.shared.delivered).clone()
    }

    /// The texts of all messages that came, repeats too.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let delivered = self.delivered();
        let texts = delivered.iter().filter_map(Delivered::text);
        texts.map(str::to_owned).collect()
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.shared.ended.store(true, SeqCst);
        // Wakes the thread that accepts, which then closes the port.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        for connection in lock(&self.shared.connections).drain(..) {
            // It may have ended by itself.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(socket: TcpStream, shared: &Shared) {
    let Ok(mut out) = socket.try_clone() else {
        return;
    };
    let mut read = BufReader::new(socket);
    while let Some(delivered) = next(&mut read) {
        let answer = (shared.answer)(&delivered);
        if shared.ended.load(SeqCst) {
            return;
        }
        lock(&shared.delivered).push(delivered);
        std::thread::sleep(answer.after);
        let (status, body) = (answer.status, answer.body);
        let length = body.len();
        let text = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}");
        if out.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

fn next(read: &mut BufReader<TcpStream>) -> Option<Delivered> {
    let mut headers = BTreeMap::new();
    let mut line = String::new();
    read.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
    loop {
        line.clear();
        read.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    read.read_exact(&mut body).ok()?;
    let envelope = serde_json::from_slice(&body).ok()?;
    Some(Delivered { headers, envelope })
}
