//! Uploads: their checks, and that an uploaded file can be sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longwire_sim::wecom::{RateLimit, Sim};
use serde_json::{Value, json};

use crate::client::{BOT, Client, start};

const MD5_OF_FIVE: &str = "d05374dc381d9b52806446a71c8e79b1";
const MD5_OF_THREE_CHUNKS: &str = "79b67c7fbf43b76e5b7f182328bdc4b6";
const CHUNK: usize = 524_288;

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

fn init(len: usize, chunks: usize, md5: &str) -> Value {
    json!({"type": "file", "filename": "r.bin", "total_size": len, "total_chunks": chunks, "md5": md5})
}

impl Client {
    fn code(&mut self, cmd: &str, body: Value) -> i64 {
        self.ask(cmd, body)["errcode"].as_i64().expect("a code")
    }

    fn begin(&mut self, body: Value) -> Value {
        let mut ack = self.ask("aibot_upload_media_init", body);
        assert_eq!(ack["errcode"], 0, "{ack}");
        ack["body"]["upload_id"].take()
    }

    fn chunk(&mut self, upload_id: &Value, index: usize, data: &[u8]) -> i64 {
        let data = STANDARD.encode(data);
        let body = json!({"upload_id": upload_id, "chunk_index": index, "base64_data": data});
        self.code("aibot_upload_media_chunk", body)
    }
}

fn upload_five(sim: &Sim, client: &mut Client) -> String {
    let id = client.begin(init(5, 1, MD5_OF_FIVE));
    assert_eq!(client.chunk(&id, 0, &bytes(5)), 0);
    let ack = client.ask("aibot_upload_media_finish", json!({"upload_id": id}));
    assert_eq!(ack["body"]["type"], "file");
    let text = ack["body"]["created_at"].as_str().expect("digits");
    assert!(text.parse::<u64>().is_ok());
    let media_id = ack["body"]["media_id"].as_str().expect("an id").to_owned();
    let file = sim.control().uploaded().pop().expect("a file");
    assert_eq!(
        (file.media_id.as_str(), file.bytes.as_ref()),
        (media_id.as_str(), &bytes(5)[..])
    );
    assert!(file.md5_checked);
    media_id
}

#[test]
fn a_file_in_chunks_of_any_order_is_put_together_and_can_be_sent() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    let whole = bytes(2 * CHUNK + 1);
    let id = client.begin(init(whole.len(), 3, MD5_OF_THREE_CHUNKS));
    for index in [2, 0, 0, 1] {
        let from = index * CHUNK;
        let to = (from + CHUNK).min(whole.len());
        assert_eq!(client.chunk(&id, index, &whole[from..to]), 0);
    }
    let ack = client.ask("aibot_upload_media_finish", json!({"upload_id": id}));
    assert_eq!(ack["errcode"], 0, "{ack}");
    let media_id = &ack["body"]["media_id"];
    let file = json!({"chatid": "u", "msgtype": "file", "file": {"media_id": media_id}});
    assert_eq!(client.code("aibot_send_msg", file), 0);
    let image = json!({"chatid": "u", "msgtype": "image", "image": {"media_id": media_id}});
    assert_eq!(
        client.code("aibot_send_msg", image),
        40007,
        "it is no image"
    );
    assert_eq!(
        sim.control().shown(Some(BOT))[0].content["media_id"],
        *media_id
    );
    assert_eq!(sim.control().uploaded()[0].bytes, whole);
}

#[test]
fn an_init_is_checked() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    let good = init(5, 1, MD5_OF_FIVE);
    let long = "n".repeat(257);
    for (key, value) in [
        ("type", json!("sticker")),
        ("type", json!("voice")),
        ("filename", json!("")),
        ("filename", json!(long)),
        ("total_size", json!(4)),
        ("total_size", json!(20 * 1024 * 1024 + 1)),
        ("total_size", json!(CHUNK + 1)),
        ("total_chunks", json!(0)),
        ("total_chunks", json!(101)),
        ("total_chunks", json!("1")),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        assert_eq!(
            client.code("aibot_upload_media_init", bad.clone()),
            40058,
            "{bad}"
        );
    }
    let mut picture = good;
    picture["type"] = json!("image");
    assert_eq!(
        client.code("aibot_upload_media_init", picture.clone()),
        40058,
        "no format of images"
    );
    picture["filename"] = json!("a.PNG");
    assert_eq!(client.code("aibot_upload_media_init", picture), 0);
}

#[test]
fn chunks_and_the_end_are_checked() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    let id = client.begin(init(5, 1, &"0".repeat(32)));
    let finish = json!({"upload_id": id});
    assert_eq!(client.chunk(&json!("UPL_none"), 0, b"hello"), 40058);
    assert_eq!(client.chunk(&id, 1, b"hello"), 40058);
    assert_eq!(client.chunk(&id, 0, &bytes(CHUNK + 1)), 40058);
    let odd = json!({"upload_id": id, "chunk_index": 0, "base64_data": "aGVs\nbG8="});
    assert_eq!(client.code("aibot_upload_media_chunk", odd), 40058);
    assert_eq!(
        client.code("aibot_upload_media_finish", finish.clone()),
        40058,
        "a chunk is missing"
    );
    assert_eq!(client.chunk(&id, 0, b"hello"), 0);
    assert_eq!(
        client.code("aibot_upload_media_finish", finish),
        40058,
        "another md5"
    );
    let short =
        client.begin(json!({"type": "file", "filename": "f", "total_size": 6, "total_chunks": 1}));
    assert_eq!(client.chunk(&short, 0, b"hello"), 0);
    assert_eq!(
        client.code("aibot_upload_media_finish", json!({"upload_id": short})),
        40058
    );
    assert!(sim.control().uploaded().is_empty());
}

#[test]
fn an_upload_ends_with_its_connection_and_its_half_hour_and_has_a_rate() {
    let sim = start(|settings| {
        settings.upload_limit = RateLimit {
            per_minute: 2,
            per_hour: 9,
        };
    });
    let mut client = Client::subscribed(&sim);
    upload_five(&sim, &mut client);
    let id = client.begin(init(5, 1, MD5_OF_FIVE));
    assert_eq!(
        client.code("aibot_upload_media_init", init(5, 1, MD5_OF_FIVE)),
        45009
    );
    let mut next = Client::subscribed(&sim);
    assert_eq!(next.chunk(&id, 0, &bytes(5)), 40058);

    let fast = start(|settings| {
        settings.time_factor = 100_000.0;
        settings.idle_close = None;
        settings.displaced_kept = std::time::Duration::from_secs(1_000_000);
        settings.uploads_end_with_connection = false;
    });
    let mut client = Client::subscribed(&fast);
    let id = client.begin(init(5, 1, MD5_OF_FIVE));
    crate::client::until(|| client.chunk(&id, 0, &bytes(5)) == 40058);
}
