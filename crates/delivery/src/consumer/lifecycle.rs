//! Changes of a consumer: its definition, its state, its position, its replays.

use std::sync::Arc;

use actix::{Handler, Message};
use longwire_consumer::{
    ConsumerDefinition, ConsumerQueue, Position, QueueSettings, QueueState, Receivers, Road,
};
use longwire_store::{ConsumerRecord, ConsumerState};
use longwire_wire::event::Seq;
use longwire_wire::webhook::WebhookSecrets;
use tokio::sync::oneshot;

use super::Consumer;
use super::acks::WaitingAck;
use crate::clock;
use crate::loaded::LoadedReplay;
use crate::track::{Track, TrackId};

/// The row of the consumer changed. From the root, once per change.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Reconfigure {
    pub(crate) record: ConsumerRecord,
    pub(crate) definition: Arc<ConsumerDefinition>,
    pub(crate) secrets: Option<WebhookSecrets>,
}

/// Go on behind this event. The answer comes when that is on disk. From the handle, once per call.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Seek {
    pub(crate) after: Seq,
    pub(crate) answer: oneshot::Sender<usize>,
}

/// Deliver a stretch of the log again. From the root, once per replay.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct StartReplay(pub(crate) LoadedReplay);

/// End the replays that have not ended. From the handle, once per call.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct EndReplays;

impl Handler<Reconfigure> for Consumer {
    type Result = ();

    fn handle(&mut self, message: Reconfigure, ctx: &mut Self::Context) {
        let Reconfigure {
            record,
            definition,
            secrets,
        } = message;
        let now = clock::now();
        let before = std::mem::replace(&mut self.definition, definition);
        self.state = record.state;
        self.secrets = secrets;
        let definition = Arc::clone(&self.definition);
        for (at, track) in self.tracks.iter_mut().enumerate() {
            if definition.policy != before.policy {
                track.queue.handle_policy(definition.policy.clone(), now);
            }
            if at == 0 && definition.filter != before.filter {
                track.filter = definition.filter.clone();
                track.queue.handle_filter_changed();
            }
            if let Road::Relay(road) = &definition.road {
                track.queue.handle_handler_limit(road.handler_limit);
            }
            match self.state {
                // One that fails is tried at once: the change may be what it needed.
                ConsumerState::Active if track.queue.state() != QueueState::Active => {
                    track.queue.handle_resumed();
                }
                ConsumerState::Active => {}
                ConsumerState::Paused { .. } | ConsumerState::Stopped { .. } => {
                    track.queue.handle_paused();
                }
            }
        }
        // Secrets and policies are part of it; what is under way is posted to its end by the one before.
        self.start_endpoint();
        self.drive(ctx);
    }
}

impl Handler<Seek> for Consumer {
    type Result = ();

    fn handle(&mut self, Seek { after, answer }: Seek, ctx: &mut Self::Context) {
        if let Some(main) = self.tracks.first_mut() {
            main.queue.handle_seek(after);
            main.queue.handle_save_awaited();
            let id = main.id;
            self.claimed.clear();
            self.acks.push(WaitingAck::of_one(id, answer));
        }
        self.drive(ctx);
    }
}

impl Handler<StartReplay> for Consumer {
    type Result = ();

    fn handle(&mut self, StartReplay(replay): StartReplay, ctx: &mut Self::Context) {
        self.add_replay(replay);
        self.drive(ctx);
    }
}

impl Handler<EndReplays> for Consumer {
    type Result = ();

    fn handle(&mut self, _: EndReplays, ctx: &mut Self::Context) {
        for track in self.tracks.split_off(1) {
            self.forget_replay(track.id);
        }
        self.drive(ctx);
    }
}

impl Consumer {
    /// A way through the log from this position on.
    pub(super) fn add_track(&mut self, id: TrackId, position: Position, until: Option<Seq>) {
        let receivers = match self.definition.road {
            Road::Webhook(_) => Receivers::Endpoint,
            Road::Pull | Road::Stream { .. } => Receivers::Readers,
            Road::Relay(_) => Receivers::Connections,
        };
        let mut settings = QueueSettings::new(receivers);
        if let Road::Relay(road) = &self.definition.road {
            settings.handler_limit = road.handler_limit;
        }
        let newest = self.shared.settings.store.watch_head().newest();
        let mut queue = ConsumerQueue::new(
            settings,
            self.definition.policy.clone(),
            position,
            newest.unwrap_or(Seq(0)),
            rand::random(),
            clock::now(),
        );
        match self.state {
            ConsumerState::Active => {}
            ConsumerState::Paused { .. } | ConsumerState::Stopped { .. } => queue.handle_paused(),
        }
        for reader in self.streams.keys() {
            queue.handle_reader(*reader, super::streams::WINDOW);
        }
        for (reader, window) in self.attached() {
            queue.handle_reader(reader, window);
        }
        self.tracks.push(Track {
            id,
            queue,
            filter: self.definition.filter.clone(),
            until,
            is_reading: false,
            set_aside: 0,
        });
    }

    pub(super) fn add_replay(&mut self, replay: LoadedReplay) {
        self.add_track(replay.id, replay.position, Some(replay.until));
        if let Some(track) = self.tracks.last_mut() {
            track.filter = replay.filter;
        }
    }

    /// Ends replays that have nothing left to send, and whose acknowledgements are answered: a position that is on disk answers
    /// them.
    pub(super) fn end_replays(&mut self) {
        let over: Vec<TrackId> = self
            .tracks
            .iter()
            .filter(|track| track.is_over() && !self.acks_wait_for(track.id))
            .map(|track| track.id)
            .collect();
        for id in over {
            self.tracks.retain(|track| track.id != id);
            self.forget_replay(id);
        }
    }

    /// Removes the row of a replay. If that fails, the replay is found over at the next start and removed then.
    fn forget_replay(&self, id: TrackId) {
        let store = self.shared.settings.store.clone();
        tracing::info!(consumer = %self.definition.name, "a replay has ended");
        actix_rt::spawn(async move {
            let removed = tokio::task::spawn_blocking(move || store.remove_consumer(id));
            if let Ok(Err(error)) = removed.await {
                tracing::warn!(error = %error, "the row of a replay that has ended was not removed");
            }
        });
    }
}
