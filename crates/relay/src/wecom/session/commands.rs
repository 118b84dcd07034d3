//! What a client asks: to be served, whether the connection lives, and things of the platform.

use std::time::Instant;

use longwire_fleet::{RawRequest, Reply, RequestError};
use longwire_platform_server::wecom::{CommandResult, code};
use longwire_wire::wecom::CommandName;

use super::events::not_sent;
use super::{Action, Admitting, DropReason, PASSING, Phase, Session};
use crate::wecom::frame::{self, ClientFrame, Credentials};
use crate::wecom::owners::BotClients;
use crate::wecom::requests::RequestNumber;

/// Commands whose name begins so answer a callback, also those that longwire does not know.
const RESPOND: &str = "aibot_respond_";

impl Session {
    pub(super) fn command(&mut self, frame: ClientFrame, clients: &mut BotClients, now: Instant) {
        match &*frame.cmd {
            // The platform answers it in any state.
            "ping" => self.answer(&frame.req_id, &CommandResult::ok()),
            "aibot_subscribe" => self.subscribe(frame, now),
            _ => self.pass_on(frame, clients, now),
        }
    }

    fn subscribe(&mut self, frame: ClientFrame, now: Instant) {
        let Some(credentials) = Credentials::of(frame.body.as_deref()) else {
            let refusal = CommandResult::invalid("bot_id and secret must be strings");
            return self.answer(&frame.req_id, &refusal);
        };
        match &mut self.phase {
            Phase::New { .. } | Phase::Refused { .. } => {
                let asked = credentials.again();
                self.phase = Phase::Admitting(Box::new(Admitting {
                    req_id: frame.req_id,
                    credentials,
                    again_at: None,
                    until: now + PASSING,
                    held: Default::default(),
                    held_bytes: 0,
                }));
                self.actions.push_back(Action::Admit(asked));
            }
            // Some clients subscribe again instead of pinging. One question at a time; a second one is not answered, as by a
            // platform that is slow.
            Phase::Subscribed(subscribed) if subscribed.again.is_none() => {
                subscribed.again = Some(frame.req_id);
                self.actions.push_back(Action::Admit(credentials));
            }
            Phase::Subscribed(_) | Phase::Admitting(_) | Phase::Dropped => {}
        }
    }

    /// Something that the platform is to do.
    fn pass_on(&mut self, frame: ClientFrame, clients: &mut BotClients, now: Instant) {
        let ClientFrame { cmd, req_id, body } = frame;
        let Phase::Subscribed(subscribed) = &mut self.phase else {
            return self.answer(&req_id, &CommandResult::refused(code::NOT_SUBSCRIBED));
        };
        let Some(command) = CommandName::parse(&cmd) else {
            return;
        };
        let owners = clients.of(subscribed.client);
        let answers_callback = match &command {
            CommandName::Known(command) => command.is_reply(),
            CommandName::Other(name) => name.starts_with(RESPOND) || owners.is_callback(&req_id),
        };
        if answers_callback && !owners.claim(&req_id, subscribed.client, now) {
            return self.answer(&req_id, &CommandResult::refused(code::INVALID_REQ_ID));
        }
        let request = RawRequest {
            command,
            req_id: answers_callback.then(|| req_id.as_str().into()),
            body,
        };
        match (subscribed.requests).submit(req_id.as_str().into(), request, now) {
            Ok(start) => self.actions.extend(start.map(Action::PassOn)),
            Err(_full) => self.answer(&req_id, &CommandResult::refused(code::TOO_OFTEN)),
        }
    }

    /// What came of a request that was passed on.
    pub(crate) fn handle_answer(
        &mut self,
        number: RequestNumber,
        reply: &Result<Reply, RequestError>,
        now: Instant,
    ) {
        let Phase::Subscribed(subscribed) = &mut self.phase else {
            return;
        };
        let Some(answered) = subscribed.requests.answered(number, now) else {
            return;
        };
        self.actions.extend(answered.next.map(Action::PassOn));
        if !answered.is_awaited {
            return;
        }
        match reply {
            Ok(reply) => {
                let text = frame::passed_on(&answered.req_id, reply);
                self.actions.push_back(Action::Text(text));
            }
            Err(RequestError::UnknownInstallation) => self.drop_connection(DropReason::BotRemoved),
            Err(error) => {
                if let Some(result) = result_of(error) {
                    self.answer(&answered.req_id, &result);
                }
            }
        }
    }
}

/// What a client is told when the platform did not answer; `None`: nothing, as the platform tells nothing.
fn result_of(error: &RequestError) -> Option<CommandResult> {
    Some(match error {
        // It may have been done, and the client's own patience is as long.
        RequestError::TimedOut => return None,
        RequestError::MessageRate { .. } => CommandResult::refused(code::TOO_OFTEN),
        // Say it in a message of its own.
        RequestError::SpentReqId => CommandResult::refused(code::INVALID_REQ_ID),
        RequestError::NoReqId | RequestError::Body(_) | RequestError::NoRequests => {
            CommandResult::refused(code::INVALID_PARAMETER)
        }
        RequestError::NotConnected { .. }
        | RequestError::Displaced
        | RequestError::NotSubscribed
        | RequestError::NotSent
        | RequestError::Full
        | RequestError::ConnectionLost
        | RequestError::UnknownInstallation => not_sent(&error.to_string()),
    })
}
