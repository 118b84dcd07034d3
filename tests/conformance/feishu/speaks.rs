//! What each official client says through the Open API, a person reads in the chat.

use longwire_sim::{BotMessage, ChatMessage, Payload, Push, PushId};
use serde_json::{Value, json};

use super::news::News;
use super::stage::{APP, Stage};
use crate::scene::Scene;

const CHAT: &str = "oc_00000000000000000000000000000c02";
/// More than one chunk of any buffer on the way.
const FILE_BYTES: usize = 300_000;

/// `client.im.message.reply`.
pub(crate) fn replies(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let asked = ask(&stage, "om_asked", "say 在的, \"yes\" 🛰");
    let said = replied(&stage, asked);
    assert_eq!(said.text.as_deref(), Some("在的, \"yes\" 🛰"));
    assert_eq!((said.msg_type.as_str(), said.calls), ("text", 1));
    stage.is_spotless();
}

/// `client.im.file.create` and `client.im.file.get` carry the same bytes up and down, and the file can be sent.
pub(crate) fn carries_a_file(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let asked = ask(&stage, "om_asked", &format!("carry {FILE_BYTES}"));
    let News::Carried { file_key, same } = stage.client.next("the file") else {
        stage.client.complain("it told of something else");
    };
    assert!(same, "the bytes that came down are not those that went up");
    let said = replied(&stage, asked);
    let content: Value = serde_json::from_str(&said.content).expect("it is JSON");
    assert_eq!(said.msg_type, "file");
    assert_eq!(content, json!({ "file_key": file_key }));
    stage.is_spotless();
}

/// A person asks; the handler is called once.
fn ask(stage: &Stage, message_id: &str, text: &str) -> (PushId, String) {
    let message = ChatMessage {
        chat: CHAT.to_owned(),
        text: text.to_owned(),
        message_id: Some(message_id.to_owned()),
        ..ChatMessage::default()
    };
    let push = stage.push(Push {
        payload: Payload::Message(message),
        ..Push::default()
    });
    match stage.client.next("the event") {
        News::Event { message_id, .. } => (push, message_id),
        other => stage.client.complain(&format!("{other:?}")),
    }
}

/// The one message that stands below the one it was asked with, once that is ACKed.
fn replied(stage: &Stage, (push, asked): (PushId, String)) -> BotMessage {
    let News::Replied { to, message_id } = stage.client.next("the reply") else {
        stage.client.complain("it told of something else");
    };
    assert_eq!(to, asked);
    let mut said = stage.sim.bot_messages(Some(APP));
    assert_eq!(said.len(), 1, "{said:#?}");
    let said = said.remove(0);
    assert_eq!((said.chat.as_str(), &said.message_id), (CHAT, &message_id));
    assert_eq!(said.in_reply_to, Some(asked));
    stage.acked(push);
    said
}
