//! What WeCom says over a connection, and what it wants to hear: a subscription, pings and requests as JSON, each
//! answered under its own `req_id`; callbacks, which nobody answers.
//!
//! An event is the platform's to forget once it is written to us, so it stays ours until the store has it.

use super::inbound::Owed;
use super::pump::Ended;
use super::session::Session;
use super::{Phase, Socket};
use crate::clock::{now, unix_ms};
use crate::pinger::Pong;
use crate::wecom::request::{Ask, Reply, RequestError, Teller};
use bytes::Bytes;
use bytestring::ByteString;
use longwire_actor::send;
use longwire_link::{
    Acked, RequestKind, RequestLimits, Requests, Setback, SubmitError, Timing, Unparsed,
    UnparsedBudget,
};
use longwire_store::{NewEvent, Source};
use longwire_wire::explanation;
use longwire_wire::identity::Identity;
use longwire_wire::wecom::{self, Ack, Callback, Command, Incoming, Prefix, ReqId, code};
use secrecy::{ExposeSecret, SecretString};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// What has to be known of the platform's side of the connection.
pub(super) struct Wecom {
    bot_id: String,
    secret: SecretString,
    standing: Standing,
    requests: Requests<Waiter>,
}

/// How far the bot has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nothing else may be said.
    Subscribing,
    Subscribed,
}

/// Who waits for the answer to a request.
enum Waiter {
    Subscription,
    Ping,
    Asker(Teller),
}

impl Wecom {
    pub(super) fn new(bot_id: String, secret: SecretString, timing: &Timing) -> Self {
        Self {
            bot_id,
            secret,
            standing: Standing::Subscribing,
            requests: Requests::new(RequestLimits::from(timing)),
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.requests.poll_timeout()
    }

    pub(super) fn is_subscribed(&self) -> bool {
        self.standing == Standing::Subscribed
    }

    /// The connection is over.
    pub(super) fn end(&mut self) {
        for ended in self.requests.end() {
            let error = if ended.was_sent {
                RequestError::ConnectionLost
            } else {
                RequestError::NotSent
            };
            ended.waiter.fail(error);
        }
    }
}

impl Waiter {
    fn fail(self, error: RequestError) {
        if let Self::Asker(tell) = self {
            // Whoever asked may have gone.
            drop(tell.send(Err(error)));
        }
    }
}

impl Socket {
    /// Proves which bot this is. Nothing else may be said before the platform has confirmed it.
    pub(super) fn subscribe(&mut self) {
        let Session::Wecom(wecom) = &mut self.session else {
            return;
        };
        let req_id = ReqId::new(Prefix::Subscribe, rand::random());
        let frame = wecom::subscribe(&req_id, &wecom.bot_id, wecom.secret.expose_secret());
        // Wiped when it is dropped, and that is as soon as it is sent.
        let frame = Bytes::from_owner(frame);
        let kind = RequestKind::Subscribe;
        self.request(req_id.as_str(), kind, frame, Waiter::Subscription);
    }

    /// Whether it is answered in time is the pinger's business; here it is only told from other requests.
    pub(super) fn ping(&mut self) {
        let req_id = ReqId::new(Prefix::Ping, rand::random());
        let frame = wecom::ping(&req_id).into();
        self.request(req_id.as_str(), RequestKind::Ping, frame, Waiter::Ping);
    }

    /// Somebody asks the platform something.
    pub(super) fn ask_platform(&mut self, ask: Ask) {
        if ask.tell.is_closed() {
            // It was told that its time is up, or it left: what is sent now would come as a surprise.
            return;
        }
        let Session::Wecom(wecom) = &self.session else {
            return ask.fail(RequestError::NoRequests);
        };
        if wecom.standing != Standing::Subscribed || !matches!(self.phase, Phase::Open(_)) {
            return ask.fail(RequestError::not_connected(&self.bot.state()));
        }
        if ask.over.is_some_and(|wanted| wanted != self.generation) {
            return ask.fail(RequestError::NotSent);
        }
        let Ask {
            command,
            req_id,
            body,
            tell,
            taken,
            over: _,
        } = ask;
        // Whoever asked may have gone this moment.
        let _ = taken.send(());
        let Some(req_id) = req_id.or_else(|| own_id(command)) else {
            drop(tell.send(Err(RequestError::NoReqId)));
            return;
        };
        let frame = wecom::command(command, &req_id, &body).into();
        let kind = match command {
            Command::Send => RequestKind::Send,
            Command::UploadInit | Command::UploadChunk | Command::UploadFinish => {
                RequestKind::Upload
            }
            Command::RespondMessage | Command::RespondWelcome | Command::RespondUpdate => {
                RequestKind::Respond
            }
        };
        self.request(&req_id, kind, frame, Waiter::Asker(tell));
    }

    fn request(&mut self, req_id: &str, kind: RequestKind, frame: Bytes, waiter: Waiter) {
        let Session::Wecom(wecom) = &mut self.session else {
            return;
        };
        match wecom.requests.submit(req_id, kind, frame, waiter) {
            Ok(()) => self.transmit(),
            Err(SubmitError::Full(waiter)) => waiter.fail(RequestError::Full),
            Err(SubmitError::Unanswered(waiter)) => waiter.fail(RequestError::SpentReqId),
        }
    }

    /// Writes what may be sent now.
    fn transmit(&mut self) {
        let Session::Wecom(wecom) = &mut self.session else {
            return;
        };
        // Nothing follows the close frame; whoever waits is told when the connection is over.
        if self.outbound.is_closed() {
            return;
        }
        // The rest follows when the platform has taken these.
        while !self.outbound.is_full()
            && let Some(frame) = wecom.requests.poll_transmit(now())
        {
            self.outbound.text(&frame);
        }
    }

    /// One message of the platform.
    ///
    /// # Errors
    /// When it ends the connection: the subscription is refused or gone.
    pub(super) fn take_json(&mut self, bytes: Bytes) -> Result<(), Ended> {
        let size_bytes = bytes.len();
        match Incoming::parse(bytes.clone()) {
            Ok(Incoming::Callback(callback)) => self.take_callback(callback),
            Ok(Incoming::Ack(ack)) => self.take_ack(ack),
            Ok(Incoming::Unknown) => {
                self.malformed("unknown_command", size_bytes);
                self.take_unread(bytes);
                Ok(())
            }
            Err(error) => {
                self.malformed(error.kind(), size_bytes);
                if error.is_callback() {
                    self.keep_unparsed(bytes);
                } else {
                    self.take_unread(bytes);
                }
                Ok(())
            }
        }
    }

    /// Neither a callback nor an answer. It may be somebody's message in a shape that nobody has described, and it comes
    /// once; but a platform that sends nothing else must not fill the disk.
    fn take_unread(&mut self, payload: Bytes) {
        if payload.trim_ascii().is_empty() {
            return;
        }
        match self.bot.spend_unparsed(payload.len(), now()) {
            Unparsed::Keep => self.keep_unparsed(payload),
            Unparsed::Drop { is_first } => {
                self.bot.tally.unparsed_dropped.fetch_add(1, Relaxed);
                self.shared.totals.unparsed_dropped.fetch_add(1, Relaxed);
                if is_first {
                    tracing::warn!(
                        installation = self.bot.public_id,
                        most_frames = UnparsedBudget::MOST_FRAMES,
                        most_bytes = UnparsedBudget::MOST_BYTES,
                        "more frames that nobody can read than are kept for one bot and hour; until the hour is over \
                         further ones are counted and dropped. Look at those that are kept: longwire events tail"
                    );
                }
            }
        }
    }

    /// What nobody could read is recorded with its bytes. It comes once. A callback among it always is: it is an event,
    /// though it lacks what every event has.
    fn keep_unparsed(&mut self, payload: Bytes) {
        self.shared.totals.unparsed.fetch_add(1, Relaxed);
        self.bot.tally.unparsed.fetch_add(1, Relaxed);
        self.keep(NewEvent {
            ticket: 0,
            identity: Identity::unparsed(None, &payload),
            event_id: None,
            event_type: None,
            chat: None,
            source: Source::LongConnection,
            received_ms: unix_ms(),
            created_ms: None,
            trace_id: None,
            payload,
        });
    }

    /// Nobody is answered, and nobody else has it.
    fn keep(&mut self, event: NewEvent) {
        self.admit(Owed::Record(Box::new(event.clone())), event);
    }

    fn take_callback(&mut self, callback: Callback) -> Result<(), Ended> {
        let is_displacement = callback.is_displacement();
        let identity = callback.identity();
        let Callback {
            req_id,
            facts,
            payload,
            ..
        } = callback;
        self.keep(NewEvent {
            ticket: 0,
            identity,
            event_id: facts.msgid,
            event_type: Some(facts.type_name),
            chat: facts.chat_id,
            source: Source::LongConnection,
            received_ms: unix_ms(),
            created_ms: facts.created_ms,
            trace_id: req_id,
            payload,
        });
        if is_displacement {
            return Err(Ended::new(Setback::Displaced));
        }
        Ok(())
    }

    fn take_ack(&mut self, ack: Ack) -> Result<(), Ended> {
        let Session::Wecom(wecom) = &mut self.session else {
            return Ok(());
        };
        let acked = wecom.requests.handle_ack(&ack.req_id, now());
        let is_forgotten = ack.code == Some(code::NOT_SUBSCRIBED);
        match acked {
            Acked::Settled { waiter, .. } => match waiter {
                Waiter::Subscription => return self.subscribed(&ack),
                Waiter::Ping if ack.is_ok() => {
                    if let Some(pinger) = &self.pinger {
                        send(&**pinger, Pong(None));
                    }
                }
                Waiter::Ping => self.malformed("ping_refused", 0),
                Waiter::Asker(tell) => {
                    let answer = if is_forgotten {
                        Err(RequestError::NotSubscribed)
                    } else {
                        Ok(Reply::of(ack, self.generation))
                    };
                    // Whoever asked may have gone.
                    drop(tell.send(answer));
                }
            },
            Acked::Late => self.malformed("late_answer", 0),
            Acked::Unknown => self.malformed("answer_to_nothing", 0),
        }
        if is_forgotten {
            return Err(Ended::new(Setback::NotSubscribed));
        }
        self.transmit();
        Ok(())
    }

    fn subscribed(&mut self, ack: &Ack) -> Result<(), Ended> {
        let Session::Wecom(wecom) = &mut self.session else {
            return Ok(());
        };
        if !ack.is_ok() {
            return Err(Ended {
                setback: Setback::of_subscribe(ack.code),
                detail: explanation::without(wecom.secret.expose_secret(), &ack.message),
            });
        }
        wecom.standing = Standing::Subscribed;
        self.tell_opened();
        self.transmit();
        Ok(())
    }

    /// Requests whose time is up are answered with that; those that waited for room are sent.
    ///
    /// # Errors
    /// When it is the subscription.
    pub(super) fn tend_requests(&mut self, now: Instant) -> Result<(), Ended> {
        let Session::Wecom(wecom) = &mut self.session else {
            return Ok(());
        };
        let mut is_subscription = false;
        for given_up in wecom.requests.handle_timeout(now) {
            is_subscription |= matches!(given_up.waiter, Waiter::Subscription);
            let error = if given_up.was_sent {
                RequestError::TimedOut
            } else {
                RequestError::SpentReqId
            };
            given_up.waiter.fail(error);
        }
        if is_subscription {
            return Err(Ended::new(Setback::SubscribeTimedOut));
        }
        self.transmit();
        Ok(())
    }
}

/// An id for a command that answers nothing; a reply has the callback's.
fn own_id(command: Command) -> Option<ByteString> {
    let prefix = match command {
        Command::Send => Prefix::Send,
        Command::UploadInit => Prefix::UploadInit,
        Command::UploadChunk => Prefix::UploadChunk,
        Command::UploadFinish => Prefix::UploadFinish,
        Command::RespondMessage | Command::RespondWelcome | Command::RespondUpdate => return None,
    };
    Some(ReqId::new(prefix, rand::random()).into())
}
