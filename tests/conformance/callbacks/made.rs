//! Requests of each kind, as the platform sends them to apps with and without each secret, and as somebody changed them.

use std::collections::BTreeSet;

use longwire_wire::callback::sender::{encrypted_body, sign, sign_old_card};
use serde_json::{Value, json};

use super::differences::{Difference, of_made};
use super::posted::{Handler, Headers, Keys, Posted, theirs};
use crate::sdk::Sdk;

const TOKEN: &str = "verification-token-0001";
const KEY: &str = "encrypt-key-0001";
const AT_S: i64 = 1_767_225_600;
const NONCE: &str = "314159265";

/// What is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Challenge,
    EventV1,
    EventV2,
    NewCard,
    UrlPreview,
    OldCard,
}

/// Which secrets app and bot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrets {
    Both,
    Token,
    Key,
    None,
}

/// What somebody did to the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    AsSent,
    /// A character of the body is another one.
    Body,
    /// A digit of the signature is another one.
    Signature,
    Timestamp,
    Nonce,
    /// The three headers are gone.
    Unsigned,
    /// It has the token of another app.
    AnotherToken,
    /// It has no token.
    NoToken,
    /// It is encrypted and signed with the key of another app.
    AnotherKey,
    /// It is neither encrypted nor signed with the key, as if the app had none.
    WithoutKey,
    /// It is sent again after a day.
    Later,
}

/// How a request was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) shape: Shape,
    pub(super) secrets: Secrets,
    pub(super) change: Change,
}

const SHAPES: [Shape; 6] = [
    Shape::Challenge,
    Shape::EventV1,
    Shape::EventV2,
    Shape::NewCard,
    Shape::UrlPreview,
    Shape::OldCard,
];
const SECRETS: [Secrets; 4] = [Secrets::Both, Secrets::Token, Secrets::Key, Secrets::None];
const CHANGES: [Change; 11] = [
    Change::AsSent,
    Change::Body,
    Change::Signature,
    Change::Timestamp,
    Change::Nonce,
    Change::Unsigned,
    Change::AnotherToken,
    Change::NoToken,
    Change::AnotherKey,
    Change::WithoutKey,
    Change::Later,
];

impl Secrets {
    pub(super) fn has_token(self) -> bool {
        matches!(self, Self::Both | Self::Token)
    }

    pub(super) fn has_key(self) -> bool {
        matches!(self, Self::Both | Self::Key)
    }

    fn keys(self) -> Keys {
        let given = |has: bool, text: &str| if has { text.to_owned() } else { String::new() };
        Keys {
            encrypt_key: given(self.has_key(), KEY),
            verification_token: given(self.has_token(), TOKEN),
        }
    }
}

impl Made {
    /// What the app encrypts and signs with.
    fn key(self) -> &'static str {
        match self.change {
            Change::AnotherKey => "encrypt-key-0002",
            Change::WithoutKey => "",
            _ if self.secrets.has_key() => KEY,
            _ => "",
        }
    }

    /// The verification token of the app that sends it.
    fn token(self) -> Option<&'static str> {
        match self.change {
            Change::AnotherToken => Some("verification-token-0002"),
            Change::NoToken => None,
            _ => Some(TOKEN),
        }
    }

    fn clear(self) -> Value {
        let header = |event_type| {
            let mut header = json!({
                "event_id": "e1", "create_time": "1767225600123", "event_type": event_type,
                "tenant_key": "t1", "app_id": "cli_a",
            });
            if let Some(token) = self.token() {
                header["token"] = token.into();
            }
            header
        };
        let action = json!({"value": {"a": "b"}, "tag": "button"});
        let operator = json!({"open_id": "ou_1", "tenant_key": "t1"});
        let context = json!({"open_message_id": "om_1", "open_chat_id": "oc_1", "url": "u"});
        let mut clear = match self.shape {
            Shape::Challenge => json!({"challenge": "c1", "type": "url_verification"}),
            Shape::EventV1 => json!({
                "uuid": "e1", "ts": "1767225600.123", "type": "event_callback",
                "event": {"type": "p2p_chat_create", "app_id": "cli_a", "tenant_key": "t1"},
            }),
            Shape::EventV2 => json!({
                "schema": "2.0", "header": header("im.message.recalled_v1"),
                "event": {"message_id": "om_1", "chat_id": "oc_1", "recall_time": "1767225600001"},
            }),
            Shape::NewCard => json!({
                "schema": "2.0", "header": header("card.action.trigger"),
                "event": {"operator": operator, "token": "c-1", "action": action, "context": context},
            }),
            Shape::UrlPreview => json!({
                "schema": "2.0", "header": header("url.preview.get"),
                "event": {"operator": operator, "context": context},
            }),
            Shape::OldCard => json!({
                "open_id": "ou_1", "open_message_id": "om_1", "open_chat_id": "oc_1",
                "tenant_key": "t1", "token": "c-1", "action": action,
            }),
        };
        if let (Shape::Challenge | Shape::EventV1, Some(token)) = (self.shape, self.token()) {
            clear["token"] = token.into();
        }
        clear
    }

    fn posted(self) -> Posted {
        let clear = self.clear().to_string().into_bytes();
        let timestamp = AT_S.to_string();
        let mut body = match (self.shape, self.key()) {
            (Shape::OldCard, _) | (_, "") => clear,
            (_, key) => encrypted_body(key, [7; 16], &clear),
        };
        let signature = match self.shape {
            // A challenge is not signed in any way that a receiver may rely on.
            Shape::Challenge => None,
            Shape::OldCard => {
                let token = if self.secrets.has_token() {
                    self.token()
                } else {
                    None
                };
                let token = token.unwrap_or_default();
                Some(sign_old_card(&timestamp, NONCE, token, &body))
            }
            _ => Some(sign(&timestamp, NONCE, self.key(), &body)),
        };
        let mut headers = Headers {
            nonce: signature.is_some().then(|| NONCE.to_owned()),
            timestamp: signature.is_some().then_some(timestamp),
            signature,
        };
        match self.change {
            Change::Body => change_body(&mut body),
            Change::Signature => another_digit(&mut headers.signature),
            Change::Timestamp => another_digit(&mut headers.timestamp),
            Change::Nonce => another_digit(&mut headers.nonce),
            Change::Unsigned => headers = Headers::default(),
            Change::AsSent
            | Change::AnotherToken
            | Change::NoToken
            | Change::AnotherKey
            | Change::WithoutKey
            | Change::Later => {}
        }
        let late_s = if self.change == Change::Later {
            24 * 60 * 60
        } else {
            1
        };
        Posted {
            handler: match self.shape {
                Shape::OldCard => Handler::Card,
                _ => Handler::Event,
            },
            keys: self.secrets.keys(),
            headers,
            body,
            now_s: AT_S + late_s,
        }
    }
}

/// Changes the last digit or letter, so that JSON stays JSON and base64 stays base64.
fn change_body(body: &mut [u8]) {
    let last = body.iter().rposition(u8::is_ascii_alphanumeric);
    let last = &mut body[last.expect("it has text")];
    *last = if *last == b'A' { b'B' } else { b'A' };
}

/// Changes the last digit of a header, which leaves a time near.
fn another_digit(header: &mut Option<String>) {
    if let Some(text) = header {
        let last = text.pop().expect("it has digits");
        text.push(if last == '1' { '2' } else { '1' });
    }
}

pub(super) fn are_received_alike(sdk: Sdk) {
    let mut all = Vec::new();
    for shape in SHAPES {
        for secrets in SECRETS {
            all.extend(CHANGES.map(|change| Made {
                shape,
                secrets,
                change,
            }));
        }
    }
    let posted: Vec<Posted> = all.iter().map(|made| made.posted()).collect();
    let Some(theirs) = theirs(sdk, &posted.iter().collect::<Vec<_>>()) else {
        return;
    };
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for ((made, posted), theirs) in all.iter().zip(&posted).zip(theirs) {
        let (ours, known) = (posted.ours(), of_made(sdk, made));
        seen.extend(known);
        if (ours != theirs) != known.is_some() {
            wrong.push(format!(
                "{made:?}: {ours:?}, {sdk:?} {theirs:?}, known {known:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let expected = match sdk {
        Sdk::Python => &[
            Difference::NoAge,
            Difference::TokenMayBeMissing,
            Difference::TokenToCompare,
            Difference::Unproven,
        ][..],
        Sdk::Node => &[Difference::NoAge, Difference::NoToken, Difference::Unproven],
    };
    assert_eq!(seen, expected.iter().copied().collect());
}
