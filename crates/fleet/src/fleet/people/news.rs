//! What applications hear of a person's authorization: an event of the bot, recorded like any other.

use std::sync::Arc;

use bytestring::ByteString;
use longwire_installation::InstallationId;
use longwire_store::{Cause, Group, GroupReply, NewEvent, Receipt, Source, Writer};
use longwire_wire::identity::Identity;
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

/// Nobody waits for these.
struct NobodyWaits;

impl GroupReply for NobodyWaits {
    fn recorded(&self, receipts: Vec<Receipt>) {
        drop(receipts);
    }

    fn not_recorded(&self, _: Vec<u32>, cause: Cause) {
        tracing::warn!(cause = %cause, "an event about a person's authorization was not recorded");
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
    let now_ms = unix_ms();
    let occurrence = format!("{:032x}", rand::random::<u128>());
    let event = NewEvent {
        ticket: 0,
        identity: Identity::operational(event_type, &occurrence),
        event_id: None,
        event_type: Some(ByteString::from_static(event_type)),
        chat: None,
        source: Source::Operational,
        received_ms: now_ms,
        created_ms: Some(now_ms),
        trace_id: None,
        payload: operation.to_json().into(),
    };
    let group = Group {
        installation: bot.id,
        platform: Some(bot.platform()),
        events: vec![event],
        reply: Arc::new(NobodyWaits),
    };
    debug_assert_ne!(bot.id, InstallationId::NONE);
    if writer.submit(group).is_err() {
        tracing::warn!("there was no room for an event about a person's authorization");
    }
}
