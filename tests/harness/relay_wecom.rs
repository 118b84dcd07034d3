//! A program that speaks to the relay as it would speak to WeCom: what the official SDKs do, in a few lines.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use bytes::Bytes;
use longwire_wire::websocket::{
    FrameLimits, FrameReader, Opcode, ReceivedMessage, frame_in_place, write_pong,
};
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::platform::bot_id;
use crate::wait::wait_until;

/// Any mask will do: nothing on the way here reads it.
const MASK: [u8; 4] = [1, 2, 3, 4];

/// A client of a WeCom bot, connected to a gateway in place of the platform. Dropping it hangs up.
pub struct WecomClient {
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
    serial: AtomicU64,
}

struct Shared {
    stream: TcpStream,
    /// The frames that came, in their order.
    frames: Mutex<Vec<Value>>,
    answers_pings: AtomicBool,
    is_over: AtomicBool,
}

impl WecomClient {
    /// Connects, and says nothing.
    ///
    /// # Panics
    /// If there is no answer with 101.
    #[track_caller]
    #[must_use]
    pub fn connect(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).expect("the gateway listens");
        let head = format!(
            "GET /relay/wecom HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nUser-Agent: story/1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it reads");
        let (head, early) = read_head(&mut stream);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let shared = Arc::new(Shared {
            stream,
            frames: Mutex::default(),
            answers_pings: AtomicBool::new(true),
            is_over: AtomicBool::new(false),
        });
        let reading = Arc::clone(&shared);
        Self {
            shared,
            reader: Some(std::thread::spawn(move || reading.read(early))),
            serial: AtomicU64::new(0),
        }
    }

    /// Connects and subscribes to this bot of the gateway with a token, and waits until it is served.
    #[track_caller]
    #[must_use]
    pub fn subscribed(gateway: &Gateway, bot: &str, token: &str) -> Self {
        let client = Self::connect(gateway.public().address());
        assert_eq!(client.subscribe(&bot_id(bot), token), 0);
        client
    }

    /// Subscribes, and returns the `errcode`.
    #[track_caller]
    pub fn subscribe(&self, bot_id: &str, secret: &str) -> i64 {
        self.ask(
            "aibot_subscribe",
            json!({ "bot_id": bot_id, "secret": secret }),
        )
    }

    /// Sends a command under an id of its own and waits for the `errcode` of the answer.
    #[track_caller]
    pub fn ask(&self, cmd: &str, body: Value) -> i64 {
        let serial = self.serial.fetch_add(1, SeqCst);
        self.ask_as(cmd, &format!("{cmd}_{serial}"), body)
    }

    /// The same under this id, as answers to callbacks are sent.
    #[track_caller]
    pub fn ask_as(&self, cmd: &str, req_id: &str, body: Value) -> i64 {
        let answer = self.answer_to(cmd, req_id, body);
        answer["errcode"].as_i64().expect("an errcode")
    }

    /// Sends a command under this id and waits for the answer.
    #[track_caller]
    pub fn answer_to(&self, cmd: &str, req_id: &str, body: Value) -> Value {
        let before = self.answers(req_id).len();
        self.say(&json!({ "cmd": cmd, "headers": { "req_id": req_id }, "body": body }).to_string());
        wait_until(&format!("{cmd} is answered"), || {
            let answer = self.answers(req_id).into_iter().nth(before);
            answer.ok_or_else(|| format!("{:?}", self.frames()))
        })
    }

    /// Waits until a command under this id is answered.
    #[track_caller]
    pub fn wait_answer(&self, req_id: &str) -> Value {
        wait_until(&format!("{req_id} is answered"), || {
            let answer = self.answers(req_id).into_iter().next();
            answer.ok_or_else(|| format!("{:?}", self.frames()))
        })
    }

    /// Replies to a callback with a text, and returns the `errcode`.
    #[track_caller]
    pub fn reply(&self, req_id: &str, text: &str) -> i64 {
        let body = json!({ "msgtype": "markdown", "markdown": { "content": text } });
        self.ask_as("aibot_respond_msg", req_id, body)
    }

    /// Sends a text message. A connection that ended meanwhile does not take it.
    pub fn say(&self, text: &str) {
        let mut out = Vec::new();
        frame_in_place(&mut out, Opcode::Text, MASK, text.len(), |out| {
            out.extend_from_slice(text.as_bytes());
        });
        let _ = (&self.shared.stream).write_all(&out);
    }

    /// Whether WebSocket pings are answered from now on. A program that is busy with an event answers none.
    pub fn answer_pings(&self, answers: bool) {
        self.shared.answers_pings.store(answers, SeqCst);
    }

    /// The frames that came so far.
    #[must_use]
    pub fn frames(&self) -> Vec<Value> {
        self.shared.frames.lock().expect("nobody panics").clone()
    }

    /// The callbacks among them.
    #[must_use]
    pub fn callbacks(&self) -> Vec<Value> {
        let mut frames = self.frames();
        frames.retain(|frame| frame.get("cmd").is_some());
        frames
    }

    /// The `msgid` of each of those.
    #[must_use]
    pub fn msgids(&self) -> Vec<String> {
        let callbacks = self.callbacks();
        let msgids = callbacks
            .iter()
            .map(|frame| frame["body"]["msgid"].as_str());
        msgids
            .map(|msgid| msgid.unwrap_or_default().to_owned())
            .collect()
    }

    /// Waits until the callback of this `msgid` came, and returns it.
    #[track_caller]
    pub fn wait_callback(&self, msgid: &str) -> Value {
        wait_until(&format!("{msgid} comes"), || {
            let callbacks = self.callbacks();
            let mut found = callbacks.into_iter();
            let found = found.find(|frame| frame["body"]["msgid"] == msgid);
            found.ok_or_else(|| format!("{:?}", self.msgids()))
        })
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.shared.is_over.load(SeqCst)
    }

    /// Waits until the connection has ended.
    #[track_caller]
    pub fn wait_over(&self) {
        wait_until("the connection ends", || {
            self.is_over().then_some(()).ok_or_else(|| "no".to_owned())
        });
    }

    fn answers(&self, req_id: &str) -> Vec<Value> {
        let mut frames = self.frames();
        frames.retain(|frame| frame.get("cmd").is_none() && frame["headers"]["req_id"] == req_id);
        frames
    }
}

impl Drop for WecomClient {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.shared.stream.shutdown(Shutdown::Both);
        if let Some(reader) = self.reader.take() {
            let ended = reader.join();
            if !std::thread::panicking() {
                ended.expect("what came was understood");
            }
        }
    }
}

impl Shared {
    /// Reads until the connection ends.
    fn read(&self, early: Bytes) {
        let mut reader = FrameReader::new(FrameLimits::default());
        let mut chunk = early;
        loop {
            reader.feed(chunk);
            while let Some(message) = reader.next().expect("a frame of RFC 6455") {
                self.take(message);
            }
            let mut buffer = vec![0; 64 * 1024];
            match (&self.stream).read(&mut buffer) {
                Ok(0) | Err(_) => return self.is_over.store(true, SeqCst),
                Ok(read) => {
                    buffer.truncate(read);
                    chunk = buffer.into();
                }
            }
        }
    }

    fn take(&self, message: ReceivedMessage) {
        match message {
            ReceivedMessage::Text(text) | ReceivedMessage::Binary(text) => {
                let frame = serde_json::from_slice(&text).expect("JSON");
                self.frames.lock().expect("nobody panics").push(frame);
            }
            ReceivedMessage::Ping(payload) if self.answers_pings.load(SeqCst) => {
                let mut out = Vec::new();
                write_pong(&mut out, MASK, &payload);
                let _ = (&self.stream).write_all(&out);
            }
            ReceivedMessage::Ping(_) | ReceivedMessage::Pong(_) => {}
            ReceivedMessage::Close(frame) => panic!("the platform sends no close frame: {frame:?}"),
        }
    }
}

/// Programs that subscribe to bot `a`, with tokens of these names.
#[track_caller]
#[must_use]
pub fn wecom_programs(gateway: &Gateway, names: &[&str]) -> Vec<WecomClient> {
    let tokens = names.iter().map(|name| gateway.relay_token(name, "a"));
    let clients = tokens.map(|token| WecomClient::subscribed(gateway, "a", &token));
    clients.collect()
}

/// The `req_id` of a callback.
#[track_caller]
#[must_use]
pub fn req_id_of(callback: &Value) -> String {
    let req_id = callback["headers"]["req_id"].as_str();
    req_id.expect("a callback has one").to_owned()
}

/// The head of the answer, and what came behind it.
fn read_head(stream: &mut TcpStream) -> (String, Bytes) {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let early = Bytes::copy_from_slice(&bytes[end + 4..]);
            return (String::from_utf8_lossy(&bytes[..end]).into_owned(), early);
        }
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer).expect("it answers");
        assert!(read > 0, "it hung up: {}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&buffer[..read]);
    }
}
