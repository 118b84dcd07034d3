//! What the decoders begin with: the golden vectors of `wire`, and texts of the shapes that have none.

use std::collections::BTreeSet;

use bytes::Bytes;
use longwire_consumer::{ChatKey, DeferredChat, Position, ReadEvent, UndoneEvent, Urgent};
use longwire_installation::InstallationId;
use longwire_wire::event::Seq;
use longwire_wire::frame::FrameView;
use longwire_wire::websocket;
use serde::Deserialize;
use serde_json::value::RawValue;

const FEISHU_FRAMES: &str = include_str!("../../wire/vectors/feishu-frames.json");
const FEISHU_EVENTS: &str = include_str!("../../wire/vectors/feishu-events.json");
const FEISHU_CALLBACKS: &str = include_str!("../../wire/vectors/feishu-callbacks.json");
const WECOM_FRAMES: &str = include_str!("../../wire/vectors/wecom-frames.json");

#[derive(Deserialize)]
struct Frames {
    cases: Vec<Frame>,
}

#[derive(Deserialize)]
struct Frame {
    hex: String,
}

#[derive(Deserialize)]
struct Events {
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    payload: Box<RawValue>,
}

#[derive(Deserialize)]
struct Callbacks {
    requests: Vec<Request>,
}

#[derive(Deserialize)]
struct Request {
    body: String,
    clear: Option<String>,
}

#[derive(Deserialize)]
struct Wecom {
    cases: Vec<Text>,
    content_disposition_vectors: Vec<Disposition>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

#[derive(Deserialize)]
struct Disposition {
    header: String,
}

#[derive(Deserialize)]
struct Body {
    body: Option<Box<RawValue>>,
}

/// What has no vector.
const TEXTS: &[&str] = &[
    r#"{"code":0,"msg":"ok","data":{"URL":"wss://host.invalid/ws/v2?device_id=7&service_id=3","ClientConfig":{"ReconnectCount":-1,"ReconnectInterval":120,"ReconnectNonce":30,"PingInterval":90}}}"#,
    r#"{"code":1000040350,"msg":"too many","data":[]}"#,
    r#"{"AppID":"cli_a","AppSecret":"s\"ecret","more":1}"#,
    r#"{"ReconnectCount":-1,"ReconnectInterval":1.5,"PingInterval":99999999999999999999}"#,
    "\u{feff}{\"PingInterval\":5}\0",
    "wss://host.invalid:8443/ws/v2?fpid=1&device_id=7&access_key=k&service_id=3",
    "https://open.feishu.cn/",
    "ws://LOCALHOST:9/a",
    r#"{"code":200,"headers":null,"data":"e30="}"#,
    "ins_01kbvt2n4ye8gswqcbmnrx5j7d",
    "INS_7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
    "514\ntoo many connections\n1000040350",
    "evt_0420g40r40m30e20900000001a",
    r#"{"name":"a","road":{"kind":"webhook","url":"https://a.invalid/x","headers":{"x-a":"b"}},"filter":{"types":["feishu.im.*"],"chat_type":"group","data":{"message":{"text":["/a*",null]}}},"policy":{"gather":{"quiet_ms":1,"max_ms":2},"max_age":{"after":"1h","then":"skip"},"give_up":{"attempts":3}},"from":{"time":"2026-11-30T12:00:00Z"}}"#,
    r#"{"name":"a","road":{"kind":"stream","ack":"implicit"},"policy":{"order":"room"},"b/c":1}"#,
    r#"{"upload_id":"u","media_id":"m","created_at":"1767225622"}"#,
    r#"{"chatid":"c","msgtype":"markdown","markdown":{"content":"x"}}"#,
    r#"{"toast":{"type":"info","content":"ok","i18n":{"zh_cn":"好"}},"card":{"type":"raw","data":{"schema":"2.0","body":{"elements":[{"tag":"form","elements":[{"tag":"button","name":"n"}]}]}}}}"#,
    r#"{"inline":{"title":"t","url":{"pc":"https://host.invalid/"}},"card":{"type":"template","data":{"template_id":"t"}}}"#,
];

/// The seeds of every decoder; what is one's is tried on the others as well.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = TEXTS.iter().map(|text| text.as_bytes().to_vec()).collect();
    let frames: Frames = read(FEISHU_FRAMES);
    for Frame { hex } in frames.cases {
        let bytes = unhex(&hex);
        if let Ok(view) = FrameView::parse(Bytes::from(bytes.clone())) {
            seeds.extend(view.payload().map(Vec::from));
        }
        seeds.push(bytes);
    }
    let events: Events = read(FEISHU_EVENTS);
    for Event { payload } in events.events {
        seeds.push(payload.get().as_bytes().to_vec());
    }
    let callbacks: Callbacks = read(FEISHU_CALLBACKS);
    let requests = callbacks.requests.into_iter();
    let bodies = requests.flat_map(|Request { body, clear }| [Some(body), clear]);
    // Many requests differ in their headers alone.
    let bodies: BTreeSet<String> = bodies.flatten().collect();
    seeds.extend(bodies.into_iter().map(String::into_bytes));
    let wecom: Wecom = read(WECOM_FRAMES);
    for Text { text } in wecom.cases {
        if let Ok(Body { body: Some(body) }) = serde_json::from_str(&text) {
            seeds.push(body.get().as_bytes().to_vec());
        }
        seeds.push(text.into_bytes());
    }
    for Disposition { header } in wecom.content_disposition_vectors {
        seeds.push(header.into_bytes());
    }
    seeds.extend(websocket());
    seeds.extend(positions());
    seeds
}

fn read<'a, T: Deserialize<'a>>(vectors: &'a str) -> T {
    serde_json::from_str(vectors).expect("the vectors are readable")
}

fn unhex(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("hex") as u8;
    let pairs = hex.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

/// Frames as a server sends them, behind the byte that says how they are cut into reads.
fn websocket() -> Vec<Vec<u8>> {
    let long = [&[0x82, 126, 1, 0][..], &[7; 256]].concat();
    let pieces: [&[u8]; 8] = [
        b"\x82\x05hello",
        b"\x81\x02{}",
        // A message in three parts with a ping between them.
        b"\x02\x03one\x00\x03two\x89\x01p\x80\x05three",
        b"\x8a\x00",
        b"\x88\x04\x03\xe8ok",
        b"\x88\x00",
        b"\x82\x7f\x00\x00\x00\x00\x00\x00\x10\x00",
        &long,
    ];
    let mut seeds: Vec<Vec<u8>> = pieces.map(|piece| [&[3], piece].concat()).into();
    seeds.push([&[1], pieces.concat().as_slice()].concat());
    // What a client sends is masked, and so refused by a client.
    let mut masked = vec![9];
    websocket::write_ping(&mut masked, [1, 2, 3, 4], b"x");
    websocket::write_binary(&mut masked, [5, 6, 7, 8], &[7; 256]);
    // A message in two parts.
    masked.extend_from_slice(b"\x02\x83\0\0\0\0one\x80\x83\0\0\0\0two");
    websocket::write_close(&mut masked, [1, 2, 3, 4], 1000, "ok");
    seeds.push(masked);
    seeds
}

/// The positions of a consumer: at its beginning, and with events that are not done in memory and in the log.
fn positions() -> [Vec<u8>; 2] {
    let beginning = Position::behind(Seq(41));
    let mut later = beginning.clone();
    later.reached = Seq(5_000);
    later.reserved = Seq(6_024);
    later.undone = [(4_100, 0), (4_101, 2), (5_000, 1)]
        .map(|(seq, attempts)| UndoneEvent {
            seq: Seq(seq),
            attempts,
            failures: attempts / 2,
            first_failed_ms: i64::from(attempts / 2) * 1_800_000_000_000,
        })
        .into();
    let installation = InstallationId(1);
    let chat = ReadEvent {
        seq: Seq(4_200),
        installation,
        chat: Some(ChatKey::new(installation, "oc_1")),
        urgent: Urgent::No,
        recorded_ms: 0,
        size_bytes: 0,
        payload: (),
    };
    later.deferred.push(DeferredChat {
        key: chat.key(later.order),
        after: Seq(4_199),
        last: Seq(4_900),
    });
    [beginning, later].map(|position| position.to_bytes())
}
