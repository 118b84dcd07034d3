//! What every actor of one fleet may use: settings, the store, counters, and the list of bots.
//!
//! Nothing here is an actor's state; an actor that dies leaves it as it was.

use crate::bot::Bot;
use crate::card::SharedCard;
use crate::dispatch::Writing;
use crate::failure::Failure;
use crate::hindrance::Hindrance;
use crate::kept::Kept;
use crate::kind::ActorKind;
use crate::malformed::Malformed;
use crate::open_files::OpenFiles;
use crate::totals::Totals;
use crate::unfinished::Unfinished;
use longwire_egress::{Egress, EgressSettings};
use longwire_installation::{InstallationId, Platform};
use longwire_link::Timing;
use longwire_store::{Store, TimelineEntry, TimelineKind, Writer};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::watch;

/// What every actor of one fleet may use.
pub(crate) struct Shared {
    /// Of Feishu and Lark; and of what no platform has a say in.
    pub(crate) timing: Arc<Timing>,
    wecom_timing: Arc<Timing>,
    pub(crate) window_events: usize,
    pub(crate) window_bytes: usize,
    pub(crate) egress: EgressSettings,
    pub(crate) open_files: Arc<OpenFiles>,
    pub(crate) store: Store,
    pub(crate) writer: Writer,
    pub(crate) fault_injection: bool,
    /// What is wrong with declarations, until the process ends.
    pub(crate) hindrances: BTreeMap<InstallationId, Arc<Hindrance>>,
    pub(crate) totals: Totals,
    pub(crate) malformed: Malformed,
    pub(crate) unfinished: Unfinished,
    /// By connections that ended, of all bots.
    pub(crate) kept: Kept,
    pub(crate) started_ms: i64,
    pub(crate) draining: AtomicBool,
    pub(crate) failure: Failure,
    pub(crate) writing: watch::Sender<Writing>,
    pub(crate) supervisor: SharedCard,
    pub(crate) dispatch: SharedCard,
    bots: RwLock<BTreeMap<InstallationId, Arc<Bot>>>,
}

/// What a fleet is made of besides its counters.
pub(crate) struct Parts {
    pub(crate) timing: Timing,
    pub(crate) window_events: usize,
    pub(crate) window_bytes: usize,
    pub(crate) egress: EgressSettings,
    pub(crate) store: Store,
    pub(crate) fault_injection: bool,
    pub(crate) hindrances: BTreeMap<InstallationId, Hindrance>,
}

impl Shared {
    pub(crate) fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            wecom_timing: Arc::new(parts.timing.for_wecom()),
            timing: Arc::new(parts.timing),
            window_events: parts.window_events,
            window_bytes: parts.window_bytes,
            open_files: OpenFiles::new(parts.egress.sockets.clone()),
            egress: parts.egress,
            writer: parts.store.writer(),
            store: parts.store,
            fault_injection: parts.fault_injection,
            hindrances: (parts.hindrances.into_iter())
                .map(|(id, hindrance)| (id, Arc::new(hindrance)))
                .collect(),
            totals: Totals::new(),
            malformed: Malformed::default(),
            unfinished: Unfinished::new(),
            kept: Kept::default(),
            started_ms: crate::clock::unix_ms(),
            draining: AtomicBool::new(false),
            failure: Failure::none(),
            writing: watch::Sender::new(Writing::Idle),
            supervisor: SharedCard::alone(ActorKind::Supervisor),
            dispatch: SharedCard::alone(ActorKind::Dispatch),
            bots: RwLock::new(BTreeMap::new()),
        })
    }

    /// The deadlines and paces that go with a platform.
    pub(crate) fn timing(&self, platform: Platform) -> &Arc<Timing> {
        match platform {
            Platform::Feishu | Platform::Lark => &self.timing,
            Platform::Wecom => &self.wecom_timing,
        }
    }

    pub(crate) fn enlist(&self, bot: &Arc<Bot>) {
        self.bots
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(bot.id, Arc::clone(bot));
    }

    pub(crate) fn delist(&self, id: InstallationId) {
        self.bots
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
    }

    pub(crate) fn bots(&self) -> Vec<Arc<Bot>> {
        self.bots
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// By public id or name.
    pub(crate) fn bot(&self, id_or_name: &str) -> Option<Arc<Bot>> {
        let bots = self.bots.read().unwrap_or_else(PoisonError::into_inner);
        bots.values().find(|bot| bot.is(id_or_name)).cloned()
    }

    /// Keeps a line of an installation's timeline, best effort.
    pub(crate) fn note(
        &self,
        bot: &Bot,
        generation: u64,
        kind: TimelineKind,
        detail: impl Into<String>,
    ) {
        self.writer.note(TimelineEntry {
            installation: bot.id,
            at_ms: crate::clock::unix_ms(),
            generation,
            kind,
            detail: detail.into(),
        });
    }
}

/// What the installations of one arbiter share.
pub(crate) struct Local {
    pub(crate) egress: Egress,
    pub(crate) arbiter: u16,
}

thread_local! {
    static LOCAL: OnceCell<Rc<Local>> = const { OnceCell::new() };
}

impl Local {
    /// Of the current arbiter, made on first use. An arbiter carries the installations of one fleet only.
    pub(crate) fn of(shared: &Shared, arbiter: u16) -> Rc<Self> {
        LOCAL.with(|local| {
            Rc::clone(local.get_or_init(|| {
                Rc::new(Self {
                    egress: Egress::new(&shared.egress),
                    arbiter,
                })
            }))
        })
    }
}
