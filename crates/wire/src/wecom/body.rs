//! Checks the body of a reply or message before it is sent.
//!
//! A body is refused only if the platform certainly would refuse it: a message type that the command does not have, a
//! missing member that the type requires, text above the documented length. The platform's answer to longer text is not
//! documented, so such text is never sent. Bodies that are merely undocumented pass, and the platform decides.
//!
//! Sources: document paths 101463 and 101031; the bodies of the official Node SDK 1.0.7. A reply of type `text` gets
//! 40008, by reports of live use.

use std::borrow::Cow;

use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::Command;
use super::limit::{CONTENT_BYTES, FEEDBACK_ID_BYTES, TASK_ID_BYTES};
use crate::members::{Members, Object, StrictText, members, read_object, skip};
use crate::repair::{may_hold_surrogates, repaired};

/// Why a body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyRefusal {
    /// The body is not a JSON object.
    #[error("the body is no JSON object")]
    NotAnObject,
    /// The command does not have this message type, or `msgtype` is absent.
    #[error("{} takes as msgtype one of {}", command.name(), types(*command))]
    MessageType {
        /// The command.
        command: Command,
    },
    /// `response_type` of a card update is not `update_template_card`.
    #[error("response_type must be update_template_card")]
    ResponseType,
    /// A required member is absent.
    #[error("{member} is missing")]
    Missing {
        /// Path of the member in the body.
        member: &'static str,
    },
    /// A text is longer than the platform allows.
    #[error("{member} has {len} bytes in UTF-8, and the platform takes at most {max}")]
    TooLong {
        /// Path of the member within the message.
        member: &'static str,
        /// Length of the text in bytes of UTF-8.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
}

/// Checks the body of a command. The body of an upload step must be an object, and is not checked further.
pub fn check_body(command: Command, body: &RawValue) -> Result<(), BodyRefusal> {
    if !body.get().starts_with('{') {
        return Err(BodyRefusal::NotAnObject);
    }
    let types: &[MessageType] = match command {
        Command::RespondMessage => &REPLIES,
        Command::RespondWelcome => &WELCOMES,
        Command::Send => &MESSAGES,
        Command::RespondUpdate => &[],
        Command::UploadInit | Command::UploadChunk | Command::UploadFinish => return Ok(()),
    };
    let mut text = Cow::Borrowed(body.get());
    // The body is sent as it is, and the platform decides about half surrogate pairs. Only this copy is repaired, so
    // that its text can be measured.
    if may_hold_surrogates(&text)
        && let Some(repaired) = repaired(text.as_bytes())
    {
        text = Cow::Owned(repaired);
    }
    let Ok(Some(body)) = read_object::<Body<'_>>(&text) else {
        return Err(BodyRefusal::NotAnObject);
    };
    if command == Command::Send && body.chatid.0.as_str().is_none() {
        return Err(BodyRefusal::Missing { member: "chatid" });
    }
    if command == Command::RespondUpdate {
        if body.response_type.0.as_str() != Some("update_template_card") {
            return Err(BodyRefusal::ResponseType);
        }
        return body.check(MessageType::TemplateCard);
    }
    let named = body.msgtype.0.as_str();
    let known = types.iter().find(|known| Some(known.name()) == named);
    body.check(*known.ok_or(BodyRefusal::MessageType { command })?)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MessageType {
    Stream,
    Markdown,
    TemplateCard,
    Text,
    File,
    Image,
    Voice,
    Video,
    StreamWithCard,
}

use MessageType::{
    File, Image, Markdown, Stream, StreamWithCard, TemplateCard, Text, Video, Voice,
};

/// Message types of a reply. The document says that a stream with a card is not supported, but the official Node SDK
/// sends it.
const REPLIES: [MessageType; 8] = [
    Stream,
    Markdown,
    TemplateCard,
    File,
    Image,
    Voice,
    Video,
    StreamWithCard,
];
const MESSAGES: [MessageType; 6] = [Markdown, TemplateCard, File, Image, Voice, Video];
/// Message types of a welcome reply. Text and cards are documented; a stream is certainly refused, the others may pass.
const WELCOMES: [MessageType; 7] = [Text, TemplateCard, Markdown, File, Image, Voice, Video];

impl MessageType {
    /// The `msgtype`. Except for the last type, it is also the name of the member that holds the content.
    fn name(self) -> &'static str {
        match self {
            Stream => "stream",
            Markdown => "markdown",
            TemplateCard => "template_card",
            Text => "text",
            File => "file",
            Image => "image",
            Voice => "voice",
            Video => "video",
            StreamWithCard => "stream_with_template_card",
        }
    }
}

/// The message types of a command, as text for people.
fn types(command: Command) -> String {
    let types: &[MessageType] = match command {
        Command::RespondMessage => &REPLIES,
        Command::RespondWelcome => &WELCOMES,
        Command::Send => &MESSAGES,
        // These name no type.
        Command::RespondUpdate
        | Command::UploadInit
        | Command::UploadChunk
        | Command::UploadFinish => &[],
    };
    let names: Vec<_> = types.iter().map(|known| known.name()).collect();
    names.join(", ")
}

/// Types whose name is also the name of the member that holds the content.
const MEMBERS: [MessageType; 8] = [
    Stream,
    Markdown,
    TemplateCard,
    Text,
    File,
    Image,
    Voice,
    Video,
];

/// The members of a body that are checked.
#[derive(Default)]
struct Body<'a> {
    msgtype: StrictText<'a>,
    chatid: StrictText<'a>,
    response_type: StrictText<'a>,
    /// In the order of [`MEMBERS`].
    shown: [Option<Shown<'a>>; MEMBERS.len()],
}

/// The content of a message of any type.
#[derive(Default)]
struct Shown<'a> {
    content: StrictText<'a>,
    id: StrictText<'a>,
    media_id: StrictText<'a>,
    task_id: StrictText<'a>,
    feedback: Feedback<'a>,
}

#[derive(Default)]
struct Feedback<'a> {
    id: StrictText<'a>,
}

impl Body<'_> {
    fn check(&self, message: MessageType) -> Result<(), BodyRefusal> {
        let members: &[MessageType] = match message {
            StreamWithCard => &[Stream, TemplateCard],
            Stream | Markdown | TemplateCard | Text | File | Image | Voice | Video => {
                std::slice::from_ref(&message)
            }
        };
        for &member in members {
            let shown = MEMBERS.iter().position(|known| *known == member);
            let shown = shown.and_then(|index| self.shown[index].as_ref());
            let name = member.name();
            shown
                .ok_or(BodyRefusal::Missing { member: name })?
                .check(member)?;
        }
        Ok(())
    }
}

impl Shown<'_> {
    fn check(&self, of: MessageType) -> Result<(), BodyRefusal> {
        match of {
            Stream => present(&self.id, "stream.id")?,
            File | Image | Voice | Video => present(&self.media_id, "media_id")?,
            Markdown | TemplateCard | Text | StreamWithCard => {}
        }
        for (text, member, max) in [
            (&self.content, "content", CONTENT_BYTES),
            (&self.feedback.id, "feedback.id", FEEDBACK_ID_BYTES),
            (&self.task_id, "task_id", TASK_ID_BYTES),
        ] {
            let len = text.0.as_str().map_or(0, str::len);
            if len > max {
                return Err(BodyRefusal::TooLong { member, len, max });
            }
        }
        Ok(())
    }
}

fn present(word: &StrictText<'_>, member: &'static str) -> Result<(), BodyRefusal> {
    let found = word.0.as_str().map(drop);
    found.ok_or(BodyRefusal::Missing { member })
}

impl<'a> Members<'a> for Body<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "msgtype" => self.msgtype = map.next_value()?,
            "chatid" => self.chatid = map.next_value()?,
            "response_type" => self.response_type = map.next_value()?,
            key => match MEMBERS.iter().position(|known| known.name() == key) {
                Some(index) => Object(self.shown[index]) = map.next_value()?,
                None => skip(map)?,
            },
        }
        Ok(())
    }
}

members! {
    Shown {
        "content" => content,
        "id" => id,
        "media_id" => media_id,
        "task_id" => task_id,
        "feedback" => feedback,
    }
    Feedback {
        "id" => id,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn checked(command: Command, body: &Value) -> Result<(), BodyRefusal> {
        let raw = RawValue::from_string(body.to_string()).expect("json");
        check_body(command, &raw)
    }

    fn stream(content: &str) -> Value {
        json!({"msgtype": "stream", "stream": {"id": "s", "content": content}})
    }

    /// The types follow the document's table; types that it leaves open pass.
    #[test]
    fn each_command_has_its_types() {
        let media = json!({"media_id": "m"});
        let (reply, welcome, send) = (
            Command::RespondMessage,
            Command::RespondWelcome,
            Command::Send,
        );
        for (name, shown, takers) in [
            ("stream", json!({"id": "s"}), [true, false, false]),
            ("markdown", json!({"content": "m"}), [true, true, true]),
            ("template_card", json!({}), [true, true, true]),
            ("text", json!({"content": "t"}), [false, true, false]),
            ("file", media.clone(), [true, true, true]),
            ("image", media.clone(), [true, true, true]),
            ("voice", media.clone(), [true, true, true]),
            ("video", media.clone(), [true, true, true]),
            ("sticker", media, [false, false, false]),
        ] {
            for (command, takes) in [reply, welcome, send].into_iter().zip(takers) {
                let mut body = json!({"chatid": "c", "msgtype": name});
                body[name] = shown.clone();
                let wanted = match takes {
                    true => Ok(()),
                    false => Err(BodyRefusal::MessageType { command }),
                };
                assert_eq!(checked(command, &body), wanted, "{command:?} {body}");
                body[name].take();
                assert!(checked(command, &body).is_err(), "{command:?} {body}");
            }
        }
        let mut both = json!({"msgtype": "stream_with_template_card", "stream": {"id": "s"}, "template_card": {}});
        assert_eq!(checked(reply, &both), Ok(()));
        both["template_card"].take();
        let missing = |member| Err(BodyRefusal::Missing { member });
        assert_eq!(checked(reply, &both), missing("template_card"));
    }

    #[test]
    fn what_a_message_cannot_do_without() {
        let missing = |member| Err(BodyRefusal::Missing { member });
        let reply = Command::RespondMessage;
        let no_id = json!({"msgtype": "stream", "stream": {"content": "c"}});
        assert_eq!(checked(reply, &no_id), missing("stream.id"));
        let no_media = json!({"msgtype": "file", "file": {"media_id": ""}});
        assert_eq!(checked(reply, &no_media), missing("media_id"));
        let nobody = json!({"msgtype": "markdown", "markdown": {"content": "c"}});
        assert_eq!(checked(Command::Send, &nobody), missing("chatid"));
        let command = reply;
        assert_eq!(
            checked(reply, &json!({"stream": {"id": "s"}})),
            Err(BodyRefusal::MessageType { command })
        );
        assert_eq!(checked(reply, &json!([])), Err(BodyRefusal::NotAnObject));
        let update = Command::RespondUpdate;
        let card =
            json!({"response_type": "update_template_card", "template_card": {"task_id": "t"}});
        assert_eq!(checked(update, &card), Ok(()));
        assert_eq!(
            checked(update, &json!({"template_card": {}})),
            Err(BodyRefusal::ResponseType)
        );
        assert_eq!(checked(Command::UploadFinish, &json!({})), Ok(()));
        assert_eq!(
            checked(Command::UploadFinish, &json!(7)),
            Err(BodyRefusal::NotAnObject)
        );
    }

    #[test]
    fn lengths_are_in_bytes_of_utf8_whatever_the_escapes() {
        let reply = Command::RespondMessage;
        let too_long = |member, len, max| Err(BodyRefusal::TooLong { member, len, max });
        let full = "汉".repeat(CONTENT_BYTES / 3) + "ab";
        assert_eq!(full.len(), CONTENT_BYTES);
        assert_eq!(checked(reply, &stream(&full)), Ok(()));
        assert_eq!(
            checked(reply, &stream(&format!("{full}c"))),
            too_long("content", CONTENT_BYTES + 1, CONTENT_BYTES)
        );
        // Six bytes in JSON, one in UTF-8; half a pair counts as the three it is replaced with.
        for (escape, len) in [("\\u0041", 1), ("\\ud83d", 3)] {
            let text = |count| {
                let content = escape.repeat(count);
                let text = format!(
                    r#"{{"msgtype":"stream","stream":{{"id":"s","content":"{content}"}}}}"#
                );
                RawValue::from_string(text).expect("json")
            };
            let most = CONTENT_BYTES / len;
            assert_eq!(check_body(reply, &text(most)), Ok(()), "{escape}");
            assert_eq!(
                check_body(reply, &text(most + 1)),
                too_long("content", (most + 1) * len, CONTENT_BYTES)
            );
        }
        let id = "f".repeat(FEEDBACK_ID_BYTES + 1);
        let rated =
            json!({"msgtype": "markdown", "markdown": {"content": "c", "feedback": {"id": id}}});
        assert_eq!(
            checked(reply, &rated),
            too_long("feedback.id", FEEDBACK_ID_BYTES + 1, FEEDBACK_ID_BYTES)
        );
        let id = "t".repeat(TASK_ID_BYTES + 1);
        let card = json!({"msgtype": "template_card", "template_card": {"task_id": id}});
        assert_eq!(
            checked(reply, &card),
            too_long("task_id", TASK_ID_BYTES + 1, TASK_ID_BYTES)
        );
    }
}
