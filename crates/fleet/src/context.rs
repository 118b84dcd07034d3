//! What every actor of one fleet may use: settings, the store and counters.
//!
//! Nothing here is an actor's state; an actor that dies leaves it as it was.

use crate::cards::CardAsker;
use crate::connection_log::ConnectionLog;
use crate::elsewhere::Elsewhere;
use crate::failure::Failure;
use crate::malformed::Malformed;
use crate::message_rate::MessageRate;
use crate::open_files::OpenFiles;
use crate::retained_bytes::RetainedBytes;
use crate::settings::FleetSettings;
use crate::space_room::SpaceLimit;
use crate::totals::Totals;
use crate::unfinished::Unfinished;
use crate::user_authorizations::UserAuthorizations;
use crate::writing::Writing;
use longwire_actor::Card;
use longwire_egress::{Egress, EgressSettings};
use longwire_installation::{InstallationId, Platform};
use longwire_link::{LoopGuard, LoopLimits, Timing};
use longwire_platform::feishu::TenantTokens;
use longwire_store::{Store, TimelineEntry, TimelineKind, Writer};
use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// What every actor of one fleet may use.
pub(crate) struct FleetContext {
    /// The deadlines and paces of Feishu and Lark, and those that do not depend on a platform.
    pub(crate) timing: Arc<Timing>,
    wecom_timing: Arc<Timing>,
    pub(crate) window_events: usize,
    pub(crate) window_bytes: usize,
    pub(crate) egress: EgressSettings,
    pub(crate) open_files: Arc<OpenFiles>,
    pub(crate) store: Store,
    pub(crate) writer: Writer,
    pub(crate) fault_injection: bool,
    /// Who is asked about card events.
    pub(crate) cards: CardAsker,
    pub(crate) totals: Totals,
    /// What is told of the connections of many bots.
    pub(crate) connection_log: ConnectionLog,
    pub(crate) malformed: Malformed,
    pub(crate) unfinished: Unfinished,
    pub(crate) loop_guard: Mutex<LoopGuard>,
    pub(crate) message_rate: MessageRate,
    /// People who let apps act for them.
    pub(crate) people: UserAuthorizations,
    /// What the ended connections of all bots keep.
    pub(crate) retained: RetainedBytes,
    /// The bots of one space that may be connected at once.
    pub(crate) connections_per_space: SpaceLimit,
    pub(crate) started_ms: i64,
    pub(crate) draining: AtomicBool,
    pub(crate) elsewhere: Elsewhere,
    pub(crate) failure: Failure,
    pub(crate) writing: watch::Sender<Writing>,
    pub(crate) supervisor: Arc<Card>,
    pub(crate) dispatch: Arc<Card>,
}

impl FleetContext {
    pub(crate) fn new(settings: FleetSettings) -> Arc<Self> {
        Arc::new(Self {
            wecom_timing: Arc::new(settings.timing.for_wecom()),
            timing: Arc::new(settings.timing),
            window_events: settings.window_events,
            window_bytes: settings.window_bytes,
            open_files: OpenFiles::new(settings.egress.sockets.clone()),
            egress: settings.egress,
            writer: settings.store.writer(),
            store: settings.store,
            fault_injection: settings.fault_injection,
            cards: CardAsker::new(settings.cards),
            totals: Totals::default(),
            connection_log: ConnectionLog::default(),
            malformed: Malformed::default(),
            unfinished: Unfinished::default(),
            loop_guard: Mutex::new(LoopGuard::new(LoopLimits::default())),
            message_rate: MessageRate::new(settings.limits.messages_per_bot),
            connections_per_space: SpaceLimit::new(settings.limits.connections_per_space),
            people: UserAuthorizations::default(),
            retained: RetainedBytes::default(),
            started_ms: crate::clock::unix_ms(),
            draining: AtomicBool::new(false),
            elsewhere: Elsewhere::default(),
            failure: Failure::none(),
            writing: watch::Sender::new(Writing::Idle),
            supervisor: Arc::new(Card::new()),
            dispatch: Arc::new(Card::new()),
        })
    }

    /// The deadlines and paces that go with a platform.
    pub(crate) fn timing(&self, platform: Platform) -> &Arc<Timing> {
        match platform {
            Platform::Feishu | Platform::Lark => &self.timing,
            Platform::Wecom => &self.wecom_timing,
        }
    }

    /// Writes a line of an installation's timeline. The writer may drop it when it is busy.
    pub(crate) fn note(
        &self,
        installation: InstallationId,
        generation: u64,
        kind: TimelineKind,
        detail: impl Into<String>,
    ) {
        self.writer.note(TimelineEntry {
            installation,
            at_ms: crate::clock::unix_ms(),
            generation,
            kind,
            detail: detail.into(),
        });
    }
}

/// What the installations of one arbiter share.
pub(crate) struct ArbiterContext {
    pub(crate) egress: Egress,
    /// The tokens with which messages are sent.
    pub(crate) tokens: TenantTokens,
    /// Which arbiter it is; 0 is the main one, which carries none.
    pub(crate) number: u16,
}

thread_local! {
    static OF_THIS_ARBITER: OnceCell<Rc<ArbiterContext>> = const { OnceCell::new() };
}

impl ArbiterContext {
    /// The context of the current arbiter, made on first use. An arbiter carries the installations of one fleet only.
    pub(crate) fn of(fleet: &FleetContext, number: u16) -> Rc<Self> {
        OF_THIS_ARBITER.with(|context| {
            Rc::clone(context.get_or_init(|| {
                Rc::new(Self {
                    egress: Egress::new(&fleet.egress),
                    tokens: TenantTokens::default(),
                    number,
                })
            }))
        })
    }
}
