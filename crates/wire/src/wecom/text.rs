//! The bodies of plain texts. A reply cannot be of the type `text`, so it is a stream that is finished at once.

use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

/// The body of a reply to a message. `stream_id` names it: the same reply sent again replaces the first one.
pub fn text_reply(stream_id: &str, text: &str) -> Box<RawValue> {
    raw(&json!({
        "msgtype": "stream",
        "stream": { "id": stream_id, "finish": true, "content": text },
    }))
}

/// The body of the reply to `enter_chat`.
pub fn text_welcome(text: &str) -> Box<RawValue> {
    raw(&json!({ "msgtype": "text", "text": { "content": text } }))
}

/// The body of a message that is not a reply. `chat_id` is that of a group, or the user of a single chat.
pub fn text_message(chat_id: &str, text: &str) -> Box<RawValue> {
    raw(&json!({
        "chatid": chat_id,
        "msgtype": "markdown",
        "markdown": { "content": text },
    }))
}

fn raw(body: &serde_json::Value) -> Box<RawValue> {
    to_raw_value(body).expect("a value is always JSON")
}

#[cfg(test)]
mod tests {
    use super::super::{Command, check_body};
    use super::*;

    #[test]
    fn the_commands_take_these_bodies() {
        let text = "a \"b\"\n";
        for (command, body) in [
            (Command::RespondMessage, text_reply("k1", text)),
            (Command::RespondWelcome, text_welcome(text)),
            (Command::Send, text_message("zhangsan", text)),
        ] {
            assert_eq!(check_body(command, &body), Ok(()), "{command:?}");
            assert!(body.get().contains(r#""a \"b\"\n""#), "{body}");
        }
    }
}
