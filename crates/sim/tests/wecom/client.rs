//! A small blocking client, written by hand, with a deadline on every read.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use longwire_sim::wecom::{Control, Ledger, Sim, SimSettings};
use serde_json::{Value, json};

pub(crate) const BOT: &str = "aibFAKEbot000000000000000000001";
pub(crate) const SECRET: &str = "s3cr3tS3CR3T";
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn start(change: impl FnOnce(&mut SimSettings)) -> Sim {
    let mut settings = SimSettings::default();
    change(&mut settings);
    Sim::start(settings).expect("the simulator starts")
}

/// Waits until `wanted` is true of the ledger.
pub(crate) fn wait(control: &Control, wanted: impl FnMut(&Ledger) -> bool) -> Ledger {
    control
        .wait_until(LIMIT, wanted)
        .unwrap_or_else(|last| panic!("the ledger never came to that: {last:?}"))
}

/// Waits until a condition is true.
pub(crate) fn until(mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < end, "the condition never came true");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// One HTTP exchange: status, head, body.
pub(crate) fn http(sim: &Sim, method: &str, target: &str, body: &str) -> (u16, String, Vec<u8>) {
    let mut tcp = TcpStream::connect(sim.address()).expect("the simulator listens");
    tcp.set_read_timeout(Some(LIMIT)).expect("a timeout");
    let len = body.len();
    write!(
        tcp,
        "{method} {target} HTTP/1.1\r\nHost: h\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n{body}"
    )
    .expect("request sent");
    let mut answer = Vec::new();
    tcp.read_to_end(&mut answer).expect("answer");
    let end = answer.windows(4).position(|at| at == b"\r\n\r\n");
    let body = answer.split_off(end.expect("a head") + 4);
    let head = String::from_utf8(answer).expect("text");
    (head[9..12].parse().expect("a status"), head, body)
}

pub(crate) struct Client {
    pub(crate) tcp: TcpStream,
    buffer: Vec<u8>,
    asked: u64,
}

/// A WebSocket message: opcode and payload, continuation frames put together.
#[derive(Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
    pub(crate) frames: usize,
    pub(crate) masked: bool,
}

impl Client {
    /// Upgrades; a refusal gives its head.
    pub(crate) fn dial(sim: &Sim) -> Result<Client, String> {
        let tcp = TcpStream::connect(sim.address()).expect("the simulator listens");
        tcp.set_read_timeout(Some(LIMIT)).expect("a timeout");
        let mut client = Client {
            tcp,
            buffer: Vec::new(),
            asked: 0,
        };
        let request = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        client
            .tcp
            .write_all(request.as_bytes())
            .expect("request sent");
        let end = loop {
            let end = client.buffer.windows(4).position(|at| at == b"\r\n\r\n");
            if let Some(end) = end {
                break end + 4;
            }
            client.fill().map_err(|error| error.to_string())?;
        };
        let rest = client.buffer.split_off(end);
        let head = String::from_utf8(std::mem::replace(&mut client.buffer, rest)).expect("text");
        if head.starts_with("HTTP/1.1 101") {
            Ok(client)
        } else {
            Err(head)
        }
    }

    /// A client that holds the bot.
    pub(crate) fn subscribed(sim: &Sim) -> Client {
        let mut client = Client::dial(sim).expect("101");
        assert_eq!(client.subscribe(BOT, SECRET)["errcode"], 0);
        client
    }

    fn fill(&mut self) -> std::io::Result<()> {
        let mut chunk = [0; 65_536];
        match self.tcp.read(&mut chunk)? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => {
                self.buffer.extend_from_slice(&chunk[..n]);
                Ok(())
            }
        }
    }

    fn take(&mut self, n: usize) -> std::io::Result<Vec<u8>> {
        while self.buffer.len() < n {
            self.fill()?;
        }
        let rest = self.buffer.split_off(n);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    pub(crate) fn message(&mut self) -> std::io::Result<Message> {
        let mut message = Message {
            opcode: 0,
            payload: Vec::new(),
            frames: 0,
            masked: false,
        };
        loop {
            let head = self.take(2)?;
            let len = match head[1] & 0x7f {
                126 => u64::from(u16::from_be_bytes(self.take(2)?.try_into().expect("2"))),
                127 => u64::from_be_bytes(self.take(8)?.try_into().expect("8")),
                len => u64::from(len),
            };
            message.masked = head[1] & 0x80 != 0;
            if message.masked {
                self.take(4)?;
            }
            let part = self.take(usize::try_from(len).expect("a usize"))?;
            message.payload.extend(part);
            message.opcode = message.opcode.max(head[0] & 15);
            message.frames += 1;
            if head[0] & 0x80 != 0 {
                return Ok(message);
            }
        }
    }

    /// The next text message.
    pub(crate) fn text(&mut self) -> String {
        let message = self.message().expect("a message");
        assert_eq!((message.opcode, message.masked), (1, false), "{message:?}");
        String::from_utf8(message.payload).expect("utf-8")
    }

    /// The next text message as JSON.
    pub(crate) fn frame(&mut self) -> Value {
        serde_json::from_str(&self.text()).expect("json")
    }

    /// The connection ends without another message.
    pub(crate) fn ends(&mut self) {
        let end = self.message();
        assert!(end.is_err(), "{end:?}");
    }

    pub(crate) fn send(&mut self, opcode: u8, payload: &[u8]) {
        let frame = Self::encoded(opcode, payload);
        self.tcp.write_all(&frame).expect("sent");
    }

    /// Sends text messages in one write, so that they come in one burst.
    pub(crate) fn send_together(&mut self, texts: &[String]) {
        let frames = texts.iter().map(|text| Self::encoded(1, text.as_bytes()));
        let frames: Vec<u8> = frames.flatten().collect();
        self.tcp.write_all(&frames).expect("sent");
    }

    fn encoded(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let mut out = vec![0x80 | opcode];
        match payload.len() {
            len @ 0..=125 => out.push(0x80 | u8::try_from(len).expect("short")),
            len => {
                out.push(0x80 | 127);
                out.extend(u64::try_from(len).expect("a length").to_be_bytes());
            }
        }
        out.extend(mask);
        let masked = payload.iter().zip(mask.iter().cycle());
        out.extend(masked.map(|(byte, mask)| byte ^ mask));
        out
    }

    pub(crate) fn command_as(&mut self, req_id: &str, cmd: &str, body: Value) {
        let mut frame = json!({"cmd": cmd, "headers": {"req_id": req_id}});
        if !body.is_null() {
            frame["body"] = body;
        }
        self.send(1, frame.to_string().as_bytes());
    }

    /// Sends a command with a new id, and returns the id.
    pub(crate) fn command(&mut self, cmd: &str, body: Value) -> String {
        self.asked += 1;
        let req_id = format!("{cmd}_{}", self.asked);
        self.command_as(&req_id, cmd, body);
        req_id
    }

    /// Sends a command and reads its answer, which must be the next frame.
    pub(crate) fn ask(&mut self, cmd: &str, body: Value) -> Value {
        let req_id = self.command(cmd, body);
        let ack = self.frame();
        assert_eq!(ack["headers"]["req_id"], req_id, "{ack}");
        assert!(ack.get("cmd").is_none(), "{ack}");
        ack
    }

    pub(crate) fn subscribe(&mut self, bot: &str, secret: &str) -> Value {
        self.ask("aibot_subscribe", json!({"bot_id": bot, "secret": secret}))
    }

    pub(crate) fn ping(&mut self) -> Value {
        self.ask("ping", Value::Null)
    }

    pub(crate) fn send_markdown(&mut self, chat: &str) -> Value {
        let body = json!({"chatid": chat, "msgtype": "markdown", "markdown": {"content": "x"}});
        self.ask("aibot_send_msg", body)
    }
}
