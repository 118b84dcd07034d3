//! The fleet from outside: start it, ask it, drain it. Everything a caller sees is made of cards and counters, so no
//! question waits for an actor, except [`Fleet::inspect`], which says when it waited in vain.

use crate::ActorKind;
use crate::absence::Absence;
use crate::card::Exit;
use crate::dispatch::{self, Dispatch, Writing};
use crate::failure::FleetFailure;
use crate::fault::{Fault, InjectError};
use crate::hindrance::Hindrance;
use crate::installation::INSPECTION;
use crate::loss::Loss;
use crate::post::{Asked, Inspect, Mailbox, Post};
use crate::request::{Ask, Patience, Reply, Request, RequestError, answer};
use crate::shared::{Parts, Shared};
use crate::supervisor::{
    AskAt, DrainAll, EndArbiterOf, InjectAt, InspectAt, Reload, Slept, Supervisor, watch_arbiter,
};
use crate::upload::{UploadError, UploadFile, UploadRun};
use crate::view::{ActorView, Drained, Inspection, InstallationView, Overview, StoreView};
use crate::watched::start_watched;
use actix_rt::Arbiter;
use bytestring::ByteString;
use longwire_egress::EgressSettings;
use longwire_installation::{InstallationId, Platform};
use longwire_link::{Generation, RequestLimits, State, Timing, UploadStep};
use longwire_store::{Health, Store};
use longwire_wire::wecom::check_body;
use longwire_wire::wecom::media::upload::Uploaded;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// How often connections without a supervisor are looked at while they finish.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a fleet is started with.
pub struct FleetSettings {
    /// Every deadline and pace.
    pub timing: Timing,
    /// Connection attempts begun per second over all installations; 0 means no budget.
    pub connect_per_second: u32,
    /// Events one installation may have unanswered before its socket stops reading.
    pub window_events: usize,
    /// The same in bytes.
    pub window_bytes: usize,
    /// Threads that carry installations; 0 means one per core.
    pub arbiters: usize,
    /// How bytes leave this host.
    pub egress: EgressSettings,
    /// Where events are recorded.
    pub store: Store,
    /// Whether [`Fleet::inject`] works.
    pub fault_injection: bool,
    /// Installations that are not to be connected as long as this fleet runs, and why.
    pub hindrances: BTreeMap<InstallationId, Hindrance>,
}

/// A running fleet. Clones are handles to the same one.
#[derive(Clone)]
pub struct Fleet {
    shared: Arc<Shared>,
    supervisor: Arc<Mailbox<Supervisor>>,
    dispatch: watch::Receiver<Option<Arc<Mailbox<Dispatch>>>>,
}

impl Fleet {
    /// Starts the actors inside the current actix system, and with them every installation of the store that is wanted.
    pub async fn start(settings: FleetSettings) -> Self {
        let shared = Shared::new(Parts {
            timing: settings.timing,
            window_events: settings.window_events,
            window_bytes: settings.window_bytes,
            egress: settings.egress,
            store: settings.store,
            fault_injection: settings.fault_injection,
            hindrances: settings.hindrances,
        });
        let count = match settings.arbiters {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => count,
        };
        // Arbiters live as long as their system; only their handles are kept.
        let arbiters: Vec<_> = (0..count).map(|_| Arbiter::new().handle()).collect();
        let watched = arbiters.clone();
        let (seen, dispatch) = watch::channel(None);
        let instance = shared.supervisor.born(0, 0);
        let (resources, ended) = (Arc::clone(&shared), Arc::clone(&shared));
        let supervisor = start_watched(
            shared.supervisor.clone(),
            move |me, _| {
                let me = Arc::clone(me);
                Supervisor::new(resources, me, arbiters, settings.connect_per_second, seen)
            },
            move |exit| {
                ended.supervisor.ended(instance, &exit);
                if matches!(exit, Exit::Panicked(_)) {
                    ended.totals.panics.fetch_add(1, Relaxed);
                }
                let how = exit.how();
                for bot in ended.bots() {
                    // Its installation ends and says nothing more.
                    bot.orphaned(Absence::SupervisorEnded, Some(&how));
                }
                ended.failure.is(FleetFailure::Supervisor { how });
            },
        );
        for (index, arbiter) in watched.iter().enumerate() {
            watch_arbiter(arbiter, index, &shared, &supervisor);
        }
        Self {
            supervisor,
            shared,
            dispatch,
        }
    }

    fn supervisor<M>(&self) -> Post<M>
    where
        M: actix::Message + Send + 'static,
        M::Result: Send,
        Supervisor: actix::Handler<M>,
    {
        self.supervisor.post()
    }

    /// Reads the wanted installations from the store again: after one was added, started, stopped or changed.
    pub fn reload(&self) {
        self.supervisor().send(Reload);
    }

    /// Stops reading, answers what is in hand, closes every connection, and ends the store's writer. Takes `limit` and a
    /// little more at most.
    pub async fn drain(&self, limit: Duration) -> Drained {
        let until = Instant::now() + limit;
        let asked = self
            .supervisor()
            .ask(DrainAll { within: limit }, limit + Duration::from_secs(1));
        let drained = match asked.await {
            Asked::Answered(drained) => drained,
            // Its installations ended with it, and their connections finish what they have in hand.
            Asked::Gone => self.all_finished(until).await,
            Asked::NoAnswer => self.report(),
        };
        let dispatch = self.dispatch.borrow().clone();
        if let Some(dispatch) = dispatch {
            let ended = dispatch.post().ask(dispatch::Drain, Duration::from_secs(5));
            if !matches!(ended.await, Asked::Answered(())) {
                tracing::warn!(
                    "the store's writer did not end in time; what it has in hand was not acknowledged"
                );
            }
        }
        self.tell_losses();
        drained
    }

    /// Says what goes with the process of bots whose platform sends nothing again.
    fn tell_losses(&self) {
        for bot in self.shared.bots() {
            match bot.platform() {
                Platform::Feishu | Platform::Lark => {}
                Platform::Wecom => Loss::count_unanswered(&self.shared, &bot),
            }
        }
    }

    /// Waits for connections that nobody supervises any more to end, until then at most.
    async fn all_finished(&self, until: Instant) -> Drained {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        while self.connected() > 0 && Instant::now() < until {
            looks.tick().await;
        }
        self.report()
    }

    /// What became of every installation, without a supervisor to say so.
    fn report(&self) -> Drained {
        let abandoned = self.connected();
        let bots = self.shared.bots();
        Drained {
            closed: (bots.len() as u64).saturating_sub(abandoned),
            abandoned,
            unanswered: bots
                .iter()
                .map(|bot| bot.tally.unanswered.load(Relaxed))
                .sum(),
        }
    }

    /// Installations with a connection that has not ended.
    fn connected(&self) -> u64 {
        let bots = self.shared.bots();
        bots.iter().filter(|bot| bot.socket.is_living()).count() as u64
    }

    /// What the fleet cannot mend by itself, if there is anything. It drains still, and has to be started again.
    #[must_use]
    pub fn failure(&self) -> Option<FleetFailure> {
        self.shared.failure.get()
    }

    /// Whether the store's writer thread runs. While it does not, every event is refused, or waits.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        *self.shared.writing.borrow() == Writing::Running
    }

    /// Waits for such a failure.
    pub async fn failed(&self) -> FleetFailure {
        self.shared.failure.wait().await
    }

    /// Installations to which more came lately than could be recorded in time.
    #[must_use]
    pub fn overloaded(&self) -> u64 {
        let bots = self.shared.bots();
        bots.iter().filter(|bot| bot.is_overloaded()).count() as u64
    }

    /// The whole fleet in one look.
    #[must_use]
    pub fn overview(&self) -> Overview {
        let bots = self.shared.bots();
        let mut by_state: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut actors: BTreeMap<&'static str, u64> = BTreeMap::new();
        for card in [&*self.shared.supervisor, &*self.shared.dispatch] {
            *actors.entry(card.kind.label()).or_default() += u64::from(card.is_present());
        }
        for bot in &bots {
            *by_state.entry(bot.state_label()).or_default() += 1;
            for card in bot.cards() {
                *actors.entry(card.kind.label()).or_default() += u64::from(card.is_present());
            }
        }
        let totals = &self.shared.totals;
        Overview {
            started_ms: self.shared.started_ms,
            now_ms: crate::clock::unix_ms(),
            installations: bots.len() as u64,
            by_state,
            overloaded: self.overloaded(),
            alarms: bots.iter().filter(|bot| bot.has_alarm()).count() as u64,
            actors,
            events: totals.events(),
            answers: totals.answers(),
            connections: totals.connections(),
            malformed: self.shared.malformed.totals(),
            ack_latency_us: totals.ack_latency_us(),
            record_latency_us: totals.record_latency_us(),
            store: self.store_view(),
            connection_limit: self.shared.open_files.view(),
            draining: self.shared.draining.load(Relaxed),
        }
    }

    fn store_view(&self) -> StoreView {
        let figures = self.shared.store.figures();
        let (state, cause, detail, advice, since_ms) = match self.shared.store.health() {
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
        }
    }

    /// All installations, in the order they were added.
    #[must_use]
    pub fn installations(&self) -> Vec<InstallationView> {
        self.shared.bots().iter().map(|bot| bot.view()).collect()
    }

    /// One installation, by public id or name.
    #[must_use]
    pub fn installation(&self, id_or_name: &str) -> Option<InstallationView> {
        self.shared.bot(id_or_name).map(|bot| bot.view())
    }

    /// All cards, parents before children.
    #[must_use]
    pub fn actors(&self) -> Vec<ActorView> {
        let window = self.shared.window_events as u64;
        let bots = self.shared.bots();
        let queue = self.shared.store.figures().queue_events;
        let mut views = vec![
            self.shared.supervisor.view(
                "/fleet".to_owned(),
                None,
                bots.len() as u64 + 1,
                "keeping installations alive".to_owned(),
                window,
            ),
            self.shared.dispatch.view(
                "/fleet/dispatch".to_owned(),
                Some("/fleet".to_owned()),
                0,
                format!("{queue} events with the writer"),
                window,
            ),
        ];
        views.extend(bots.iter().flat_map(|bot| bot.actors(window)));
        views
    }

    /// Asks one actor, by its path, for its own words; 500 ms at most.
    pub async fn inspect(&self, path: &str) -> Inspection {
        match path.trim_end_matches('/') {
            "/fleet" => Inspection::from(self.supervisor().ask(Inspect, INSPECTION).await),
            "/fleet/dispatch" => {
                let dispatch = self.dispatch.borrow().clone();
                match dispatch {
                    Some(dispatch) => {
                        Inspection::from(dispatch.post().ask(Inspect, INSPECTION).await)
                    }
                    None => Inspection::Absent,
                }
            }
            path => match self.locate(path) {
                Some((id, kind)) => {
                    let limit = INSPECTION + Duration::from_millis(100);
                    match self.supervisor().ask(InspectAt(id, kind), limit).await {
                        Asked::Answered(inspection) => inspection,
                        Asked::NoAnswer => Inspection::NoAnswer,
                        Asked::Gone => Inspection::Absent,
                    }
                }
                None => Inspection::Absent,
            },
        }
    }

    /// Asks a bot's platform something over the bot's own connection, and waits for what it says.
    ///
    /// # Errors
    /// When there is no answer; [`RequestError`] tells whether anything was sent.
    pub async fn request(&self, id_or_name: &str, request: Request) -> Result<Reply, RequestError> {
        let bot = self.shared.bot(id_or_name);
        let bot = bot.ok_or(RequestError::UnknownInstallation)?;
        if bot.platform() != Platform::Wecom {
            return Err(RequestError::NoRequests);
        }
        check_body(request.command, &request.body).map_err(RequestError::Body)?;
        self.ask(bot.id, request, None).await
    }

    /// Whether something could be asked of a bot's platform now: for whoever has much to prepare.
    ///
    /// # Errors
    /// Why it would not even be sent.
    pub fn may_request(&self, id_or_name: &str) -> Result<(), RequestError> {
        let bot = self.shared.bot(id_or_name);
        let bot = bot.ok_or(RequestError::UnknownInstallation)?;
        if bot.platform() != Platform::Wecom {
            return Err(RequestError::NoRequests);
        }
        match bot.state() {
            State::Live { .. } => Ok(()),
            state => Err(RequestError::not_connected(&state)),
        }
    }

    /// Has a bot's platform take a file, over the connection the bot has now, and waits until it has it.
    ///
    /// # Errors
    /// Which step failed, and why. The upload is then gone; nobody has seen anything of it.
    pub async fn upload(
        &self,
        id_or_name: &str,
        file: UploadFile,
    ) -> Result<Uploaded, UploadError> {
        let bot = self.shared.bot(id_or_name);
        let bot = bot.ok_or(UploadError::Unanswered {
            step: UploadStep::Init,
            error: RequestError::UnknownInstallation,
        })?;
        UploadRun::new(self.clone(), bot.id, file).finish().await
    }

    /// Asks one bot's platform, over the connection of that generation if one is named.
    pub(crate) async fn ask(
        &self,
        bot: InstallationId,
        request: Request,
        over: Option<Generation>,
    ) -> Result<Reply, RequestError> {
        let (tell, told) = oneshot::channel();
        let (take, taken) = oneshot::channel();
        let ask = Ask {
            command: request.command,
            req_id: request.req_id.map(ByteString::from),
            body: request.body,
            over,
            tell,
            taken: take,
        };
        self.supervisor().send(AskAt(bot, ask));
        let limits = RequestLimits::from(&**self.shared.timing(Platform::Wecom));
        answer(taken, told, Patience::of(&limits)).await
    }

    /// Does what follows a sleep of the host, where the settings allow it: a fault that no test can provoke otherwise.
    ///
    /// # Errors
    /// [`InjectError::Off`].
    pub fn inject_sleep(&self, slept: Duration) -> Result<(), InjectError> {
        if !self.shared.fault_injection {
            return Err(InjectError::Off);
        }
        self.supervisor().send(Slept(slept));
        Ok(())
    }

    fn locate(&self, path: &str) -> Option<(InstallationId, ActorKind)> {
        let rest = path.strip_prefix("/fleet/bots/")?;
        let (bot, kind) = match rest.split_once('/') {
            Some((bot, kind)) => (bot, ActorKind::from_label(kind)?),
            None => (rest, ActorKind::Installation),
        };
        Some((self.shared.bot(bot)?.id, kind))
    }

    /// Provokes a fault in one actor, where the settings allow it.
    ///
    /// # Errors
    /// [`InjectError`]: switched off, or nobody by that name. An actor that does not live right now is not an error.
    pub fn inject(
        &self,
        installation: &str,
        actor: ActorKind,
        fault: Fault,
    ) -> Result<(), InjectError> {
        if !self.shared.fault_injection {
            return Err(InjectError::Off);
        }
        let bot = self.shared.bot(installation).ok_or(InjectError::Absent)?;
        self.supervisor().send(InjectAt(bot.id, actor, fault));
        Ok(())
    }

    /// Ends the thread that carries an installation, and with it everybody who lives there, where the settings allow it.
    ///
    /// # Errors
    /// As [`inject`](Self::inject).
    pub fn end_arbiter(&self, installation: &str) -> Result<(), InjectError> {
        if !self.shared.fault_injection {
            return Err(InjectError::Off);
        }
        let bot = self.shared.bot(installation).ok_or(InjectError::Absent)?;
        self.supervisor().send(EndArbiterOf(bot.id));
        Ok(())
    }
}
