//! Properties of WeCom's frames and files over any input.

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use longwire_wire::wecom::limit::cut_content;
use longwire_wire::wecom::media::{
    CHUNK_BYTES, MediaKind, MediaLimits, UploadPlan, decrypt, file_name,
};
use longwire_wire::wecom::{Command, Incoming, command};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

/// As the platform does it: padded to 32 bytes.
fn encrypt(key: &[u8; 32], plaintext: &[u8]) -> Vec<u8> {
    let padding = 32 - plaintext.len() % 32;
    let mut bytes = plaintext.to_vec();
    bytes.resize(plaintext.len() + padding, padding as u8);
    let length = bytes.len();
    cbc::Encryptor::<Aes256>::new_from_slices(key, &key[..16])
        .expect("the right lengths")
        .encrypt_padded::<NoPadding>(&mut bytes, length)
        .expect("whole blocks");
    bytes
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        vec(any::<i64>(), 0..3).prop_map(Into::into),
        vec(("(userid|eventtype|req_id|errcode)", any::<String>()), 0..3).prop_map(|members| {
            let members = members.into_iter().map(|(key, text)| (key, text.into()));
            Value::Object(members.collect())
        }),
    ]
}

/// Frames of all sorts, whose members are mostly what they should be.
fn any_frame() -> impl Strategy<Value = Value> {
    let cmd = option::of(prop_oneof![
        Just(json!("aibot_msg_callback")),
        Just(json!("aibot_event_callback")),
        any_value(),
    ]);
    let headers = prop_oneof![
        any::<String>().prop_map(|id| json!({ "req_id": id })),
        any_value(),
    ];
    let body = vec(
        (
            "(msgid|msgtype|chatid|chattype|from|event|create_time|errcode|text)",
            any_value(),
        ),
        0..6,
    )
    .prop_map(|members| Value::Object(members.into_iter().collect()));
    let body = option::of(prop_oneof![4 => body, 1 => any_value()]);
    (cmd, headers, body).prop_map(|(cmd, headers, body)| {
        let mut frame = json!({ "headers": headers });
        if let Some(cmd) = cmd {
            frame["cmd"] = cmd;
        }
        if let Some(body) = body {
            frame["body"] = body;
        }
        frame
    })
}

/// A string in which every character of `text` is written raw, as the platform has done with some.
fn raw_string(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..300)) {
        let _ = Incoming::parse(Bytes::from(bytes));
    }

    /// Text that looks like a frame exercises the repair, which cuts it at byte positions.
    #[test]
    fn any_near_json_is_read_or_refused(text in r#"(\{|\}|"|\\|\\u|d8|dc|00|[\n\t]|é|😀|:|,|cmd){0,40}"#) {
        let _ = Incoming::parse(Bytes::from(text));
    }

    #[test]
    fn any_json_object_is_classified_by_its_command(frame in any_frame()) {
        let text = frame.to_string();
        let parsed = Incoming::parse(Bytes::from(text.clone()));
        match (&frame["cmd"], parsed) {
            (Value::Null, Ok(Incoming::Ack(ack))) => {
                prop_assert_eq!(Some(&*ack.req_id), frame["headers"]["req_id"].as_str());
            }
            (Value::Null, Err(error)) => prop_assert_eq!(error.kind(), "no_req_id"),
            (cmd, Ok(Incoming::Callback(callback))) => {
                prop_assert!(cmd == "aibot_msg_callback" || cmd == "aibot_event_callback");
                prop_assert_eq!(callback.payload, text);
            }
            (cmd, Ok(Incoming::Unknown)) => {
                prop_assert!(cmd != "aibot_msg_callback" && cmd != "aibot_event_callback");
            }
            (_, Err(error)) => {
                prop_assert!(["no_body", "no_msgtype", "no_chat"].contains(&error.kind()));
            }
            (cmd, Ok(Incoming::Ack(ack))) => prop_assert!(false, "{}: {:?}", cmd, ack),
        }
    }

    /// Whatever characters a message is written with, it arrives, and what is handed on is JSON.
    #[test]
    fn raw_characters_lose_no_message(content in any::<String>(), msgid in any::<String>()) {
        let text = format!(
            r#"{{"cmd":"aibot_msg_callback","body":{{"msgid":{},"msgtype":"text","from":{{"userid":"u"}},"text":{{"content":{}}}}}}}"#,
            raw_string(&msgid), raw_string(&content),
        );
        let parsed = Incoming::parse(Bytes::from(text));
        let Ok(Incoming::Callback(callback)) = parsed else {
            return Err(TestCaseError::fail(format!("{parsed:?}")));
        };
        let tree: Value = serde_json::from_slice(&callback.payload).expect("json");
        prop_assert_eq!(tree["body"]["text"]["content"].as_str(), Some(&*content));
        // An id that may have lost a character is none.
        if !msgid.contains('\u{fffd}') {
            prop_assert_eq!(callback.facts.msgid.as_deref().unwrap_or_default(), msgid);
        }
    }

    /// A text that was cut by bytes ends with a part of a character, and what surrounds a document is no part of it.
    #[test]
    fn a_cut_character_and_what_surrounds_a_frame_lose_no_message(content in "\\PC{0,20}", cut in 0usize..40, bom: bool, tail in "[\0\r\n ]{0,3}") {
        let content = &content.as_bytes()[..cut.min(content.len())];
        let content = content.iter().filter(|byte| !b"\"\\".contains(byte)).copied().collect::<Vec<_>>();
        let frame = [
            if bom { &b"\xef\xbb\xbf"[..] } else { b"" },
            br#"{"cmd":"aibot_msg_callback","body":{"msgid":"m","msgtype":"text","from":{"userid":"u"},"text":{"content":""#,
            &content,
            br#""}}}"#,
            tail.as_bytes(),
        ]
        .concat();
        let parsed = Incoming::parse(Bytes::from(frame));
        let Ok(Incoming::Callback(callback)) = parsed else {
            return Err(TestCaseError::fail(format!("{parsed:?}")));
        };
        let tree: Value = serde_json::from_slice(&callback.payload).expect("json");
        let expected = String::from_utf8_lossy(&content);
        prop_assert_eq!(tree["body"]["text"]["content"].as_str(), Some(&*expected));
        prop_assert_eq!(callback.facts.msgid.as_deref(), Some("m"));
    }

    /// A string of any UTF-16 units, each escaped, reads as JavaScript would read it.
    #[test]
    fn any_escaped_units_become_what_they_mean(units in vec(prop_oneof![0xd7f0u16..0xe010, any::<u16>()], 0..12)) {
        let escaped: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
        let text = format!(
            r#"{{"cmd":"aibot_msg_callback","body":{{"msgtype":"text","from":{{"userid":"u"}},"text":{{"content":"{escaped}"}}}}}}"#,
        );
        let parsed = Incoming::parse(Bytes::from(text));
        let Ok(Incoming::Callback(callback)) = parsed else {
            return Err(TestCaseError::fail(format!("{parsed:?}")));
        };
        let tree: Value = serde_json::from_slice(&callback.payload).expect("json");
        let expected = String::from_utf16_lossy(&units);
        prop_assert_eq!(tree["body"]["text"]["content"].as_str(), Some(&*expected));
    }

    #[test]
    fn commands_hold_their_body_and_id(req_id in any::<String>(), body in any_value()) {
        let body: Box<RawValue> = to_raw_value(&body).expect("json");
        for kind in Command::ALL {
            let frame = command(kind, &req_id, &body);
            let tree: Value = serde_json::from_slice(&frame).expect("json");
            prop_assert_eq!(tree["cmd"].as_str(), Some(kind.name()));
            prop_assert_eq!(tree["headers"]["req_id"].as_str(), Some(&*req_id));
            prop_assert_eq!(tree["body"].to_string(), body.get());
        }
    }

    #[test]
    fn what_was_encrypted_is_decrypted(key in any::<[u8; 32]>(), plaintext in vec(any::<u8>(), 0..200)) {
        let aeskey = STANDARD.encode(key);
        let ciphertext = encrypt(&key, &plaintext);
        prop_assert_eq!(decrypt(&aeskey, &ciphertext), Ok(plaintext.clone()));
        prop_assert_eq!(decrypt(aeskey.trim_end_matches('='), &ciphertext), Ok(plaintext));
        prop_assert!(decrypt(&aeskey, &ciphertext[..ciphertext.len() - 1]).is_err());
    }

    #[test]
    fn any_ciphertext_is_decrypted_or_refused(key in any::<String>(), bytes in vec(any::<u8>(), 0..100)) {
        let _ = decrypt(&key, &bytes);
        let _ = decrypt(&STANDARD.encode([7; 32]), &bytes);
    }

    #[test]
    fn a_name_is_one_file_in_one_folder(name in any::<String>(), header in r#"(attachment|;|filename|\*|=|"|\\|/|\.\.|%2[fF]|UTF-8''|x|é| ){0,30}"#) {
        for header in [format!("attachment; filename=\"{name}\""), header] {
            let Some(name) = file_name(&header) else { continue };
            prop_assert!(!name.is_empty() && name.len() <= 255, "{}", name);
            prop_assert!(!name.contains(['/', '\\', '\0', '\n']), "{}", name);
            prop_assert!(name != "." && name != "..", "{}", name);
        }
    }

    #[test]
    fn a_cut_is_the_longest_that_fits(text in any::<String>(), max_bytes in 0usize..64) {
        let (kept, rest) = cut_content(&text, max_bytes);
        prop_assert_eq!([kept, rest].concat(), text.clone());
        prop_assert!(kept.len() <= max_bytes);
        let next = rest.chars().next().map_or(0, char::len_utf8);
        prop_assert!(rest.is_empty() || kept.len() + next > max_bytes);
    }

    #[test]
    fn chunks_cover_a_file_once(len in 5u64..=20 * 1024 * 1024) {
        let plan = UploadPlan::of(len, MediaKind::File, &MediaLimits::default()).expect("within the limits");
        let mut covered = 0;
        for range in plan.chunks() {
            prop_assert_eq!(range.start, covered);
            prop_assert!(range.end > range.start && range.end - range.start <= CHUNK_BYTES);
            covered = range.end;
        }
        prop_assert_eq!(covered, len);
    }
}
