//! The frames of a client: what it asks, and what it is answered. Nothing here decides.

use std::borrow::Cow;

use bytes::Bytes;
use longwire_fleet::Reply;
use longwire_platform_server::wecom::{CommandResult, answer_frame};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A command of a client. Members that are not documented are left out, in the frame and beside its `req_id`.
pub(super) struct ClientFrame {
    pub(super) cmd: String,
    /// Empty if the frame has none: then nobody can be told what came of it.
    pub(super) req_id: String,
    /// Its JSON as it came, if it has one.
    pub(super) body: Option<Box<RawValue>>,
}

/// Why a message is no command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NoCommand {
    /// It is not JSON, or none with these members.
    Unreadable,
    /// It has no `cmd`: some clients confirm callbacks so, and the platform wants no confirmation.
    Answer,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow, default)]
    cmd: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    headers: Option<Headers<'a>>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Headers<'a> {
    #[serde(borrow, default)]
    req_id: Option<Cow<'a, str>>,
}

impl ClientFrame {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, NoCommand> {
        // An array would be read as the members in their order.
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Err(NoCommand::Unreadable);
        }
        let frame: Frame<'_> = serde_json::from_slice(bytes).map_err(|_| NoCommand::Unreadable)?;
        let cmd = frame.cmd.ok_or(NoCommand::Answer)?.into_owned();
        let req_id = frame.headers.unwrap_or_default().req_id.unwrap_or_default();
        let body = frame.body.map(ToOwned::to_owned);
        Ok(Self {
            cmd,
            req_id: req_id.into_owned(),
            body,
        })
    }
}

/// What a client proves itself with.
pub(super) struct Credentials {
    pub(super) bot_id: String,
    pub(super) secret: SecretString,
}

impl Credentials {
    /// Those of a subscribe with this body. `None`: it lacks one of them.
    pub(super) fn of(body: Option<&RawValue>) -> Option<Self> {
        #[derive(Deserialize)]
        struct Body {
            bot_id: String,
            secret: String,
        }
        let Body { bot_id, secret } = serde_json::from_str(body?.get()).ok()?;
        Some(Self {
            bot_id,
            secret: secret.into(),
        })
    }

    /// The same, to be looked at another time.
    pub(super) fn again(&self) -> Self {
        Self {
            bot_id: self.bot_id.clone(),
            secret: self.secret.clone(),
        }
    }
}

/// The answer to a command that longwire decides itself.
pub(super) fn answer(req_id: &str, result: &CommandResult, hint: u64) -> Bytes {
    answer_frame(req_id, result, hint).into()
}

/// The platform's answer, under the client's `req_id`.
pub(super) fn passed_on(req_id: &str, reply: &Reply) -> Bytes {
    #[derive(Serialize)]
    struct Answer<'a> {
        headers: OwnHeaders<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        errcode: Option<i64>,
        errmsg: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        body: Option<&'a RawValue>,
    }
    #[derive(Serialize)]
    struct OwnHeaders<'a> {
        req_id: &'a str,
    }
    let answer = Answer {
        headers: OwnHeaders { req_id },
        errcode: reply.code,
        errmsg: &reply.message,
        body: reply.body.as_deref(),
    };
    let written = serde_json::to_vec(&answer);
    written.expect("strings and raw json, into memory").into()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn command(text: &str) -> ClientFrame {
        // It cannot be printed, since it may hold a token.
        match ClientFrame::parse(text.as_bytes()) {
            Ok(frame) => frame,
            Err(why) => panic!("{text}: {why:?}"),
        }
    }

    #[test]
    fn a_command_is_read_and_its_body_stays_as_it_is() {
        let text =
            r#"{"body":{"a" : 1},"cmd":"aibot_x","headers":{"req_id":"r\"1","more":1},"x":2}"#;
        let frame = command(text);
        assert_eq!((&*frame.cmd, &*frame.req_id), ("aibot_x", "r\"1"));
        assert_eq!(frame.body.expect("a body").get(), r#"{"a" : 1}"#);
        let bare = command(r#"{"cmd":"ping"}"#);
        assert_eq!(bare.req_id, "");
        assert!(bare.body.is_none());
    }

    #[test]
    fn what_is_no_command() {
        let why = |text: &str| ClientFrame::parse(text.as_bytes()).err();
        let unreadable = [
            "",
            "null",
            "[]",
            "{",
            "\u{1}",
            r#"{"cmd":1}"#,
            r#"{"cmd":"a","headers":[1,2]}"#,
            r#"{"cmd":"a","cmd":"b"}"#,
        ];
        for text in unreadable {
            assert_eq!(why(text), Some(NoCommand::Unreadable), "{text}");
        }
        assert_eq!(why("{}"), Some(NoCommand::Answer));
        let confirms = r#"{"headers":{"req_id":"r"},"errcode":0}"#;
        assert_eq!(why(confirms), Some(NoCommand::Answer));
    }

    #[test]
    fn credentials_are_two_strings() {
        let of = |json: &str| {
            let body: Box<RawValue> = serde_json::from_str(json).expect("json");
            Credentials::of(Some(&body))
        };
        let found = of(r#"{"bot_id":"b","secret":"lw_x","scene":1,"device_id":"d"}"#);
        let found = found.expect("both");
        assert_eq!(
            (&*found.bot_id, found.secret.expose_secret()),
            ("b", "lw_x")
        );
        for json in [
            "{}",
            "[]",
            r#"{"bot_id":"b"}"#,
            r#"{"bot_id":1,"secret":"s"}"#,
        ] {
            assert!(of(json).is_none(), "{json}");
        }
        assert!(Credentials::of(None).is_none());
    }
}
