//! What each official client says through the Open API, a person reads in the chat.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use longwire_sim::{ChatLine, ChatMessage, Payload, Push, PushId, PushedFile, PushedFileKind};

use super::news::News;
use super::stage::Stage;
use crate::scene::Scene;

pub(super) const CHAT: &str = "oc_00000000000000000000000000000c02";
/// More than one chunk of any buffer on the way.
const FILE_BYTES: usize = 300_000;

/// `client.im.message.reply`.
pub(crate) fn replies(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let said = "在的, \"yes\" 🛰";
    let asked = ask(&stage, in_chat(&format!("say {said}")));
    let line = replied(&stage, &asked);
    assert_eq!((line.msg_type.as_str(), line.text.as_str()), ("text", said));
    let lines = stage.sim.transcript(CHAT).lines();
    assert_eq!(
        lines,
        [format!("person: say {said}"), format!("bot: {said}")]
    );
    stage.is_spotless();
}

/// `client.im.messageResource.get`, `client.im.file.create` and `client.im.file.get` carry the same bytes down and up, and the
/// person gets the file back.
pub(crate) fn carries_a_file(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    carry_a_file(&stage);
    stage.is_spotless();
}

/// A person sends a file, and gets it back.
pub(super) fn carry_a_file(stage: &Stage) {
    let bytes: Vec<u8> = (0..FILE_BYTES)
        .map(|at| (at * 31 + at / 256) as u8)
        .collect();
    let attachment = PushedFile {
        kind: PushedFileKind::File,
        name: "报告 1.pdf".to_owned(),
        bytes: Bytes::from(bytes.clone()),
    };
    let asked = ask(
        stage,
        ChatMessage {
            attachment: Some(attachment),
            ..in_chat("")
        },
    );
    let News::Carried {
        file_key,
        bytes: carried,
    } = stage.client.next("the file")
    else {
        stage.client.complain("it told of something else");
    };
    // Not `assert_eq!`: nobody reads a file in a test's output.
    assert!(
        STANDARD.decode(carried).expect("Base64") == bytes,
        "other bytes came back"
    );
    let file = replied(stage, &asked).file.expect("it is a file");
    assert_eq!((file.key, file.size_bytes), (file_key, FILE_BYTES as u64));
}

fn in_chat(text: &str) -> ChatMessage {
    ChatMessage {
        chat: CHAT.to_owned(),
        text: text.to_owned(),
        ..ChatMessage::default()
    }
}

/// A person asks; the handler is called once. The id of the message.
fn ask(stage: &Stage, message: ChatMessage) -> (PushId, String) {
    let push = stage.push(Push {
        payload: Payload::Message(message),
        ..Push::default()
    });
    match stage.client.next("the event") {
        News::Event { message_id, .. } => (push, message_id),
        other => stage.client.complain(&format!("{other:?}")),
    }
}

/// The bot's one message in the chat, once the one that it answers is ACKed.
fn replied(stage: &Stage, (push, asked): &(PushId, String)) -> ChatLine {
    let News::Replied { to, message_id } = stage.client.next("the reply") else {
        stage.client.complain("it told of something else");
    };
    stage.acked(*push);
    let transcript = stage.sim.transcript(CHAT);
    assert_eq!(
        (&to, transcript.of_bots().count()),
        (asked, 1),
        "{transcript:#?}"
    );
    let line = transcript.message(&message_id).expect("it stands there");
    assert_eq!(line.in_reply_to.as_ref(), Some(asked));
    line.clone()
}
