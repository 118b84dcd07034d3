//! The handle of retention: starts the actor, keeps it alive, shows it, and erases.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use longwire_actor::{
    ActorView, Ended, Exit, Fault, Inject, Mailbox, Place, Rebuild, RebuildBudget, TreeEntry, start,
};
use longwire_store::Store;
use tokio::sync::Semaphore;

use crate::janitor::{JANITOR, Janitor, LookAgain, Shared};
use crate::policy::RetentionPolicy;
use crate::view::RetentionView;

/// The path of the actor.
const PATH: &str = "/janitor";

/// What retention is started with.
pub struct JanitorSettings {
    /// Where everything is kept.
    pub store: Store,
    /// What is kept, and for how long.
    pub policy: RetentionPolicy,
    /// Whether the admin interface may provoke faults.
    pub fault_injection: bool,
}

/// Running retention. Clones are handles to the same one.
#[derive(Clone)]
pub struct JanitorHandle {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    mailbox: Mutex<Option<Arc<Mailbox<Janitor>>>>,
    stops: AtomicBool,
    /// One erasure at a time: each reads the whole log.
    pub(crate) erasures: Semaphore,
}

impl JanitorHandle {
    /// Starts retention on this thread of the current actix system.
    #[must_use]
    pub fn start(settings: JanitorSettings) -> Self {
        let shared = Shared::new(settings.store, settings.policy, settings.fault_injection);
        let inner = Arc::new(Inner {
            shared: Arc::new(shared),
            mailbox: Mutex::default(),
            stops: AtomicBool::new(false),
            erasures: Semaphore::new(1),
        });
        keep(&inner, &Rc::default());
        Self { inner }
    }

    /// How retention does. Cheap, at any time.
    #[must_use]
    pub fn view(&self) -> RetentionView {
        self.inner.shared.view().clone()
    }

    /// The actor, as the admin endpoint shows it.
    #[must_use]
    pub fn actors(&self) -> Vec<ActorView> {
        let view = self.view();
        let doing = match (&view.trouble, view.holds.first()) {
            (Some(trouble), _) => format!("waiting after a failure: {trouble}"),
            (None, Some(hold)) => format!("{}, waits for the consumer {}", view.doing, hold.name),
            (None, None) => view.doing,
        };
        vec![self.inner.shared.card.view(TreeEntry {
            kind: &JANITOR,
            path: PATH.to_owned(),
            parent: None,
            children: 0,
            doing,
            capacity: JANITOR.capacity,
        })]
    }

    /// Whether an actor of retention lives at this path.
    #[must_use]
    pub fn lives_at(path: &str) -> bool {
        path.trim_end_matches('/') == PATH
    }

    /// Another policy from now on.
    pub fn set_policy(&self, policy: RetentionPolicy) {
        *self.inner.shared.policy() = policy;
        self.look_again();
    }

    /// Looks at the store now rather than after a while: rules of an installation changed.
    pub fn look_again(&self) {
        if let Some(mailbox) = self.inner.mailbox() {
            mailbox.send(LookAgain);
        }
    }

    /// Provokes a fault in the actor at this path, where the settings allow it. Returns whether it lives there.
    pub fn inject(&self, path: &str, fault: Fault) -> bool {
        let lives = Self::lives_at(path) && self.inner.shared.fault_injection;
        if let (true, Some(mailbox)) = (lives, self.inner.mailbox()) {
            mailbox.send(Inject(fault));
        }
        lives
    }

    /// Ends the actor. A step that is under way ends as it ends.
    pub fn stop(&self) {
        self.inner.stops.store(true, Relaxed);
        if let Some(mailbox) = self.inner.mailbox() {
            mailbox.send(longwire_actor::End);
        }
    }
}

impl Inner {
    fn mailbox(&self) -> Option<Arc<Mailbox<Janitor>>> {
        let mailbox = self.mailbox.lock().unwrap_or_else(PoisonError::into_inner);
        mailbox.clone()
    }
}

/// How often the actor may be built anew.
type Budget = Rc<RefCell<RebuildBudget>>;

/// Starts the actor, and another one whenever it ends unasked.
fn keep(inner: &Arc<Inner>, budget: &Budget) {
    let shared = Arc::clone(&inner.shared);
    let card = Arc::clone(&shared.card);
    let (kept, spent) = (Arc::clone(inner), Rc::clone(budget));
    let mailbox = start(
        card,
        Place::default(),
        move |_, _| Janitor::new(shared),
        move |ended| again(&kept, &spent, &ended),
    );
    *inner.mailbox.lock().unwrap_or_else(PoisonError::into_inner) = Some(mailbox);
}

fn again(inner: &Arc<Inner>, budget: &Budget, ended: &Ended) {
    if inner.stops.load(Relaxed) {
        return;
    }
    if ended.exit == Exit::Stopped {
        inner.shared.card.stopped_unasked();
    }
    let how = ended.exit.how();
    tracing::error!(exit = how, "retention ended; it is built anew");
    inner.shared.view().trouble = Some(format!("it ended ({how}) and is built anew"));
    let now = tokio::time::Instant::now().into_std();
    let pause = match budget.borrow_mut().spend(now) {
        Rebuild::After(pause) => pause,
        Rebuild::Spent { until } => until.saturating_duration_since(now),
    };
    let (inner, budget) = (Arc::clone(inner), Rc::clone(budget));
    actix_rt::spawn(async move {
        tokio::time::sleep(pause).await;
        if !inner.stops.load(Relaxed) {
            keep(&inner, &budget);
        }
    });
}
