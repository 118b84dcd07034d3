//! What applications hear of a person's authorization: an event of the bot, recorded like any other.

use std::sync::Arc;

use bytestring::ByteString;
use longwire_installation::InstallationId;
use longwire_store::{Group, NewEvent, Unawaited, Writer};
use longwire_wire::view::Operation;

use crate::bot::Bot;
use crate::clock::unix_ms;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AuthorizationNews {
    /// The person agreed, and tokens are kept.
    Authorized,
    /// There are no tokens.
    Failed,
    /// There were tokens, and the person has to agree again.
    Expired,
}

impl AuthorizationNews {
    fn event_type(self) -> &'static str {
        match self {
            Self::Authorized => "longwire.user.authorized",
            Self::Failed => "longwire.user.authorization_failed",
            Self::Expired => "longwire.user.authorization_expired",
        }
    }
}

/// Records what happened to the authorization of this person.
pub(super) fn record(
    writer: &Writer,
    bot: &Bot,
    open_id: &str,
    news: AuthorizationNews,
    (reason, detail): (&'static str, String),
) {
    let event_type = news.event_type();
    let operation = Operation {
        installation: Some(ByteString::from(&*bot.public_id)),
        person: Some(ByteString::from(open_id)),
        reason: Some(ByteString::from_static(reason)),
        detail: Some(detail.into()),
        ..Operation::default()
    };
    let occurrence = format!("{:032x}", rand::random::<u128>());
    let payload = operation.to_json().into();
    let event = NewEvent::operational(0, event_type, &occurrence, unix_ms(), payload);
    let group = Group {
        installation: bot.id,
        platform: Some(bot.platform()),
        events: vec![event],
        reply: Arc::new(Unawaited("an event about a person's authorization")),
    };
    debug_assert_ne!(bot.id, InstallationId::NONE);
    if writer.submit(group).is_err() {
        tracing::warn!("there was no room for an event about a person's authorization");
    }
}
