//! A client of the Open API, written by hand.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use longwire_sim::Sim;
use serde_json::{Value, json};

use crate::support::{APP, LIMIT};

pub(crate) const MESSAGES: &str = "/open-apis/im/v1/messages";
const TOKENS: &str = "/open-apis/auth/v3/tenant_access_token/internal";

/// Calls with a token, or without.
pub(crate) struct Caller {
    pub(crate) address: SocketAddr,
    pub(crate) token: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }

    pub(crate) fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("json: {text}"))
    }
}

impl Caller {
    pub(crate) fn new(sim: &Sim) -> Self {
        Self {
            address: sim.address(),
            token: None,
        }
    }

    /// With the token of [`APP`].
    pub(crate) fn with_token(sim: &Sim) -> Self {
        Self::new(sim).logged_in(APP, "secret")
    }

    /// With the token of this app.
    pub(crate) fn logged_in(mut self, app: &str, secret: &str) -> Self {
        let asked = json!({ "app_id": app, "app_secret": secret });
        let (status, answer) = self.json("POST", TOKENS, &asked);
        assert_eq!((status, &answer["code"]), (200, &json!(0)), "{answer}");
        self.token = answer["tenant_access_token"].as_str().map(str::to_owned);
        self
    }

    /// One call with JSON: status and JSON of the answer.
    pub(crate) fn json(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let reply = self.send(method, path, "application/json", body.as_bytes());
        assert!(reply.header("x-tt-logid").is_some(), "{reply:?}");
        (reply.status, reply.json())
    }

    /// A call that succeeds: `data` of the answer.
    pub(crate) fn data(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, mut answer) = self.json(method, path, body);
        assert_eq!((status, &answer["code"]), (200, &json!(0)), "{answer}");
        answer["data"].take()
    }

    /// The code of a call's answer.
    pub(crate) fn code(&self, method: &str, path: &str, body: &Value) -> Value {
        self.json(method, path, body).1["code"].take()
    }

    /// A call with a form, in chunks as clients stream it.
    pub(crate) fn form(&self, path: &str, parts: &[(&str, Option<&str>, &[u8])]) -> Reply {
        let mut body = Vec::new();
        for (name, file_name, bytes) in parts {
            let file_name =
                file_name.map_or_else(String::new, |name| format!("; filename=\"{name}\""));
            let head = format!(
                "--b0undary\r\nContent-Disposition: form-data; name=\"{name}\"{file_name}\r\n\r\n"
            );
            body.extend(head.as_bytes());
            body.extend(*bytes);
            body.extend(b"\r\n");
        }
        body.extend(b"--b0undary--\r\n");
        let mut tcp = self.open();
        let head = self.head("POST", path, "multipart/form-data; boundary=b0undary");
        write!(tcp, "{head}Transfer-Encoding: chunked\r\n\r\n").expect("sent");
        for chunk in body.chunks(1_000) {
            write!(tcp, "{:x}\r\n", chunk.len()).expect("sent");
            tcp.write_all(chunk).expect("sent");
            tcp.write_all(b"\r\n").expect("sent");
        }
        tcp.write_all(b"0\r\n\r\n").expect("sent");
        read(tcp).expect("an answer")
    }

    pub(crate) fn send(&self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Reply {
        self.try_send(method, path, content_type, body)
            .expect("an answer")
    }

    /// The answer; `None` if the connection ends without a whole one.
    pub(crate) fn try_send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Option<Reply> {
        let mut tcp = self.open();
        let head = self.head(method, path, content_type);
        write!(tcp, "{head}Content-Length: {}\r\n\r\n", body.len()).expect("sent");
        tcp.write_all(body).expect("sent");
        read(tcp)
    }

    fn open(&self) -> TcpStream {
        let tcp = TcpStream::connect(self.address).expect("the simulator listens");
        tcp.set_read_timeout(Some(LIMIT)).expect("a timeout");
        tcp
    }

    fn head(&self, method: &str, path: &str, content_type: &str) -> String {
        let token = self.token.as_ref();
        let token = token.map_or_else(String::new, |token| {
            format!("Authorization: Bearer {token}\r\n")
        });
        format!(
            "{method} {path} HTTP/1.1\r\nHost: sim\r\n{token}Content-Type: {content_type}\r\nConnection: close\r\n"
        )
    }
}

fn read(mut tcp: TcpStream) -> Option<Reply> {
    let mut answer = Vec::new();
    let ended = tcp.read_to_end(&mut answer);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let body = answer.split_off(end + 4);
    let head = String::from_utf8(answer).ok()?;
    let reply = Reply {
        status: head.get(9..12)?.parse().ok()?,
        head,
        body,
    };
    let length = reply.header("content-length")?.parse::<usize>().ok()?;
    (ended.is_ok() && reply.body.len() == length).then_some(reply)
}

/// The body of a text message.
pub(crate) fn text(text: &str) -> Value {
    json!({ "msg_type": "text", "content": json!({ "text": text }).to_string() })
}
