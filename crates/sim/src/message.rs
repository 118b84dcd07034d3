//! Generates `im.message.receive_v1` events of a given size.
//!
//! The JSON is built once per app, size and number of chats. An event copies it and writes its ids and times into it. The
//! members are those in the open platform's documentation of the event; all ids are invented. Every chat is that of one
//! person with the bot. The message id leads back to the number of the event, and that to its chat. The text begins with the
//! time of the push, if there is room for it, so that whoever receives it can tell how long it took.

use crate::ids::{read_hex, scramble, unscramble, write_hex};

/// The JSON of a text message, with the positions of ids and times.
#[derive(Debug)]
pub(crate) struct Template {
    text: Vec<u8>,
    event_id: usize,
    header_time: usize,
    message_id: usize,
    message_time: [usize; 2],
    /// Where the person's 16 digits are: in the ids of the sender and in that of the chat.
    person: [usize; 3],
    /// Where the text has the time of the push, if it has room for it.
    pushed_at: Option<usize>,
    chats: u32,
}

const EVENT_ID: &str = "EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE";
const MESSAGE_ID: &str = "om_x100MMMMMMMMMMMMMMMMMMMMMMM";
const HEADER_TIME: &str = "HHHHHHHHHHHHH";
const CREATE_TIME: &str = "CCCCCCCCCCCCC";
const UPDATE_TIME: &str = "UUUUUUUUUUUUU";
/// The verification token of apps whose console names none.
pub(crate) const INVENTED_TOKEN: &str = "InventedVerificationToken0000000";
/// What stands before the time of the push in the text of a message.
const PUSHED_AT: &str = "pushed at ";
/// Digits of a time in microseconds of this century and the next.
const PUSHED_AT_DIGITS: usize = 16;
/// Length of `om_x100`, which all message ids begin with.
const MESSAGE_ID_PREFIX: usize = 7;

impl Template {
    /// A template of about `bytes` bytes, filled with text; never shorter than an empty message. The events take turns in
    /// `chats` chats, at least one. `token` is the app's verification token.
    pub(crate) fn new(app: &str, bytes: usize, chats: u32, token: &str) -> Self {
        let tenant = tenant_key();
        let person = person_of(0, 1);
        let (app, token) = (serde_json::Value::from(app), serde_json::Value::from(token));
        let head = format!(
            concat!(
                r#"{{"schema":"2.0","header":{{"event_id":"{event_id}","token":{token},"#,
                r#""create_time":"{header_time}","event_type":"im.message.receive_v1","tenant_key":"{tenant}","app_id":{app}}},"#,
                r#""event":{{"sender":{{"sender_id":{{"open_id":"ou_{person:032x}","union_id":"on_{person:032x}","user_id":"{user}"}},"#,
                r#""sender_type":"user","tenant_key":"{tenant}"}},"message":{{"message_id":"{message_id}","#,
                r#""create_time":"{create_time}","update_time":"{update_time}","chat_id":"oc_{person:032x}","chat_type":"p2p","#,
                r#""message_type":"text","content":"{{\"text\":\""#
            ),
            event_id = EVENT_ID,
            header_time = HEADER_TIME,
            tenant = tenant,
            app = app,
            token = token,
            person = u128::from(person),
            user = format_args!("{:08x}", person as u32),
            message_id = MESSAGE_ID,
            create_time = CREATE_TIME,
            update_time = UPDATE_TIME,
        );
        let tail = r#"\"}","user_agent":"Mozilla/5.0 (X11; Linux x86_64) InventedLark/7.50.0"}}}"#;
        let at = |marker: &str| head.find(marker).expect("the marker is in the text above");
        let holes = (
            at(EVENT_ID),
            at(HEADER_TIME),
            at(MESSAGE_ID) + MESSAGE_ID_PREFIX,
            [at(CREATE_TIME), at(UPDATE_TIME)],
            // The first 16 of 32 digits are zeros.
            [r#""ou_"#, r#""on_"#, r#""oc_"#].map(|marker| at(marker) + marker.len() + 16),
        );
        let filling = bytes.saturating_sub(head.len() + tail.len());
        let mut text = head.into_bytes();
        let stamp = format!("{PUSHED_AT}{:0PUSHED_AT_DIGITS$} us: ", 0);
        let pushed_at = (filling >= stamp.len()).then(|| {
            let at = text.len() + PUSHED_AT.len();
            text.extend_from_slice(stamp.as_bytes());
            at
        });
        let filling = filling - pushed_at.map_or(0, |_| stamp.len());
        text.extend(b"the quick brown fox ".iter().cycle().take(filling));
        text.extend_from_slice(tail.as_bytes());
        Self {
            text,
            event_id: holes.0,
            header_time: holes.1,
            message_id: holes.2,
            message_time: holes.3,
            person: holes.4,
            pushed_at,
            chats: chats.max(1),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Appends the event with this number. `created_us` has 16 digits, as all times of this century.
    pub(crate) fn write(&self, number: u64, seed: u64, created_us: u64, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.text);
        let text = &mut out[start..];
        let (high, low) = event_words(number, seed);
        write_hex(high, &mut text[self.event_id..self.event_id + 16]);
        write_hex(low, &mut text[self.event_id + 16..self.event_id + 32]);
        let own = MESSAGE_ID.len() - MESSAGE_ID_PREFIX;
        let message = &mut text[self.message_id..self.message_id + own];
        write_hex(scramble(number ^ scramble(seed)), &mut message[..16]);
        write_hex(high, &mut message[16..]);
        let mut digits = [b'0'; PUSHED_AT_DIGITS];
        let mut rest = created_us;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        for at in [self.header_time, self.message_time[0], self.message_time[1]] {
            // In milliseconds.
            text[at..at + 13].copy_from_slice(&digits[..13]);
        }
        if let Some(at) = self.pushed_at {
            text[at..at + PUSHED_AT_DIGITS].copy_from_slice(&digits);
        }
        if self.chats > 1 {
            let person = person_of(number, self.chats);
            for at in self.person {
                write_hex(person, &mut text[at..at + 16]);
            }
        }
    }
}

/// The time of the push that made this text, in microseconds since 1970; `None` if it is no text of generated traffic, or a
/// short one. Each repeat of the event says the time of its first push.
#[must_use]
pub fn pushed_at_us(text: &str) -> Option<u64> {
    let digits = text.strip_prefix(PUSHED_AT)?.get(..PUSHED_AT_DIGITS)?;
    digits.parse().ok()
}

/// The person who wrote the event with this number, where `chats` people write to the bot.
fn person_of(number: u64, chats: u32) -> u64 {
    scramble(0x0a17 + number % u64::from(chats.max(1)))
}

/// The tenant of all invented people.
pub(crate) fn tenant_key() -> String {
    format!("{:016x}", scramble(0x7e4a))
}

/// The number of the event whose message has this id; any number if no event has.
pub(crate) fn number_of(message_id: &str, seed: u64) -> Option<u64> {
    let digits = message_id.get(MESSAGE_ID_PREFIX..MESSAGE_ID_PREFIX + 16)?;
    Some(unscramble(read_hex(digits)?) ^ scramble(seed))
}

/// The chat of the event with this number, where there are so many.
pub(crate) fn chat_of(number: u64, chats: u32) -> String {
    format!("oc_{:032x}", person_of(number, chats))
}

/// The two halves of the event id of a generated event.
pub(crate) fn event_words(number: u64, seed: u64) -> (u64, u64) {
    let high = scramble(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    (high, scramble(high ^ number))
}

#[cfg(test)]
mod tests {
    use longwire_wire::envelope::Envelope;

    use super::*;
    use crate::ids::hex32;

    fn event(number: u64, bytes: usize) -> Vec<u8> {
        let mut out = Vec::new();
        Template::new("cli_a1b2c3d4e5f60718", bytes, 1, INVENTED_TOKEN).write(
            number,
            5,
            1_767_225_601_321_987,
            &mut out,
        );
        out
    }

    #[test]
    fn it_is_an_event_with_its_own_ids_and_the_wanted_size() {
        let bytes = event(1, 1024);
        assert_eq!(bytes.len(), 1024);
        let envelope = Envelope::parse(&bytes.into()).expect("a valid event");
        let (high, low) = event_words(1, 5);
        assert_eq!(&*envelope.event_id, hex32(high, low));
        assert_eq!(&*envelope.event_type, "im.message.receive_v1");
        assert_eq!(envelope.app_id.as_deref(), Some("cli_a1b2c3d4e5f60718"));
        assert_eq!(envelope.created_ms, Some(1_767_225_601_321));
        let other = Envelope::parse(&event(2, 1024).into()).expect("a valid event");
        assert_ne!(other.event_id, envelope.event_id);
        let (one, two) = (
            envelope.message.expect("facts"),
            other.message.expect("facts"),
        );
        assert_ne!(one.message_id, two.message_id);
    }

    #[test]
    fn a_message_id_leads_to_the_chat() {
        for number in 1..8 {
            let mut bytes = Vec::new();
            Template::new("cli_a", 1024, 3, INVENTED_TOKEN).write(
                number,
                5,
                1_767_225_601_321_987,
                &mut bytes,
            );
            assert_eq!(bytes.len(), 1024);
            let event: serde_json::Value = serde_json::from_slice(&bytes).expect("json");
            let message = &event["event"]["message"];
            let id = message["message_id"].as_str().expect("an id");
            assert_eq!(number_of(id, 5), Some(number));
            let chat = chat_of(number, 3);
            assert_eq!(message["chat_id"], *chat);
            assert_eq!(chat, chat_of(number + 3, 3));
            assert_ne!(chat, chat_of(number + 1, 3));
            let sender = &event["event"]["sender"]["sender_id"]["open_id"];
            assert_eq!(*sender, *chat.replace("oc_", "ou_"));
        }
    }

    #[test]
    fn the_text_says_when_it_was_pushed() {
        let json: serde_json::Value = serde_json::from_slice(&event(1, 1_024)).expect("json");
        let content = json["event"]["message"]["content"].as_str().expect("text");
        let content: serde_json::Value = serde_json::from_str(content).expect("json");
        let text = content["text"].as_str().expect("text");
        assert_eq!(pushed_at_us(text), Some(1_767_225_601_321_987));
        for other in ["", "pushed at 17", "hello", "pushed at x767225601321987 us"] {
            assert_eq!(pushed_at_us(other), None, "{other}");
        }
    }

    #[test]
    fn small_sizes_give_an_empty_message() {
        let empty = event(1, 0).len();
        assert!(empty > 600 && empty < 1000, "{empty}");
    }
}
