//! Generates text messages of a given size.
//!
//! The frame is built once per bot and size. A message copies it and writes its ids, user, time and number into it. The
//! members are those of the developer centre's sample; all ids are invented.

use crate::ids::{AttemptId, scramble, write_hex};
use crate::wecom::push::Chat;
use crate::wecom::req_id::{MSGID_LEN, REQ_ID_LEN, write_msgid, write_req_id};

/// Number of users that generated messages come from, each with a single chat.
const USERS: u64 = 64;

/// The frame of a text message, with the positions of the parts that differ between messages.
#[derive(Debug)]
pub(crate) struct Template {
    text: Vec<u8>,
    req_id: usize,
    msgid: usize,
    user: usize,
    time: usize,
    code: usize,
    number: usize,
}

const REQ_ID: &str = "RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR";
const MSGID: &str = "MMMMMMMMMMMMMMMMMMMMMMMMMMMM";
const USER: &str = "user_UU";
const TIME: &str = "TTTTTTTTTT";
const CODE: &str = "CCCCCCCCCCCCCCCC";
const NUMBER: &str = "NNNNNNNNNNNN";

impl Template {
    /// A frame of about `bytes` bytes, filled with text; never shorter than a message that contains its number.
    pub(crate) fn new(bot: &str, origin: &str, bytes: usize) -> Self {
        let bot = serde_json::Value::from(bot);
        let head = format!(
            concat!(
                r#"{{"cmd":"aibot_msg_callback","headers":{{"req_id":"{}"}},"body":{{"msgid":"{}","create_time":{},"#,
                r#""aibotid":{},"chattype":"single","from":{{"userid":"{}"}},"#,
                r#""response_url":"{}/response?response_code={}","msgtype":"text","text":{{"content":"{}"#
            ),
            REQ_ID, MSGID, TIME, bot, USER, origin, CODE, NUMBER,
        );
        let tail = r#""}}}"#;
        let at = |marker: &str| head.find(marker).expect("the marker is in the text above");
        let holes = [
            at(REQ_ID),
            at(MSGID),
            at(USER) + 5,
            at(TIME),
            at(CODE),
            at(NUMBER),
        ];
        let filling = bytes.saturating_sub(head.len() + tail.len());
        let mut text = head.into_bytes();
        text.extend(b" the quick brown fox".iter().cycle().take(filling));
        text.extend_from_slice(tail.as_bytes());
        let [req_id, msgid, user, time, code, number] = holes;
        Self {
            text,
            req_id,
            msgid,
            user,
            time,
            code,
            number,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Appends the frame's text of this delivery. `created_s` has 10 digits, as all times of this century.
    pub(crate) fn write(&self, of: AttemptId, seed: u64, created_s: u64, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.text);
        let text = &mut out[start..];
        let hole = text[self.req_id..].first_chunk_mut::<REQ_ID_LEN>();
        write_req_id(of, seed, hole.expect("the template holds a req_id"));
        let hole = text[self.msgid..].first_chunk_mut::<MSGID_LEN>();
        write_msgid(of.push, seed, hole.expect("the template holds a msgid"));
        write_hex(of.push % USERS, &mut text[self.user..self.user + 2]);
        write_decimal(created_s, &mut text[self.time..self.time + 10]);
        write_hex(
            response_code(of.push, seed),
            &mut text[self.code..self.code + 16],
        );
        write_decimal(of.push, &mut text[self.number..self.number + 12]);
    }
}

/// The chat of a generated message.
pub(crate) fn chat(push: u64) -> Chat {
    Chat::single(&format!("user_{:02x}", push % USERS))
}

/// Whether generated messages come from this chat.
pub(crate) fn is_chat(key: &str) -> bool {
    (0..USERS).any(|user| chat(user).key() == key)
}

/// The code in the `response_url` of a push.
pub(crate) fn response_code(push: u64, seed: u64) -> u64 {
    scramble(push ^ seed.rotate_left(17))
}

fn write_decimal(mut value: u64, out: &mut [u8]) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::wecom::req_id::{msgid, req_id};

    fn frame(push: u64, bytes: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let of = AttemptId { push, attempt: 1 };
        Template::new("aib\"1", "http://h", bytes).write(of, 5, 1_767_225_601, &mut out);
        out
    }

    #[test]
    fn it_is_a_message_with_its_own_ids_and_the_wanted_size() {
        let bytes = frame(77, 1024);
        assert_eq!(bytes.len(), 1024);
        let frame: Value = serde_json::from_slice(&bytes).expect("json");
        let of = AttemptId {
            push: 77,
            attempt: 1,
        };
        assert_eq!(frame["headers"]["req_id"], req_id(of, 5));
        assert_eq!(frame["body"]["msgid"], msgid(77, 5));
        assert_eq!(frame["body"]["aibotid"], "aib\"1");
        assert_eq!(frame["body"]["create_time"], 1_767_225_601);
        assert_eq!(frame["body"]["from"]["userid"], "user_0d");
        let text = frame["body"]["text"]["content"].as_str().expect("text");
        assert!(text.starts_with("000000000077 the quick"), "{text}");
        assert_eq!(chat(77), Chat::single("user_0d"));
    }

    #[test]
    fn small_sizes_give_a_short_message() {
        let shortest = frame(1, 0).len();
        assert!(shortest > 300 && shortest < 500, "{shortest}");
    }
}
