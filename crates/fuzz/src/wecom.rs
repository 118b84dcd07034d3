//! The decoders of WeCom's bytes.

use bytes::Bytes;
use longwire_wire::wecom::media::upload::{Uploaded, upload_id};
use longwire_wire::wecom::media::{check_name, decrypt, file_name};
use longwire_wire::wecom::{Command, Incoming, check_body, command};
use serde_json::value::RawValue;

use crate::lies_in;

/// The 43 characters of a key, all zeros.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A callback's payload is a JSON object, and reading it again finds the same; an answer's parts are slices of the frame.
pub fn wecom_incoming(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    match Incoming::parse(bytes.clone()) {
        Ok(Incoming::Callback(callback)) => {
            let object: serde_json::Value =
                serde_json::from_slice(&callback.payload).expect("the payload is JSON");
            assert!(object.is_object());
            assert!(!callback.facts.type_name.is_empty());
            let again = Incoming::parse(callback.payload.clone());
            let Ok(Incoming::Callback(again)) = again else {
                panic!("the payload of a callback is one: {again:?}")
            };
            assert_eq!(again.payload, callback.payload);
            assert_eq!(again.facts.type_name, callback.facts.type_name);
            if lies_in(&callback.payload, &bytes) {
                assert_eq!(again, callback);
                assert_eq!(again.identity(), callback.identity());
            }
        }
        Ok(Incoming::Ack(ack)) => {
            if let Some(body) = &ack.body {
                serde_json::from_slice::<serde_json::Value>(body).expect("the body is JSON");
            }
        }
        Ok(Incoming::Unknown) | Err(_) => {}
    }
}

/// A body that passes makes a frame that is JSON, with the body in it as it was.
pub fn wecom_body(data: &[u8]) {
    let Ok(body) = serde_json::from_slice::<&RawValue>(data) else {
        return;
    };
    for one in Command::ALL {
        if check_body(one, body).is_err() {
            continue;
        }
        assert!(body.get().starts_with('{'));
        let frame = command(one, "an id", body);
        let frame = std::str::from_utf8(&frame).expect("a frame is text");
        assert!(frame.contains(body.get()), "the body was changed");
        assert!(serde_json::from_str::<&RawValue>(frame).is_ok());
    }
}

/// A file is no longer than its ciphertext, and shorter by what its padding may be.
pub fn wecom_decrypt(data: &[u8]) {
    if let Ok(content) = decrypt(KEY, data) {
        assert!(content.len() < data.len() && content.len() + 32 >= data.len());
    }
    // The key comes from outside too: up to a NUL it is the key.
    let (key, ciphertext) = match data.iter().position(|byte| *byte == 0) {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[][..]),
    };
    if let Ok(key) = std::str::from_utf8(key) {
        let _ = decrypt(key, ciphertext);
    }
}

/// A file's name is one name in one folder; the answers to an upload's steps are read or not.
pub fn wecom_media(data: &[u8]) {
    let _ = (upload_id(data), Uploaded::parse(data));
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _ = check_name(text);
    for header in [text.to_owned(), format!("attachment; filename=\"{text}\"")] {
        let Some(name) = file_name(&header) else {
            continue;
        };
        assert!(!name.is_empty() && name.len() <= 255, "{name}");
        assert!(!name.contains(['/', '\\', '\0', '\n']), "{name}");
        assert!(name != "." && name != "..", "{name}");
    }
}
