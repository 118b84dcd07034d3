//! The fleet as people and programs read it, made from cards and counters.

use super::Fleet;
use crate::kind;
use crate::not_live::{NotLive, WantedCounts, WantedView};
use crate::view::{ActorView, Overview, StoreView};
use longwire_actor::TreeEntry;
use longwire_installation::Desired;
use longwire_store::Health;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

impl Fleet {
    /// When this fleet started, Unix milliseconds.
    #[must_use]
    pub fn started_ms(&self) -> i64 {
        self.context.started_ms
    }

    /// Whether the fleet is draining.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.context.draining.load(Relaxed)
    }

    /// Events that were new and are durable now, since the start.
    #[must_use]
    pub fn recorded(&self) -> u64 {
        self.context.totals.recorded.load(Relaxed)
    }

    /// Installations to which more came lately than could be recorded in time.
    #[must_use]
    pub fn overloaded(&self) -> u64 {
        let bots = self.bots.bots();
        bots.iter().filter(|bot| bot.is_overloaded()).count() as u64
    }

    /// How many bots are wanted, and how many of them need a connection and have none. One pass over the bots, which asks no
    /// actor and no disk: for probes.
    #[must_use]
    pub fn wanted_counts(&self) -> WantedCounts {
        self.bots.wanted_counts()
    }

    /// The wanted bots, with those that are not live by reason. One pass over the bots, which asks no actor and no disk.
    #[must_use]
    pub fn wanted(&self) -> WantedView {
        let mut counts = WantedCounts::default();
        let mut not_live = NotLive::default();
        let (mut stopped, mut overloaded) = (0, 0);
        for bot in self.bots.bots().iter() {
            let desired = bot.record().desired;
            stopped += u64::from(desired == Desired::Stop);
            overloaded += u64::from(desired == Desired::Run && bot.is_overloaded());
            if counts.add(desired, &bot.state()) {
                not_live.add(bot.view(), bot.last_setback());
            }
        }
        WantedView {
            counts,
            stopped,
            overloaded,
            not_live: not_live.into_groups(),
        }
    }

    /// The whole fleet in one look.
    #[must_use]
    pub fn overview(&self) -> Overview {
        let bots = self.bots.bots();
        let mut by_state: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut actors: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut count = |kind: &longwire_actor::ActorKind, is_present: bool| {
            *actors.entry(kind.label).or_default() += u64::from(is_present);
        };
        count(&kind::SUPERVISOR, self.context.supervisor.is_present());
        count(&kind::DISPATCH, self.context.dispatch.is_present());
        for bot in &bots {
            *by_state.entry(bot.state().label()).or_default() += 1;
            for (kind, card) in bot.actor_cards() {
                count(kind, card.is_present());
            }
        }
        let totals = &self.context.totals;
        Overview {
            started_ms: self.context.started_ms,
            now_ms: crate::clock::unix_ms(),
            installations: bots.len() as u64,
            by_state,
            overloaded: self.overloaded(),
            alarms: bots.iter().filter(|bot| bot.has_alarm()).count() as u64,
            actors,
            events: totals.events(),
            answers: totals.answers(),
            cards: totals.cards.totals(),
            callbacks: totals.callbacks.verdicts(),
            connections: totals.connections(),
            malformed: self.context.malformed.totals(),
            ack_latency_us: totals.ack_latency_us.quantiles(),
            record_latency_us: totals.record_latency_us.quantiles(),
            card_latency_us: totals.card_latency_us.quantiles(),
            callback_latency_us: totals.callback_latency_us.quantiles(),
            store: self.store_view(),
            connection_limit: self.context.open_files.view(),
            draining: self.context.draining.load(Relaxed),
        }
    }

    fn store_view(&self) -> StoreView {
        let figures = self.context.store.figures();
        let (state, cause, detail, advice, since_ms) = match self.context.store.health() {
            Health::Ok => ("ok", None, None, None, None),
            Health::Degraded {
                since_ms,
                cause,
                detail,
            } => (
                "degraded",
                Some(cause.label()),
                Some(detail),
                Some(cause.advice()),
                Some(since_ms),
            ),
        };
        StoreView {
            state,
            cause,
            detail,
            advice,
            since_ms,
            queue: figures.queue_events,
            queue_high_water: figures.queue_events_max,
            commits: figures.commits,
            notes_dropped: figures.notes_dropped,
            concerns: figures.concerns,
        }
    }

    /// All cards, parents before children.
    #[must_use]
    pub fn actors(&self) -> Vec<ActorView> {
        let window = self.context.window_events as u64;
        let bots = self.bots.bots();
        let queue = self.context.store.figures().queue_events;
        let mut views = vec![
            self.context.supervisor.view(TreeEntry {
                kind: &kind::SUPERVISOR,
                path: "/fleet".to_owned(),
                parent: None,
                children: bots.len() as u64 + 1,
                doing: "keeping installations alive".to_owned(),
                capacity: kind::SUPERVISOR.capacity,
            }),
            self.context.dispatch.view(TreeEntry {
                kind: &kind::DISPATCH,
                path: "/fleet/dispatch".to_owned(),
                parent: Some("/fleet".to_owned()),
                children: 0,
                doing: format!("{queue} events with the writer"),
                capacity: kind::DISPATCH.capacity,
            }),
        ];
        views.extend(bots.iter().flat_map(|bot| bot.actors(window)));
        views
    }
}
