//! Delivers callbacks to the socket of their bot's holder.
//!
//! A callback goes to the connection that holds its bot. Without a holder, or if the holder does not read, it waits in
//! its order. It is delivered once all its bytes are on the socket, and lost if the connection ends before that. A
//! callback is repeated only by [`PlatformState::push_again`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::fault::ConnectionId;
use crate::ids::AttemptId;
use crate::push::PushId;
use crate::wecom::callback::{Callback, Invented};
use crate::wecom::message::{self, response_code};
use crate::wecom::push::{Content, Push};
use crate::wecom::record::{CallbackSource, DeliveryState, TrackedCallback};
use crate::wecom::req_id::{msgid, req_id};
use crate::wecom::state::PlatformState;

impl PlatformState {
    /// Pushes a callback, or keeps it until the bot has a holder.
    pub(crate) fn push(&mut self, bot: &str, push: Push, now: Instant) -> PushId {
        let bot = self.bot(bot);
        let number = self.next_number();
        let body = self.body_of(bot, number, push, now);
        if let CallbackSource::Built(callback) = &body
            && let Some(given) = &callback.push.req_id
        {
            let delivery = AttemptId {
                push: number,
                attempt: 1,
            };
            self.given_req_ids.insert(given.clone(), delivery);
        }
        self.track(number, bot, body.clone());
        self.dispatch(bot, number, 1, body, now);
        PushId(number)
    }

    fn body_of(&mut self, bot: u32, number: u64, push: Push, now: Instant) -> CallbackSource {
        let plain = Push {
            content: push.content.clone(),
            ..Push::default()
        };
        if let Content::MadeUp { bytes } = push.content
            && plain == push
        {
            return self.made_up(bot, bytes, now);
        }
        let seed = self.settings.seed;
        let invented = Invented {
            msgid: msgid(number, seed),
            created_ms: self.wall_clock.unix_ms(now),
            response_url: format!(
                "{}/response?response_code={:016x}",
                self.origin,
                response_code(number, seed)
            ),
        };
        let chat = (bot, push.chat.key().to_owned());
        self.known_chats.insert(chat, push.chat.group.is_some());
        let name = self.bots[bot as usize].id.clone();
        let mut link = |media: &_| self.serve_media(media, now);
        CallbackSource::Built(Arc::new(Callback::new(push, &name, invented, &mut link)))
    }

    /// Whether a chat of the bot is a group; `None` if no user has written in it.
    pub(crate) fn chat_is_group(&self, bot: u32, chat: &str) -> Option<bool> {
        let known = self.known_chats.get(&(bot, chat.to_owned()));
        let made_up = message::is_chat(chat) && self.generator.has_template(bot);
        known.copied().or(made_up.then_some(false))
    }

    /// Delivers the same callback again under a new `req_id`. `false` if its record is no longer kept.
    pub(crate) fn push_again(&mut self, push: PushId, now: Instant) -> bool {
        let Some(tracked) = self.records.get_mut(push.0) else {
            return false;
        };
        let attempt = tracked.again();
        let (bot, body) = (tracked.bot, tracked.body.clone());
        self.ledger.re_pushed += 1;
        self.dispatch(bot, push.0, attempt, body, now);
        true
    }

    pub(crate) fn next_number(&mut self) -> u64 {
        self.last_push += 1;
        self.last_push
    }

    pub(crate) fn track(&mut self, number: u64, bot: u32, body: CallbackSource) {
        self.ledger.pushed += 1;
        let limit = self.settings.keep_records;
        self.records
            .add(number, TrackedCallback::new(bot, body), limit);
    }

    pub(crate) fn dispatch(
        &mut self,
        bot: u32,
        push: u64,
        attempt: u16,
        body: CallbackSource,
        now: Instant,
    ) {
        let delivery = AttemptId { push, attempt };
        let holder = self.bots[bot as usize].holder;
        if holder.is_none() && !self.settings.keep_while_offline {
            self.ledger.lost += 1;
            self.records
                .note(delivery, |progress| progress.state = DeliveryState::Lost);
            return;
        }
        if let Some(id) = holder
            && self.bots[bot as usize].waiting.is_empty()
            && self.has_room(id)
        {
            self.deliver(id, delivery, &body, now);
        } else {
            self.bots[bot as usize].waiting.push_back((delivery, body));
        }
    }

    fn has_room(&self, id: ConnectionId) -> bool {
        let live = self.connections.get(&id);
        live.is_some_and(|live| live.has_room(self.settings.unsent_bytes))
    }

    /// Appends a callback to a connection's output.
    pub(crate) fn deliver(
        &mut self,
        id: ConnectionId,
        of: AttemptId,
        body: &CallbackSource,
        now: Instant,
    ) {
        let Some(live) = self.connections.get_mut(&id) else {
            return;
        };
        let seed = self.settings.seed;
        match body {
            CallbackSource::MadeUp {
                template,
                created_s,
            } => {
                let template = self.generator.template(*template);
                live.send_callback(of, template.len(), |out| {
                    template.write(of, seed, u64::from(*created_s), out);
                });
            }
            CallbackSource::Built(callback) => {
                let given = callback.push.req_id.clone().filter(|_| of.attempt == 1);
                let req_id = given.unwrap_or_else(|| req_id(of, seed));
                let text = callback.text(&req_id);
                live.send_callback(of, text.len(), |out| out.extend_from_slice(text.as_bytes()));
            }
        }
        self.ledger.unwritten += 1;
        self.records.note(of, |progress| {
            progress.state = DeliveryState::Unwritten;
            progress.to = Some((id, now));
        });
    }

    /// Counts the bytes that the task wrote, and exchanges its empty buffer for the next output.
    pub(crate) fn output(
        &mut self,
        id: ConnectionId,
        written: usize,
        own: &mut Vec<u8>,
        now: Instant,
    ) {
        let Some(live) = self.connections.get_mut(&id) else {
            return;
        };
        let (ledger, records) = (&mut self.ledger, &mut self.records);
        let last_place = &mut self.last_place;
        live.wrote(written, |whole| {
            ledger.delivered += 1;
            ledger.unwritten -= 1;
            *last_place += 1;
            records.note(whole, |progress| {
                progress.state = DeliveryState::Delivered;
                progress.place = *last_place;
            });
        });
        // The task may have read the mode before the connection became half-open.
        if live.half_open || !own.is_empty() {
            return;
        }
        self.deliver_waiting(id, now);
        self.flood(id, now);
        if let Some(live) = self.connections.get_mut(&id) {
            live.hand_over(own);
        }
    }

    /// Delivers the waiting callbacks of a bot to its holder, as far as the holder's output has room.
    fn deliver_waiting(&mut self, id: ConnectionId, now: Instant) {
        let bot = self.connections.get(&id).and_then(|live| live.bot);
        let Some(bot) = bot.filter(|bot| self.bots[*bot as usize].holder == Some(id)) else {
            return;
        };
        while self.has_room(id)
            && let Some((delivery, body)) = self.bots[bot as usize].waiting.pop_front()
        {
            self.deliver(id, delivery, &body, now);
        }
    }

    /// Marks the unwritten callbacks of an ended connection as lost.
    pub(crate) fn lose(&mut self, marks: VecDeque<(u64, AttemptId)>) {
        for (_, delivery) in marks {
            self.ledger.unwritten -= 1;
            self.ledger.lost += 1;
            self.records
                .note(delivery, |progress| progress.state = DeliveryState::Lost);
        }
    }
}
