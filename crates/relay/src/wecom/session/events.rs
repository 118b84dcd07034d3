//! Recorded callbacks, on their way to a client.

use std::borrow::Cow;
use std::time::Instant;

use bytes::Bytes;
use longwire_consumer::DeliveryId;
use longwire_platform_server::wecom::CommandResult;
use longwire_wire::wecom::Incoming;

use super::{Action, Phase, Session};
use crate::wecom::owners::BotClients;

/// The platform's code for trouble of its own, after which clients try again.
const SYSTEM_BUSY: i64 = -1;

impl Session {
    /// An event for the client: the recorded frame, which goes out as it came in.
    ///
    /// Some events are nothing that a client of the platform may get, and count as handed over at once: what longwire itself
    /// recorded, what nobody could read, and the news that another program took the bot.
    pub(crate) fn handle_event(
        &mut self,
        delivery: DeliveryId,
        payload: Bytes,
        clients: &mut BotClients,
        now: Instant,
    ) {
        let Phase::Subscribed(subscribed) = &mut self.phase else {
            return;
        };
        match Incoming::parse(payload.clone()) {
            Ok(Incoming::Callback(callback)) if !callback.is_displacement() => {
                if let Some(req_id) = &callback.req_id {
                    clients.of(subscribed.client).sent(req_id, now);
                }
            }
            // A command that the platform has since this was written.
            Ok(Incoming::Unknown) => {}
            Ok(Incoming::Callback(_) | Incoming::Ack(_)) | Err(_) => {
                return self.actions.push_back(Action::Done(delivery));
            }
        }
        subscribed.hand_over.wrote(delivery);
        self.actions.push_back(Action::Text(payload));
    }

    /// Whether a client is there that takes events.
    pub(crate) fn takes_events(&self) -> bool {
        matches!(self.phase, Phase::Subscribed(_))
    }
}

/// The answer to a request that the platform did not answer, for this reason.
pub(super) fn not_sent(why: &str) -> CommandResult {
    CommandResult {
        code: SYSTEM_BUSY,
        text: Cow::Owned(format!("system busy, from longwire: {why}")),
        body: None,
    }
}
