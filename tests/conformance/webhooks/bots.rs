//! The bots of `examples`, and what they answer.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use longwire_sim::{ChatMessage, Push};
use longwire_tests::{Setup, app_id, platform, wait_until};
use longwire_wire::webhook::WebhookSecrets;
use serde_json::{Value, json};

use super::delivery::{WebhookDelivery, now_s, secret};
use crate::client::{START, STEP};
use crate::sdk::Sdk;

/// A running bot. Dropping it kills it.
struct Bot {
    child: Child,
    address: SocketAddr,
}

impl Bot {
    /// Starts the example on a free port, with the secret of number 1. `None`: what it takes is not installed.
    fn start(sdk: Sdk) -> Option<Self> {
        Self::start_at(sdk, 0, &secret(1).expose())
    }

    fn start_at(sdk: Sdk, port: u16, secret: &str) -> Option<Self> {
        let mut program = sdk.program(match sdk {
            Sdk::Python => "examples/flask_bot.py",
            Sdk::Node => "examples/express_bot.cjs",
        })?;
        let mut child = program
            .env("WEBHOOK_SECRET", secret)
            .env("PORT", port.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the interpreter is installed");
        let (tell, told) = channel();
        let pipes: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("it is piped")),
            Box::new(child.stderr.take().expect("it is piped")),
        ];
        for pipe in pipes {
            let tell = tell.clone();
            thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    println!("{line}");
                    if let Some((_, address)) = line.split_once("Running on http://") {
                        drop(tell.send(address.to_owned()));
                    }
                }
            });
        }
        drop(tell);
        let bot = |address| Self { child, address };
        let address = told.recv_timeout(START).expect("it says where it listens");
        Some(bot(address.parse().expect("an address")))
    }

    /// Posts a delivery: the status and the JSON of the answer.
    fn post(&self, delivery: &WebhookDelivery) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(STEP)).expect("a limit");
        let mut request = format!(
            "POST /events HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: \
             application/cloudevents+json\r\nContent-Length: {}\r\n",
            self.address,
            delivery.body.len(),
        );
        for (name, value) in delivery.headers() {
            request += &format!("{name}: {value}\r\n");
        }
        let request = [request.as_bytes(), b"\r\n", &delivery.body].concat();
        stream.write_all(&request).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let json = serde_json::from_str(body).unwrap_or(Value::Null);
        (status.expect("a status"), json)
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        // Both fail only if it ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signed(event_type: &str, seq: i64, redelivered: bool, by: u8) -> WebhookDelivery {
    let secrets = WebhookSecrets::new(secret(by));
    WebhookDelivery::sign(event_type, seq, redelivered, &secrets, now_s())
}

pub(super) fn a_message_once(sdk: Sdk) {
    let Some(bot) = Bot::start(sdk) else { return };
    for (seq, event_type) in [
        (1, "feishu.im.message.receive_v1"),
        (2, "wecom.message.text"),
    ] {
        let first = signed(event_type, seq, false, 1);
        let event: Value = serde_json::from_slice(&first.body).expect("an envelope");
        let said = event["data"]["message"]["text"].as_str();
        let said = said.expect("the sample is a text");
        let reply = json!({ "reply": { "text": format!("You said: {said}") } });
        assert_eq!(bot.post(&first), (200, reply));
        assert_eq!(
            bot.post(&signed(event_type, seq, true, 1)),
            (204, Value::Null)
        );
    }
    let click = signed("feishu.card.action.trigger", 3, false, 1);
    assert_eq!(bot.post(&click), (204, Value::Null));
}

pub(super) fn nothing_without_a_signature(sdk: Sdk) {
    let Some(bot) = Bot::start(sdk) else { return };
    let message = "feishu.im.message.receive_v1";
    assert_eq!(bot.post(&signed(message, 1, false, 2)).0, 401);
    let mut changed = signed(message, 1, false, 1);
    changed.body[20] ^= 1;
    assert_eq!(bot.post(&changed).0, 401);
    // It is the event's first delivery all the same.
    assert_eq!(bot.post(&signed(message, 1, false, 1)).0, 200);
}

/// The whole way: a person writes, the bot answers, and the answer stands in the chat.
pub(super) fn a_person_in_a_chat(sdk: Sdk) {
    if sdk.program("examples").is_none() {
        return;
    }
    let sim = platform(|_| ());
    let gateway = Setup::new(&sim)
        .bot("a")
        .set("webhooks.allow_networks", vec!["loopback"])
        .start();
    gateway.wait_live("a");
    // The bot needs its secret at its start, and the consumer its address.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let port = port.expect("a free port").port();
    let consumer = json!({
        "name": "bot",
        "road": { "kind": "webhook", "url": format!("http://127.0.0.1:{port}/events") },
    });
    let created = gateway.public().post("/v1/consumers", Some(&consumer));
    let created = created.expect("the gateway answers");
    assert_eq!(created.status, 201, "{}", created.body);
    let secret = created.json()["secret"].as_str().map(str::to_owned);
    let bot = Bot::start_at(sdk, port, &secret.expect("it is shown once"));
    let written = ChatMessage {
        text: "hello".to_owned(),
        message_id: Some("om_000000000000000000000000000000a1".to_owned()),
        ..ChatMessage::default()
    };
    sim.control()
        .push(&app_id("a"), Push::message(written.clone()));
    let said = wait_until("the answer stands in the chat", || {
        let mut said = sim.control().bot_messages(None);
        said.pop()
            .ok_or_else(|| format!("{:?}", sim.control().ledger()))
    });
    assert_eq!(said.text.as_deref(), Some("You said: hello"));
    assert_eq!(said.in_reply_to, written.message_id);
    assert_eq!(said.chat, written.chat);
    gateway.stop();
    drop(bot);
}

/// They are shown to users as a first bot in a few lines.
#[test]
fn an_example_has_thirty_lines_at_most() {
    for example in [
        include_str!("../examples/flask_bot.py"),
        include_str!("../examples/express_bot.cjs"),
    ] {
        assert!(example.lines().count() <= 30, "{example}");
    }
}
