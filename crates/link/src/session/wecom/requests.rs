//! What WeCom is asked: to serve the connection, whether it lives, and what applications want. Each is answered under its
//! own `req_id`.

use std::time::Instant;

use bytes::Bytes;
use bytestring::ByteString;
use longwire_wire::explanation;
use longwire_wire::wecom::{self, Ack, Command, CommandName, Prefix, ReqId, code};
use secrecy::ExposeSecret;

use super::{Phase, Wecom};
use crate::requests::{Acked, RequestKind, SubmitError};
use crate::session::action::{Action, ConnectionLoss, RequestRefusal};
use crate::session::input::SessionRequest;
use crate::setback::Setback;

/// Who waits for the answer to a request.
pub(super) enum Waiter<A> {
    Subscription,
    Ping,
    /// Nobody: the application that answered a card event is not told.
    Card,
    Asker(A),
}

impl<A> Wecom<A> {
    /// Proves which bot this is. Nothing else may be said before the platform has confirmed it.
    pub(super) fn subscribe(&mut self, now: Instant) {
        let req_id = ReqId::new(Prefix::Subscribe, self.ids.next());
        let frame = wecom::subscribe(&req_id, &self.bot_id, self.secret.expose_secret());
        // Wiped when it is dropped, and that is as soon as it is sent.
        let frame = Bytes::from_owner(frame);
        let kind = RequestKind::Subscribe;
        self.submit(req_id.as_str(), kind, frame, Waiter::Subscription, now);
    }

    /// Whether it is answered in time is the pinger's business; here it is only told from other requests.
    pub(super) fn send_ping(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Open) {
            return;
        }
        self.transport.asks();
        let req_id = ReqId::new(Prefix::Ping, self.ids.next());
        let frame = wecom::ping(&req_id).into();
        self.submit(req_id.as_str(), RequestKind::Ping, frame, Waiter::Ping, now);
    }

    /// Somebody asks the platform something.
    pub(super) fn request(&mut self, request: SessionRequest<A>, now: Instant) {
        let SessionRequest {
            command,
            req_id,
            body,
            over,
            asker,
        } = request;
        if !self.is_subscribed || !matches!(self.phase, Phase::Open) {
            return self.refuse(asker, RequestRefusal::NotConnected);
        }
        if over.is_some_and(|wanted| wanted != self.generation) {
            return self.refuse(asker, RequestRefusal::OtherConnection);
        }
        let Some(req_id) = req_id.or_else(|| self.own_id(&command)) else {
            return self.refuse(asker, RequestRefusal::NoReqId);
        };
        let frame = wecom::named_command(command.as_str(), &req_id, body.as_deref()).into();
        let kind = kind_of(&command);
        self.submit(&req_id, kind, frame, Waiter::Asker(asker), now);
    }

    /// An id for a command that answers nothing; a reply has the callback's.
    fn own_id(&mut self, command: &CommandName) -> Option<ByteString> {
        let prefix = match command {
            CommandName::Known(Command::Send) => Prefix::Send,
            CommandName::Known(Command::UploadInit) => Prefix::UploadInit,
            CommandName::Known(Command::UploadChunk) => Prefix::UploadChunk,
            CommandName::Known(Command::UploadFinish) => Prefix::UploadFinish,
            CommandName::Other(_) => Prefix::Request,
            CommandName::Known(
                Command::RespondMessage | Command::RespondWelcome | Command::RespondUpdate,
            ) => return None,
        };
        Some(ReqId::new(prefix, self.ids.next()).into())
    }

    pub(super) fn submit(
        &mut self,
        req_id: &str,
        kind: RequestKind,
        frame: Bytes,
        waiter: Waiter<A>,
        now: Instant,
    ) {
        match self.requests.submit(req_id, kind, frame, waiter) {
            Ok(()) => self.transmit(now),
            Err(SubmitError::Full(waiter)) => self.tell(waiter, RequestRefusal::Full),
            Err(SubmitError::Unanswered(waiter)) => {
                self.tell(waiter, RequestRefusal::SpentReqId);
            }
        }
    }

    /// Writes what may be sent now.
    pub(super) fn transmit(&mut self, now: Instant) {
        // Nothing follows the close frame; whoever waits is told when the connection is over.
        if self.transport.outbox.is_closed() {
            return;
        }
        // The rest follows when the platform has taken these.
        while !self.transport.outbox.is_full()
            && let Some(frame) = self.requests.poll_transmit(now)
        {
            self.transport.outbox.text(&frame);
        }
    }

    /// The platform answered a request.
    ///
    /// # Errors
    /// When that ends the connection.
    pub(super) fn take_ack(&mut self, ack: Ack, now: Instant) -> Result<(), ConnectionLoss> {
        let acked = self.requests.handle_ack(&ack.req_id, now);
        let is_forgotten = ack.code == Some(code::NOT_SUBSCRIBED);
        match acked {
            Acked::Answered { waiter, .. } => match waiter {
                Waiter::Subscription => return self.subscribed(&ack, now),
                Waiter::Ping if ack.is_ok() => {
                    if matches!(self.phase, Phase::Open) {
                        self.transport.act(Action::Pong(None));
                    }
                }
                Waiter::Ping => self.transport.malformed("ping_refused", 0),
                Waiter::Card if ack.is_ok() => {}
                Waiter::Card => self.transport.malformed("card_answer_refused", 0),
                Waiter::Asker(asker) if is_forgotten => {
                    self.refuse(asker, RequestRefusal::NotSubscribed);
                }
                Waiter::Asker(asker) => self.transport.act(Action::Answer(asker, Ok(ack))),
            },
            Acked::Late => self.transport.malformed("late_answer", 0),
            Acked::Unknown => self.transport.malformed("answer_to_nothing", 0),
        }
        if is_forgotten {
            return Err(Setback::NotSubscribed.into());
        }
        self.transmit(now);
        Ok(())
    }

    fn subscribed(&mut self, ack: &Ack, now: Instant) -> Result<(), ConnectionLoss> {
        if !ack.is_ok() {
            return Err(ConnectionLoss {
                setback: Setback::of_subscribe(ack.code),
                detail: explanation::without(self.secret.expose_secret(), &ack.message),
            });
        }
        self.is_subscribed = true;
        if matches!(self.phase, Phase::Open) {
            self.transport.act(Action::Opened);
        }
        self.transmit(now);
        Ok(())
    }

    /// Requests whose time is up are answered with that; those that waited for room are sent.
    ///
    /// # Errors
    /// When it is the subscription.
    pub(super) fn tend_requests(&mut self, now: Instant) -> Result<(), ConnectionLoss> {
        let mut is_subscription = false;
        for given_up in self.requests.handle_timeout(now) {
            is_subscription |= matches!(given_up.waiter, Waiter::Subscription);
            let refusal = if given_up.was_sent {
                RequestRefusal::TimedOut
            } else {
                RequestRefusal::SpentReqId
            };
            self.tell(given_up.waiter, refusal);
        }
        if is_subscription {
            return Err(Setback::SubscribeTimedOut.into());
        }
        self.transmit(now);
        Ok(())
    }

    /// The connection is over; whoever waits for an answer over it is told.
    pub(super) fn end_requests(&mut self) {
        for ended in self.requests.end() {
            let refusal = if ended.was_sent {
                RequestRefusal::ConnectionLost
            } else {
                RequestRefusal::NotSent
            };
            self.tell(ended.waiter, refusal);
        }
    }

    fn tell(&mut self, waiter: Waiter<A>, refusal: RequestRefusal) {
        match waiter {
            Waiter::Subscription | Waiter::Ping | Waiter::Card => {}
            Waiter::Asker(asker) => self.refuse(asker, refusal),
        }
    }

    fn refuse(&mut self, asker: A, refusal: RequestRefusal) {
        self.transport.act(Action::Answer(asker, Err(refusal)));
    }
}

fn kind_of(command: &CommandName) -> RequestKind {
    match command {
        CommandName::Known(Command::Send) => RequestKind::Send,
        CommandName::Known(Command::UploadInit | Command::UploadChunk | Command::UploadFinish) => {
            RequestKind::Upload
        }
        CommandName::Known(
            Command::RespondMessage | Command::RespondWelcome | Command::RespondUpdate,
        ) => RequestKind::Respond,
        CommandName::Other(_) => RequestKind::Other,
    }
}
