//! Files: each client decrypts the platform's and uploads its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longwire_sim::wecom::{Content, Media, Push, Via};
use serde_json::Value;

use super::order::Order;
use super::stage::{BOT, Stage};
use crate::scene::Scene;

/// A file of two full chunks and a rest.
const UPLOAD_BYTES: usize = 2 * 512 * 1024 + 77_777;

/// Bytes of all values, in which hardly any two places look the same.
fn bytes(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

/// The client's own decryption gives the bytes that the user sent, whatever their padding, with keys written
/// with and without `=`; the name is the user's.
pub(crate) fn downloads(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let mut key_lengths = Vec::new();
    let mut fetched = 0;
    let mut comes_whole = |link: &Value, sent: &Media| {
        let (url, aeskey) = (text(&link["url"]), text(&link["aeskey"]));
        let file = stage.ask(&Order::DownloadFile { url, aeskey });
        let got = STANDARD.decode(text(&file["bytes"])).expect("Base64");
        // Not `assert_eq!`: nobody reads a file in a test's output.
        assert!(
            got == sent.bytes,
            "{} bytes for {}",
            got.len(),
            sent.bytes.len()
        );
        assert_eq!(file["file_name"].as_str(), sent.file_name.as_deref());
        key_lengths.push(aeskey.len());
        fetched += 1;
        assert_eq!(stage.sim.ledger().downloads, fetched);
    };
    let contents = [Content::Image, Content::File, Content::Video];
    for (n, len) in [1, 15, 31, 32, 33, 300_000].into_iter().enumerate() {
        let sent = Media::new("报告 1.pdf", bytes(len));
        let kind = ["image", "file", "video"][n % 3];
        let (_, frame) = stage.heard(contents[n % 3](sent.clone()), Some(kind));
        comes_whole(&frame["body"][kind], &sent);
    }
    let nameless = Media {
        file_name: None,
        ..Media::new("", bytes(100))
    };
    let mixed = Content::Mixed(vec![Content::Image(nameless.clone())]);
    let (_, frame) = stage.heard(Push::of(mixed.clone()).quoting(mixed), Some("mixed"));
    for mixed in [&frame["body"]["mixed"], &frame["body"]["quote"]["mixed"]] {
        comes_whole(&mixed["msg_item"][0]["image"], &nameless);
    }
    assert!(key_lengths.contains(&43) && key_lengths.contains(&44));
    stage.is_spotless();
}

/// A file goes up in chunks, is put together with the announced MD5, and is sent under its id.
pub(crate) fn uploads(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let file = bytes(UPLOAD_BYTES);
    let answer = stage.ask(&Order::UploadMedia {
        kind: "file",
        file_name: "报告 1.pdf",
        bytes: STANDARD.encode(&file),
    });
    let uploaded = stage.sim.uploaded();
    let [uploaded] = &uploaded[..] else {
        panic!("{} files", uploaded.len());
    };
    assert!(uploaded.bytes == file, "{} bytes", uploaded.bytes.len());
    assert_eq!(
        (uploaded.bot.as_str(), uploaded.kind.as_str()),
        (BOT, "file")
    );
    assert_eq!(uploaded.file_name, "报告 1.pdf");
    assert!(uploaded.md5_checked);
    assert_eq!(answer["type"], "file");
    assert_eq!(answer["media_id"], uploaded.media_id);
    assert!(text(&answer["created_at"]).parse::<u64>().is_ok());
    let ledger = stage.sim.ledger();
    for (command, times) in [("init", 1), ("chunk", 3), ("finish", 1)] {
        let command = format!("aibot_upload_media_{command}");
        assert_eq!(ledger.answered(&command, 0), times, "{command}");
    }

    let answer = stage.ask(&Order::SendMedia {
        chat: "zhangsan",
        kind: "file",
        media_id: &uploaded.media_id,
    });
    assert_eq!(answer["errcode"], 0);
    let shown = stage.newly_shown(0);
    assert_eq!((shown.msgtype.as_str(), shown.via), ("file", Via::Send));
    assert_eq!(shown.content["media_id"], uploaded.media_id);
    stage.is_spotless();
}

fn text(value: &Value) -> &str {
    value.as_str().expect("it is a string")
}
