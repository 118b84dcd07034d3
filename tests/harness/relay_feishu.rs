//! A program that is connected to longwire as an SDK of Feishu would be to the platform.
//!
//! It bootstraps, dials, pings, joins fragments, calls its handler in a thread of its own for each event, and answers with the
//! frame that it got. When its connection ends it connects again, until a bootstrap is refused for good or it is killed.

mod socket;

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use longwire_wire::answer::with_data;
use longwire_wire::frame::{Frame, FrameKind, FrameView, Header, Part, ServiceId};
use longwire_wire::websocket::ReceivedMessage;
use serde_json::{Value, json};

pub use self::socket::RelaySocket;
use crate::{Admin, Answer};

/// The pause before it connects again: an SDK's would be the second that it is told.
const PAUSE: Duration = Duration::from_millis(50);

/// An event as a handler gets it.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Which of the program's connections brought it, from 0.
    pub connection: usize,
    /// The frame's header `type`.
    pub kind: String,
    /// The frame's header `message_id`.
    pub message_id: String,
    /// Whether the frame says that it was handed over before.
    pub is_redelivered: bool,
    /// The frames that it came in.
    pub frames: usize,
    /// The platform's bytes.
    pub payload: Bytes,
}

impl Pushed {
    /// Its JSON.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).expect("an event is JSON")
    }

    /// The text of a chat message.
    #[must_use]
    pub fn text(&self) -> String {
        let content = self.json()["event"]["message"]["content"].take();
        let content: Value = serde_json::from_str(content.as_str().unwrap_or("{}"))
            .expect("the content of a message is JSON");
        content["text"].as_str().unwrap_or_default().to_owned()
    }
}

/// What a handler says to an event.
#[derive(Debug, Clone)]
pub enum Handled {
    /// It is done.
    Done,
    /// It is done, and this is the answer to the click.
    Answer(Value),
    /// The handler failed.
    Failed,
    /// Nothing is answered at all.
    Silence,
}

/// A running program.
pub struct FeishuProgram {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    listener: Admin,
    app_id: String,
    token: String,
    handler: Box<dyn Fn(&Pushed) -> Handled + Send + Sync>,
    got: Mutex<Vec<Pushed>>,
    socket: Mutex<Option<TcpStream>>,
    connections: AtomicUsize,
    is_killed: AtomicBool,
    refused: Mutex<Option<Value>>,
}

/// The call before each connection.
///
/// # Panics
/// If the listener does not answer.
#[must_use]
pub fn bootstrap(listener: &Admin, app_id: &str, secret: &str) -> Answer {
    let body = json!({ "AppID": app_id, "AppSecret": secret });
    let answer = listener
        .without_token()
        .post("/callback/ws/endpoint", Some(&body));
    answer.expect("the public listener answers")
}

/// The socket URL in the answer to a bootstrap.
///
/// # Panics
/// If it was refused.
#[must_use]
#[track_caller]
pub fn granted_url(answer: &Answer) -> String {
    let url = answer.json()["data"]["URL"].take();
    let url = url
        .as_str()
        .unwrap_or_else(|| panic!("no URL: {}", answer.body));
    url.to_owned()
}

impl FeishuProgram {
    /// Connects to this public listener as this app.
    #[must_use]
    pub fn start(
        listener: Admin,
        app_id: &str,
        token: &str,
        handler: impl Fn(&Pushed) -> Handled + Send + Sync + 'static,
    ) -> Self {
        let state = Arc::new(State {
            listener,
            app_id: app_id.to_owned(),
            token: token.to_owned(),
            handler: Box::new(handler),
            got: Mutex::default(),
            socket: Mutex::default(),
            connections: AtomicUsize::new(0),
            is_killed: AtomicBool::new(false),
            refused: Mutex::default(),
        });
        let running = Arc::clone(&state);
        Self {
            state,
            thread: Some(std::thread::spawn(move || running.run())),
        }
    }

    /// What its handler was called with, in order.
    #[must_use]
    pub fn got(&self) -> Vec<Pushed> {
        lock(&self.state.got).clone()
    }

    /// The texts of the messages among them.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.got().iter().map(Pushed::text).collect()
    }

    /// Connections that it has had.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.connections.load(SeqCst)
    }

    /// The refusal that it stopped at.
    #[must_use]
    pub fn refused(&self) -> Option<Value> {
        lock(&self.state.refused).clone()
    }

    /// Ends its connection without a word; it connects again.
    pub fn drop_connection(&self) {
        if let Some(socket) = &*lock(&self.state.socket) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Ends it as a kill would: without a word, and for good.
    pub fn kill(&self) {
        self.state.is_killed.store(true, SeqCst);
        self.drop_connection();
    }
}

impl Drop for FeishuProgram {
    fn drop(&mut self) {
        self.kill();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl State {
    fn run(self: &Arc<Self>) {
        while !self.is_killed.load(SeqCst) {
            if let Some(url) = self.bootstrap()
                && let Ok(socket) = RelaySocket::open(&url)
            {
                self.serve(socket);
            }
            if lock(&self.refused).is_some() {
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn bootstrap(&self) -> Option<String> {
        let body = json!({ "AppID": self.app_id, "AppSecret": self.token });
        let listener = self.listener.without_token();
        let answer = listener.post("/callback/ws/endpoint", Some(&body)).ok()?;
        if answer.status != 200 {
            return None;
        }
        let mut answer = answer.json();
        if answer["code"] != 0 {
            *lock(&self.refused) = Some(answer);
            return None;
        }
        answer["data"]["URL"].take().as_str().map(str::to_owned)
    }

    /// Until the connection ends.
    fn serve(self: &Arc<Self>, mut socket: RelaySocket) {
        let Ok(handle) = socket.stream().try_clone() else {
            return;
        };
        *lock(&self.socket) = Some(handle);
        if self.is_killed.load(SeqCst) {
            return;
        }
        let number = self.connections.fetch_add(1, SeqCst);
        let writer = socket.writer();
        writer.send(&Frame::ping(ServiceId(socket.service_id())).to_bytes());
        let mut parts: HashMap<String, Vec<Option<Bytes>>> = HashMap::new();
        while let Some(message) = socket.next() {
            let ReceivedMessage::Binary(bytes) = message else {
                continue;
            };
            let frame = Frame::from_bytes(bytes.clone()).expect("longwire writes frames");
            let view = FrameView::parse(bytes).expect("longwire writes frames");
            if !matches!(view.kind(), FrameKind::Event | FrameKind::Card) {
                continue;
            }
            let Some((payload, frames)) = joined(&mut parts, &view) else {
                continue;
            };
            let pushed = Pushed {
                connection: number,
                kind: view.header("type").unwrap_or_default().to_owned(),
                message_id: view.message_id().unwrap_or_default().to_owned(),
                is_redelivered: view.header("longwire-redelivered") == Some("1"),
                frames,
                payload,
            };
            lock(&self.got).push(pushed.clone());
            let (state, writer) = (Arc::clone(self), writer.clone());
            std::thread::spawn(move || {
                let payload = match (state.handler)(&pushed) {
                    Handled::Done => br#"{"code":200}"#.to_vec(),
                    Handled::Answer(answer) => with_data(answer.to_string().as_bytes()),
                    Handled::Failed => br#"{"code":500}"#.to_vec(),
                    Handled::Silence => return,
                };
                writer.send(&answered(frame, payload).to_bytes());
            });
        }
    }
}

/// The frame written back with another payload.
#[must_use]
pub fn answered(mut frame: Frame, payload: Vec<u8>) -> Frame {
    frame.headers.push(Header::new("biz_rt", "1"));
    frame.payload = Some(payload.into());
    frame
}

/// The whole payload, once all of its fragments have come, and their number.
fn joined(
    parts: &mut HashMap<String, Vec<Option<Bytes>>>,
    view: &FrameView,
) -> Option<(Bytes, usize)> {
    let payload = view.payload().unwrap_or_default();
    let Part::Fragment { sum, seq } = view.part().expect("longwire numbers its fragments") else {
        return Some((payload, 1));
    };
    let id = view.message_id().expect("every push has an id").to_owned();
    let of_push = parts
        .entry(id.clone())
        .or_insert_with(|| vec![None; usize::from(sum)]);
    of_push[usize::from(seq)] = Some(payload);
    if of_push.iter().any(Option::is_none) {
        return None;
    }
    let whole = parts.remove(&id)?;
    let frames = whole.len();
    let bytes: Vec<u8> = whole.into_iter().flatten().flatten().collect();
    Some((bytes.into(), frames))
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
