//! What the control handle reads: connections, bots, counters and records. Nothing here changes the state.

use std::collections::BTreeMap;

use crate::wecom::ledger::{BotView, ConnectionView, Ledger};
use crate::wecom::record::{CallbackRecord, DeliveryState, TrackedCallback, WrittenCallbacks};
use crate::wecom::state::PlatformState;

impl PlatformState {
    /// The live connections that subscribed this bot, or all, in the order of their upgrades.
    pub(crate) fn views(&self, bot: Option<&str>) -> Vec<ConnectionView> {
        let mut views: Vec<_> = self
            .connections
            .values()
            .filter(|live| live.ending.is_none())
            .map(|live| {
                let bot = live.bot.map(|bot| self.bots[bot as usize].id.as_str());
                live.view(bot, self.wall_clock)
            })
            .filter(|view| bot.is_none() || view.bot.as_deref() == bot)
            .collect();
        views.sort_by_key(|view| view.id);
        views
    }

    /// All bots, in the order in which they became known.
    pub(crate) fn bot_views(&self) -> Vec<BotView> {
        let bots = self.bots.iter().map(|bot| BotView {
            bot: bot.id.clone(),
            holder: bot.holder,
            waiting: bot.waiting.len() as u64,
            subscribes: bot.subscribes,
            displacements: bot.displacements,
        });
        bots.collect()
    }

    /// The counters, with the callbacks that wait now.
    pub(crate) fn ledger(&self) -> Ledger {
        let mut ledger = self.ledger.clone();
        ledger.waiting = self.bots.iter().map(|bot| bot.waiting.len() as u64).sum();
        ledger
    }

    /// The record of one push; `None` if it is no longer kept.
    pub(crate) fn record(&self, number: u64) -> Option<CallbackRecord> {
        let name = |bot| self.bots[bot as usize].id.clone();
        self.records
            .record(number, self.settings.seed, self.wall_clock, name)
    }

    /// Records in the order of the pushes.
    pub(crate) fn all_records(&self, bot: Option<&str>) -> Vec<CallbackRecord> {
        let index = bot.map(|bot| self.known_bot(bot));
        if index == Some(None) {
            return Vec::new();
        }
        let numbers = self.records.numbers(index.flatten());
        numbers.filter_map(|number| self.record(number)).collect()
    }

    /// What was written to each connection, in the order of the connections.
    pub(crate) fn written(&self, bot: Option<&str>) -> Vec<WrittenCallbacks> {
        let index = bot.map(|bot| self.known_bot(bot));
        if index == Some(None) {
            return Vec::new();
        }
        let mut places = BTreeMap::new();
        for number in self.records.numbers(index.flatten()) {
            let all_progress = self
                .records
                .get(number)
                .into_iter()
                .flat_map(TrackedCallback::all_progress);
            for progress in
                all_progress.filter(|progress| progress.state == DeliveryState::Delivered)
            {
                if let Some((connection, _)) = progress.to {
                    places.insert((connection, progress.place), number);
                }
            }
        }
        let mut all: Vec<WrittenCallbacks> = Vec::new();
        for ((connection, _), number) in places {
            let Some(record) = self.record(number) else {
                continue;
            };
            match all.last_mut() {
                Some(last) if last.connection == connection => last.msgids.push(record.msgid),
                _ => all.push(WrittenCallbacks {
                    connection,
                    msgids: vec![record.msgid],
                }),
            }
        }
        all
    }

    /// `msgid`s of callbacks with a delivery that was written.
    pub(crate) fn delivered_msgids(&self) -> Vec<String> {
        let delivered = |record: &CallbackRecord| {
            let mut deliveries = record.deliveries.iter();
            deliveries.any(|delivery| delivery.state == DeliveryState::Delivered)
        };
        let records = self.all_records(None).into_iter().filter(delivered);
        records.map(|record| record.msgid).collect()
    }
}
