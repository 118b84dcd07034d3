//! Whether all is connected. The shape of `GET /status` and of `longwire status -o json`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use longwire_api::Timestamp;
use longwire_delivery::ConsumerView;
use longwire_fleet::{Fleet, NotLiveBot, NotLiveGroup, WantedView};
use longwire_store::{Health, Store};
use serde::{Deserialize, Serialize};

/// A consumer is behind once its oldest event that is not done is so old. Less is the usual course of deliveries.
const BEHIND_S: u64 = 60;

type Label = Cow<'static, str>;

/// `GET /status`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatusDocument {
    /// The version that is running.
    pub version: String,
    /// When it was started.
    pub started: Timestamp,
    /// When this was made.
    pub now: Timestamp,
    /// Whether the process is about to end.
    pub draining: bool,
    /// The bots.
    pub installations: InstallationsStatus,
    /// Whether events are recorded, and where.
    pub store: StoreStatus,
    /// Those who receive events.
    pub consumers: ConsumersStatus,
    /// The programs that are connected by the platforms' SDKs.
    pub relay: RelayStatus,
}

/// The bots in numbers, and those that are not live by reason.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InstallationsStatus {
    /// Bots that are wanted.
    pub wanted: u64,
    /// Of them, those that are connected.
    pub live: u64,
    /// Of them, those whose events come over HTTP, so that they need no connection.
    pub webhook: u64,
    /// Of them, those that need a connection and have none.
    pub not_live: u64,
    /// Bots that are not wanted.
    pub stopped: u64,
    /// Wanted bots to which more came lately than could be recorded in time.
    pub overloaded: u64,
    /// Those that are not live, by state and reason: those that wait for somebody first, then the larger groups.
    pub groups: Vec<NotLiveGroupDocument>,
}

/// Bots that are not live, all of one state and for one reason.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NotLiveGroupDocument {
    /// Their state.
    pub state: Label,
    /// Why they are not live, by a stable name.
    pub reason: Option<String>,
    /// The same for people, of one of them.
    pub reason_text: Option<String>,
    /// What to do about it.
    pub next_step: Option<String>,
    /// How many there are.
    pub count: u64,
    /// Since when the first of them is so.
    pub since: Timestamp,
    /// When the first of them is tried again by itself.
    pub until: Option<Timestamp>,
    /// Ten of them at most: those that have been so for longest.
    pub installations: Vec<NotLiveDocument>,
}

/// A bot that is not live.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NotLiveDocument {
    /// Its id.
    pub id: String,
    /// The operator's name for it.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is tried again by itself.
    pub until: Option<Timestamp>,
    /// Why, for people.
    pub reason_text: Option<String>,
}

/// Whether events are recorded, and where.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoreStatus {
    /// `ok`: events are durable before they are acknowledged. `degraded`: nothing is recorded and nothing acknowledged.
    pub state: Label,
    /// Why it is degraded, by a stable name.
    pub cause: Option<Label>,
    /// The same in the database's words.
    pub detail: Option<String>,
    /// What to do about it.
    pub next_step: Option<Label>,
    /// Since when it is degraded.
    pub since: Option<Timestamp>,
    /// When the last transaction was committed; `null` before the first one since the start.
    pub last_commit: Option<Timestamp>,
    /// Bytes of the database with its write-ahead log.
    pub bytes: u64,
    /// Bytes free to us on its disk; `null` where the file system does not tell.
    pub free_bytes: Option<u64>,
    /// Events that wait for the writer.
    pub queue: u64,
}

/// The consumers in numbers, and those in trouble by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ConsumersStatus {
    /// All of them.
    pub total: usize,
    /// How many are in which state: `active`, `failing`, `paused`, `stopped`, `not_running`.
    pub by_state: BTreeMap<Label, usize>,
    /// Of the active ones, those whose oldest event that is not done is a minute old or older.
    pub behind: usize,
    /// Ten at most of those that are not active or are behind.
    pub troubled: Vec<TroubledConsumer>,
}

/// A consumer that is not active, or is behind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TroubledConsumer {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub space: String,
    /// Its state.
    pub state: Label,
    /// Since when.
    pub since: Timestamp,
    /// Why, for people.
    pub reason: Option<String>,
    /// Numbers of the log behind its position.
    pub lag_events: u64,
    /// The age of its oldest event that is not done, in seconds.
    pub lag_s: u64,
    /// When something is tried next.
    pub next_try: Option<Timestamp>,
}

/// The programs that are connected by the platforms' SDKs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RelayStatus {
    /// Their connections.
    pub connections: usize,
}

impl StatusDocument {
    /// Of what is in memory.
    pub(crate) fn of(
        version: &str,
        now_ms: i64,
        fleet: &Fleet,
        store: &Store,
        consumers: ConsumersStatus,
        connections: usize,
    ) -> Self {
        Self {
            version: version.to_owned(),
            started: Timestamp::of_ms(fleet.started_ms()),
            now: Timestamp::of_ms(now_ms),
            draining: fleet.is_draining(),
            installations: fleet.wanted().into(),
            store: StoreStatus::of(store),
            consumers,
            relay: RelayStatus { connections },
        }
    }

    /// Whether every wanted bot is live.
    #[must_use]
    pub fn is_all_live(&self) -> bool {
        self.installations.not_live == 0
    }
}

impl From<WantedView> for InstallationsStatus {
    fn from(view: WantedView) -> Self {
        Self {
            wanted: view.counts.wanted,
            live: view.counts.live,
            webhook: view.counts.webhook,
            not_live: view.counts.not_live(),
            stopped: view.stopped,
            overloaded: view.overloaded,
            groups: view.not_live.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<NotLiveGroup> for NotLiveGroupDocument {
    fn from(group: NotLiveGroup) -> Self {
        Self {
            state: group.state.into(),
            reason: group.reason,
            reason_text: group.reason_text,
            next_step: group.next_step,
            count: group.count,
            since: Timestamp::of_ms(group.since_ms),
            until: group.until_ms.map(Timestamp::of_ms),
            installations: group.bots.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<NotLiveBot> for NotLiveDocument {
    fn from(bot: NotLiveBot) -> Self {
        Self {
            id: bot.id,
            name: bot.name,
            since: Timestamp::of_ms(bot.since_ms),
            until: bot.until_ms.map(Timestamp::of_ms),
            reason_text: bot.reason_text,
        }
    }
}

impl StoreStatus {
    fn of(store: &Store) -> Self {
        let figures = store.figures();
        let ok = Self {
            state: "ok".into(),
            cause: None,
            detail: None,
            next_step: None,
            since: None,
            last_commit: figures.last_commit_ms.map(Timestamp::of_ms),
            bytes: figures.database_bytes + figures.wal_bytes,
            free_bytes: figures.free_bytes,
            queue: figures.queue_events,
        };
        match store.health() {
            Health::Ok => ok,
            Health::Degraded {
                since_ms,
                cause,
                detail,
            } => Self {
                state: "degraded".into(),
                cause: Some(cause.label().into()),
                detail: Some(detail),
                next_step: Some(cause.advice().into()),
                since: Some(Timestamp::of_ms(since_ms)),
                ..ok
            },
        }
    }
}

impl TroubledConsumer {
    /// Of a consumer in this state.
    pub(crate) fn of(view: &ConsumerView, state: &'static str, reason: Option<String>) -> Self {
        Self {
            name: view.name.to_string(),
            space: view.space.to_string(),
            state: state.into(),
            since: Timestamp::of_ms(view.state_since_ms),
            reason,
            lag_events: view.progress.lag_events,
            lag_s: view.progress.lag.as_secs(),
            next_try: view.progress.next_try_ms.map(Timestamp::of_ms),
        }
    }

    fn is_active(&self) -> bool {
        self.state == "active"
    }
}

impl ConsumersStatus {
    /// Counts one, and keeps it if it is in trouble.
    pub(crate) fn add(&mut self, consumer: TroubledConsumer) {
        let is_behind = consumer.is_active() && consumer.lag_s >= BEHIND_S;
        self.total += 1;
        *self.by_state.entry(consumer.state.clone()).or_default() += 1;
        self.behind += usize::from(is_behind);
        if is_behind || !consumer.is_active() {
            self.troubled.push(consumer);
        }
    }

    /// Leaves so many of those in trouble: those that are not active first, then those that are behind most.
    pub(crate) fn finish(&mut self, most: usize) {
        self.troubled
            .sort_by_key(|one| (one.is_active(), u64::MAX - one.lag_s));
        self.troubled.truncate(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consumer(name: &str, state: &'static str, lag_s: u64) -> TroubledConsumer {
        TroubledConsumer {
            name: name.to_owned(),
            space: "default".to_owned(),
            state: state.into(),
            since: Timestamp::of_ms(0),
            reason: None,
            lag_events: lag_s,
            lag_s,
            next_try: None,
        }
    }

    #[test]
    fn consumers_in_trouble_are_named_and_the_others_counted() {
        let mut status = ConsumersStatus::default();
        for one in [
            consumer("well", "active", 59),
            consumer("late", "active", 60),
            consumer("later", "active", 600),
            consumer("broken", "failing", 5),
            consumer("resting", "paused", 50),
        ] {
            status.add(one);
        }
        status.finish(3);
        let named: Vec<&str> = status.troubled.iter().map(|one| &*one.name).collect();
        assert_eq!(named, ["resting", "broken", "later"]);
        assert_eq!((status.total, status.behind), (5, 2));
        assert_eq!(status.by_state["active"], 3);
    }
}
