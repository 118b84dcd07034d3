//! Generates traffic. The clock calls [`PlatformState::pace`] for paced streams, and connections with nothing left to
//! write call [`PlatformState::flood`] for floods.

use std::collections::HashMap;
use std::time::Instant;

use crate::fault::ConnectionId;
use crate::ids::AttemptId;
use crate::traffic::{Pacing, StreamLimits, Traffic, TrafficProgress};
use crate::wecom::message::Template;
use crate::wecom::record::CallbackSource;
use crate::wecom::state::PlatformState;
use crate::wecom::traffic::Flood;

/// Bytes that a flooded connection gets at once: many messages for one system call, and so few that other connections
/// wait for less than a millisecond.
const FLOOD_BYTES: usize = 128 * 1024;

/// The running streams and their state.
#[derive(Debug, Default)]
pub(crate) struct Generator {
    pacing: Option<Pacing>,
    flood: Option<Flooding>,
    made: u64,
    templates: Vec<Template>,
    template_index: HashMap<(u32, usize), u32>,
    /// The bots of the paced stream; `None` if the list has to be made again.
    slots: Option<Vec<u32>>,
}

#[derive(Debug)]
struct Flooding {
    settings: Flood,
    budget: StreamLimits,
}

impl Generator {
    pub(crate) fn forget_slots(&mut self) {
        self.slots = None;
    }

    /// Whether messages were generated for the bot.
    pub(crate) fn has_template(&self, bot: u32) -> bool {
        self.template_index.keys().any(|(of, _)| *of == bot)
    }

    pub(crate) fn template(&self, index: u32) -> &Template {
        &self.templates[index as usize]
    }
}

impl PlatformState {
    pub(crate) fn start_pacing(&mut self, traffic: Traffic, now: Instant) {
        for bot in &traffic.apps {
            self.bot(bot);
        }
        self.generator.slots = None;
        self.generator.made = 0;
        self.generator.pacing = (traffic.per_second > 0.0).then(|| Pacing::new(traffic, now));
    }

    pub(crate) fn start_flood(&mut self, settings: Flood, now: Instant) {
        self.generator.made = 0;
        self.generator.flood = Some(Flooding {
            budget: StreamLimits::new(settings.total, settings.seconds, now),
            settings,
        });
        for bot in &self.bots {
            let holder = bot.holder.and_then(|id| self.connections.get(&id));
            if let Some(live) = holder {
                live.output_signal.notify();
            }
        }
    }

    pub(crate) fn stop_traffic(&mut self) {
        self.generator.pacing = None;
        self.generator.flood = None;
    }

    pub(crate) fn traffic(&self, now: Instant) -> TrafficProgress {
        let paced = self.generator.pacing.as_ref();
        let flooding = self.generator.flood.as_ref();
        TrafficProgress {
            running: paced.is_some_and(|pacing| !pacing.finished(now))
                || flooding.is_some_and(|flooding| flooding.budget.left(now) > 0),
            made: self.generator.made,
        }
    }

    /// Makes the paced messages that are due, and returns the time of the next one.
    pub(crate) fn pace(&mut self, now: Instant) -> Option<Instant> {
        let mut pacing = self.generator.pacing.take()?;
        let slots = match self.generator.slots.take() {
            Some(slots) => slots,
            None => self.paced_bots(&pacing.traffic.apps),
        };
        let due = if slots.is_empty() { 0 } else { pacing.due(now) };
        for _ in 0..due {
            let bot = slots[pacing.turn % slots.len()];
            pacing.turn = pacing.turn.wrapping_add(1);
            let (number, body) = self.make(bot, pacing.traffic.payload_bytes, now);
            self.dispatch(bot, number, 1, body, now);
        }
        self.generator.slots = Some(slots);
        pacing.budget.made += due;
        if pacing.finished(now) {
            return None;
        }
        let next = pacing.next(now);
        self.generator.pacing = Some(pacing);
        Some(next)
    }

    fn paced_bots(&self, wanted: &[String]) -> Vec<u32> {
        if wanted.is_empty() {
            return (0..).take(self.bots.len()).collect();
        }
        let known = wanted.iter().filter_map(|bot| self.known_bot(bot));
        known.collect()
    }

    /// Fills the output of a connection, if a flood includes its bot.
    pub(crate) fn flood(&mut self, id: ConnectionId, now: Instant) {
        let Some(mut flooding) = self.generator.flood.take() else {
            return;
        };
        if let Some(bot) = self.flooded(id, &flooding.settings) {
            let mut left = flooding.budget.left(now);
            let bytes = flooding.settings.payload_bytes;
            while left > 0 && self.output_below(id, FLOOD_BYTES) {
                let (push, body) = self.make(bot, bytes, now);
                self.deliver(id, AttemptId { push, attempt: 1 }, &body, now);
                flooding.budget.made += 1;
                left -= 1;
            }
        }
        self.generator.flood = Some(flooding);
    }

    /// The bot for which this connection is flooded.
    fn flooded(&self, id: ConnectionId, flood: &Flood) -> Option<u32> {
        let live = self.connections.get(&id)?;
        let bot = live.bot.filter(|_| live.subscribed())?;
        let name = &self.bots[bot as usize].id;
        (flood.apps.is_empty() || flood.apps.contains(name)).then_some(bot)
    }

    fn output_below(&self, id: ConnectionId, limit: usize) -> bool {
        let live = self.connections.get(&id);
        live.is_some_and(|live| {
            live.outbox.len() < limit && live.has_room(self.settings.unsent_bytes)
        })
    }

    fn make(&mut self, bot: u32, bytes: usize, now: Instant) -> (u64, CallbackSource) {
        let number = self.next_number();
        let body = self.made_up(bot, bytes, now);
        self.generator.made += 1;
        self.track(number, bot, body.clone());
        (number, body)
    }

    pub(crate) fn made_up(&mut self, bot: u32, bytes: usize, now: Instant) -> CallbackSource {
        let generator = &mut self.generator;
        let next = u32::try_from(generator.templates.len()).expect("templates fit into memory");
        let template = *generator.template_index.entry((bot, bytes)).or_insert(next);
        if template == next {
            let bot = &self.bots[bot as usize].id;
            let made = Template::new(bot, &self.origin, bytes);
            generator.templates.push(made);
        }
        CallbackSource::MadeUp {
            template,
            // Seconds fit until 2106.
            created_s: u32::try_from(self.wall_clock.unix_ms(now) / 1_000).unwrap_or(u32::MAX),
        }
    }
}
