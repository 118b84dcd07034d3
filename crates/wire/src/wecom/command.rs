//! Writes the frames that we send, each as the text of one WebSocket message. Nothing here checks a body or sends.

use bytestring::ByteString;
use serde::Serialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::ReqId;

/// The commands that an application can ask for. Subscribe and ping belong to the connection itself, see [`subscribe`]
/// and [`ping`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// A reply to a message, streams included. It carries the callback's id.
    RespondMessage,
    /// The reply to `enter_chat`, due within [`limit::WELCOME`](super::limit::WELCOME). It carries the event's id.
    RespondWelcome,
    /// The new state of a card after `template_card_event`, due within
    /// [`limit::CARD_UPDATE`](super::limit::CARD_UPDATE). It carries the event's id.
    RespondUpdate,
    /// A message that is not a reply.
    Send,
    /// The first step of an upload.
    UploadInit,
    /// One chunk of an upload.
    UploadChunk,
    /// The last step of an upload.
    UploadFinish,
}

impl Command {
    /// All commands.
    pub const ALL: [Command; 7] = [
        Command::RespondMessage,
        Command::RespondWelcome,
        Command::RespondUpdate,
        Command::Send,
        Command::UploadInit,
        Command::UploadChunk,
        Command::UploadFinish,
    ];

    /// The value of `cmd` in the frame.
    pub fn name(self) -> &'static str {
        match self {
            Command::RespondMessage => "aibot_respond_msg",
            Command::RespondWelcome => "aibot_respond_welcome_msg",
            Command::RespondUpdate => "aibot_respond_update_msg",
            Command::Send => "aibot_send_msg",
            Command::UploadInit => "aibot_upload_media_init",
            Command::UploadChunk => "aibot_upload_media_chunk",
            Command::UploadFinish => "aibot_upload_media_finish",
        }
    }

    /// The command with this `cmd`.
    pub fn parse(name: &str) -> Option<Command> {
        Command::ALL
            .into_iter()
            .find(|command| command.name() == name)
    }

    /// Whether the command carries the id of a callback and must be sent on the connection of that callback.
    pub fn is_reply(self) -> bool {
        matches!(
            self,
            Command::RespondMessage | Command::RespondWelcome | Command::RespondUpdate
        )
    }
}

/// A command that an application names: one of ours, or one that the platform has and longwire does not know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CommandName {
    /// One that longwire knows.
    Known(Command),
    /// Any other. It is sent as it was named.
    Other(ByteString),
}

impl CommandName {
    /// The command with this `cmd`; `None` for those that belong to a connection itself and that no application sends
    /// over a connection of ours: `aibot_subscribe` and `ping`.
    pub fn parse(name: &str) -> Option<CommandName> {
        match name {
            SUBSCRIBE | PING => None,
            name => Some(match Command::parse(name) {
                Some(command) => CommandName::Known(command),
                None => CommandName::Other(name.into()),
            }),
        }
    }

    /// The value of `cmd` in the frame.
    pub fn as_str(&self) -> &str {
        match self {
            CommandName::Known(command) => command.name(),
            CommandName::Other(name) => name,
        }
    }
}

impl From<Command> for CommandName {
    fn from(command: Command) -> CommandName {
        CommandName::Known(command)
    }
}

/// The command that authenticates a connection.
const SUBSCRIBE: &str = "aibot_subscribe";
/// The command that asks whether a connection lives.
const PING: &str = "ping";

#[derive(Serialize)]
struct Frame<'a, B> {
    cmd: &'a str,
    headers: Headers<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<B>,
}

#[derive(Serialize)]
struct Headers<'a> {
    req_id: &'a str,
}

#[derive(Serialize)]
struct SubscribeBody<'a> {
    bot_id: &'a str,
    secret: &'a str,
}

/// Number of bytes of a frame without its command, id and body.
const FRAMING_BYTES: usize = r#"{"cmd":"","headers":{"req_id":""},"body":}"#.len();

/// The first frame of a connection, which authenticates it. The buffer is allocated once, so that no copy of the secret
/// stays in memory that it grew out of, and is wiped when it is dropped.
pub fn subscribe(req_id: &ReqId, bot_id: &str, secret: &str) -> Zeroizing<Vec<u8>> {
    // JSON writes at most six bytes for one byte of text.
    let text = req_id.as_str().len() + bot_id.len() + secret.len();
    let capacity =
        FRAMING_BYTES + SUBSCRIBE.len() + r#"{"bot_id":"","secret":""}"#.len() + 6 * text;
    let mut out = Zeroizing::new(Vec::with_capacity(capacity));
    let body = Some(SubscribeBody { bot_id, secret });
    write(SUBSCRIBE, req_id.as_str(), body, &mut out);
    out
}

/// A ping, which the platform acks. It has no body, because with an empty body the platform is reported to drop the
/// connection after five minutes.
pub fn ping(req_id: &ReqId) -> Vec<u8> {
    let mut out = Vec::with_capacity(FRAMING_BYTES + 32);
    write(PING, req_id.as_str(), None::<()>, &mut out);
    out
}

/// A frame with this command and `body`, which is not checked here; see [`check_body`](super::check_body).
pub fn command(command: Command, req_id: &str, body: &RawValue) -> Vec<u8> {
    named_command(command.name(), req_id, Some(body))
}

/// A frame with a command of this name and `body`, as an application gave them. Neither is checked here.
pub fn named_command(name: &str, req_id: &str, body: Option<&RawValue>) -> Vec<u8> {
    let body_bytes = body.map_or(0, |body| body.get().len());
    let mut out = Vec::with_capacity(FRAMING_BYTES + name.len() + req_id.len() + body_bytes + 16);
    write(name, req_id, body, &mut out);
    out
}

fn write(cmd: &str, req_id: &str, body: Option<impl Serialize>, out: &mut Vec<u8>) {
    let headers = Headers { req_id };
    serde_json::to_writer(out, &Frame { cmd, headers, body })
        .expect("strings and raw json, into memory");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wecom::Prefix;

    #[test]
    fn names_are_read_back() {
        for command in Command::ALL {
            assert_eq!(Command::parse(command.name()), Some(command));
        }
        assert_eq!(Command::parse("aibot_subscribe"), None);
        assert_eq!(Command::parse(""), None);
    }

    /// What the platform has beside the documented commands goes through under its own name.
    #[test]
    fn a_name_is_kept_and_a_connections_own_commands_are_none() {
        for command in Command::ALL {
            let name = CommandName::parse(command.name());
            assert_eq!(name, Some(command.into()));
        }
        let other = CommandName::parse("aibot_get_mcp_config").expect("a command");
        assert_eq!(other.as_str(), "aibot_get_mcp_config");
        assert_eq!(CommandName::parse("aibot_subscribe"), None);
        assert_eq!(CommandName::parse("ping"), None);
        let frame = named_command(other.as_str(), "r", None);
        assert_eq!(
            frame,
            br#"{"cmd":"aibot_get_mcp_config","headers":{"req_id":"r"}}"#
        );
    }

    /// One allocation is enough even if every byte of the secret is escaped.
    #[test]
    fn a_secret_is_written_into_one_allocation() {
        let req_id = ReqId::new(Prefix::Subscribe, 7);
        for secret in ["s3cr3t", "\u{1}\u{2}\u{3}\"\\", "密"] {
            let empty = subscribe(&req_id, "", "");
            let frame = subscribe(&req_id, secret, secret);
            let room = frame.capacity() - empty.capacity();
            assert_eq!(room, 12 * secret.len(), "reserved, not grown");
            let tree: serde_json::Value = serde_json::from_slice(&frame).expect("json");
            assert_eq!(tree["body"]["secret"], secret);
            assert_eq!(tree["body"]["bot_id"], secret);
        }
    }

    /// S155: the heartbeat has no body.
    #[test]
    fn a_ping_has_no_body() {
        let frame = ping(&ReqId::new(Prefix::Ping, 1));
        assert_eq!(
            frame,
            br#"{"cmd":"ping","headers":{"req_id":"ping_0000000000000001"}}"#
        );
    }
}
