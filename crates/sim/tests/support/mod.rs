//! A small blocking client, written by hand, with a deadline on every read. It shares only the frame's schema with the
//! simulator.

#![allow(dead_code)]

pub(crate) mod receiver;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bytes::Bytes;
use longwire_sim::{Control, Ledger, Sim, SimSettings};
use longwire_wire::frame::{Frame, Header, ServiceId};
use serde_json::{Value, json};
use url::Url;

pub(crate) const APP: &str = "cli_a1b2c3d4e5f60718";
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

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
        std::thread::yield_now();
    }
}

fn dial(address: &str) -> TcpStream {
    let tcp = TcpStream::connect(address).expect("the simulator listens");
    tcp.set_read_timeout(Some(LIMIT)).expect("a timeout");
    tcp
}

/// One HTTP exchange: status, head, body.
pub(crate) fn http(sim: &Sim, method: &str, path: &str, body: &str) -> (u16, String, String) {
    let mut tcp = dial(&sim.address().to_string());
    write!(
        tcp,
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        sim.address(),
        body.len()
    )
    .expect("request sent");
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).expect("answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (status_of(head), head.to_owned(), body.to_owned())
}

fn status_of(head: &str) -> u16 {
    head[9..12].parse().expect("a status")
}

pub(crate) fn bootstrap_as(sim: &Sim, app: &str, secret: &str) -> Value {
    let body = json!({"AppID": app, "AppSecret": secret, "ClientAssertion": ""}).to_string();
    let (status, _, answer) = http(sim, "POST", "/callback/ws/endpoint", &body);
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str(&answer).expect("json")
}

pub(crate) fn bootstrap(sim: &Sim) -> Value {
    bootstrap_as(sim, APP, "secret")
}

pub(crate) fn url_of(sim: &Sim) -> Url {
    let answer = bootstrap(sim);
    let url = answer["data"]["URL"].as_str().expect("a url");
    Url::parse(url).expect("a valid url")
}

pub(crate) struct Client {
    pub(crate) tcp: TcpStream,
    pub(crate) service: ServiceId,
    buffer: Vec<u8>,
}

/// A WebSocket message: opcode and payload, continuation frames put together.
#[derive(Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
    pub(crate) frames: usize,
}

impl Client {
    pub(crate) fn new(sim: &Sim) -> Client {
        Self::dial(&url_of(sim)).expect("101")
    }

    /// Upgrades; a refusal gives its head.
    pub(crate) fn dial(url: &Url) -> Result<Client, String> {
        let host = format!(
            "{}:{}",
            url.host_str().expect("host"),
            url.port().expect("port")
        );
        let mut tcp = dial(&host);
        write!(
            tcp,
            "GET {}?{} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
            url.path(),
            url.query().unwrap_or_default(),
        )
        .expect("request sent");
        let mut client = Client {
            tcp,
            service: ServiceId::from_url(url),
            buffer: Vec::new(),
        };
        let end = loop {
            if let Some(at) = client
                .buffer
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                break at + 4;
            }
            client.fill().map_err(|error| error.to_string())?;
        };
        let rest = client.buffer.split_off(end);
        let head = String::from_utf8(std::mem::replace(&mut client.buffer, rest)).expect("text");
        if status_of(&head) == 101 {
            Ok(client)
        } else {
            Err(head.to_lowercase())
        }
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
        };
        loop {
            let head = self.take(2)?;
            assert_eq!(head[1] & 0x80, 0, "a server does not mask");
            assert_eq!(head[0] & 0x70, 0, "no extension was agreed");
            let len = match head[1] {
                126 => u64::from(u16::from_be_bytes(self.take(2)?.try_into().expect("2"))),
                127 => u64::from_be_bytes(self.take(8)?.try_into().expect("8")),
                len => u64::from(len),
            };
            let len = usize::try_from(len).expect("a usize");
            message.payload.extend(self.take(len)?);
            message.opcode = message.opcode.max(head[0] & 15);
            message.frames += 1;
            if head[0] & 0x80 != 0 {
                return Ok(message);
            }
        }
    }

    /// The next binary message as a frame.
    pub(crate) fn frame(&mut self) -> Frame {
        let message = self.message().expect("a message");
        assert_eq!(message.opcode, 2, "{message:?}");
        Frame::from_bytes(Bytes::from(message.payload)).expect("a frame")
    }

    /// The next data frame's whole payload, put together; and the fragment that came last.
    pub(crate) fn event(&mut self) -> (Vec<u8>, Frame) {
        let mut parts = std::collections::BTreeMap::new();
        loop {
            let frame = self.frame();
            let number = |key| {
                frame
                    .header(key)
                    .expect("header")
                    .parse::<usize>()
                    .expect("number")
            };
            let (sum, seq) = (number("sum"), number("seq"));
            parts.insert(seq, frame.payload.clone().unwrap_or_default());
            if parts.len() == sum {
                return (parts.into_values().flatten().collect(), frame);
            }
        }
    }

    pub(crate) fn send(&mut self, opcode: u8, payload: &[u8]) {
        let mask = [1, 2, 3, 4];
        let mut out = vec![0x80 | opcode, 0x80 | 126];
        out.extend(
            u16::try_from(payload.len())
                .expect("a short message")
                .to_be_bytes(),
        );
        if opcode >= 8 {
            out.truncate(1);
            out.push(0x80 | u8::try_from(payload.len()).expect("a control frame"));
        }
        out.extend(mask);
        out.extend(
            payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
        self.tcp.write_all(&out).expect("sent");
    }

    pub(crate) fn send_frame(&mut self, frame: &Frame) {
        self.send(2, &frame.to_bytes());
    }

    pub(crate) fn ping(&mut self) {
        self.send_frame(&Frame::ping(self.service));
    }

    /// Answers as an SDK does: the frame, `biz_rt` appended, payload replaced.
    pub(crate) fn answer(&mut self, frame: &Frame, payload: &str) {
        let mut answer = frame.clone();
        answer.headers.push(Header::new("biz_rt", "-3"));
        answer.payload = Some(Bytes::copy_from_slice(payload.as_bytes()));
        self.send_frame(&answer);
    }

    pub(crate) fn ack(&mut self, frame: &Frame) {
        self.answer(frame, r#"{"code":200}"#);
    }
}
