//! Looks up what events have ids of only, for consumers and readers that asked for it.
//!
//! ```text
//! begin ─▶ known ──────────────────────────────▶ Pending: ready
//!      └─▶ a lookup of its own, or one under way ▶ Pending: ready when it ends, or when its owner waits no longer
//! ```
//! A lookup is a task: nobody who waits for it holds it up, and whoever asks for the same meanwhile shares it. It ends after two
//! seconds. What it found is kept for a while, a failure too. The bot that received the event is asked, and no other one.
//!
//! Bounded: lookups under way for each bot and in all, those that wait for their turn, and what is kept. A bot whose platform did
//! not answer several times in a row is not asked for a while: its events have placeholders at once.

mod kept;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytestring::ByteString;
use longwire_consumer::{Expand, Expansions};
use longwire_installation::{InstallationId, Platform};
use longwire_wire::view::{
    EventKind, ExpandedView, FoundMessage, LookedUp, PersonKind, PersonName, QuotedMessage,
    Unavailable,
};
use tokio::sync::{Semaphore, watch};
use tokio::time::{timeout, timeout_at};

use crate::clock;
use crate::logged_event::LoggedEvent;
use crate::lookups::{EventLookups, LookupOutcome};

use self::kept::{Kept, KeptLimits};

/// Lookups under way for one bot. The platform takes five calls for names a second, and fifty for messages.
const PER_BOT: usize = 8;
/// Lookups under way in all.
const IN_ALL: usize = 64;
/// Lookups that are under way or wait for their turn. What comes then is told to be limited.
const MOST: usize = 1_024;
/// So many lookups in a row without an answer, and the bot is not asked for a while.
const SILENT: u32 = 3;
/// That while.
const REST: Duration = Duration::from_secs(15);
/// Bots whose silence is remembered.
const BOTS: usize = 4_096;
/// A message may be edited or withdrawn.
const MESSAGES: KeptLimits = KeptLimits {
    most: 1_024,
    bytes: 8 << 20,
    age: Duration::from_secs(5 * 60),
};
/// People change their names rarely.
const NAMES: KeptLimits = KeptLimits {
    most: 16_384,
    bytes: 4 << 20,
    age: Duration::from_secs(60 * 60),
};

/// The bot that is asked, and the id that it is asked for.
type Key = (InstallationId, ByteString);
/// What comes of a lookup; nothing until it ends.
type Outcome<T> = Option<Result<T, Unavailable>>;

/// Looks up what events have ids of only.
pub(crate) struct Expander {
    lookups: Arc<dyn EventLookups>,
    /// How long an event waits for what is looked up for it, and how long a lookup may take.
    patience: Duration,
    messages: Asked<FoundMessage>,
    names: Asked<PersonName>,
    bots: RefCell<HashMap<InstallationId, Rc<BotLookups>>>,
    places: Semaphore,
    /// Cloned by each lookup that has not ended.
    under_way: Rc<()>,
}

/// What was asked of one kind.
struct Asked<T> {
    kept: RefCell<Kept<Key, T>>,
    under_way: RefCell<HashMap<Key, watch::Receiver<Outcome<T>>>>,
}

/// How a bot's lookups do.
struct BotLookups {
    places: Semaphore,
    /// How many in a row had no answer.
    silent: Cell<u32>,
    rests_until: Cell<Option<Instant>>,
}

/// A fact that is known, or will be.
#[derive(Clone)]
enum Fact<T> {
    Known(Result<T, Unavailable>),
    Asked(watch::Receiver<Outcome<T>>),
}

/// What is looked up for one event.
#[derive(Clone)]
pub(crate) struct Pending {
    quoted: Option<Fact<FoundMessage>>,
    sender: Option<Fact<PersonName>>,
}

impl Expander {
    pub(crate) fn new(lookups: Arc<dyn EventLookups>, patience: Duration) -> Rc<Self> {
        Rc::new(Self {
            lookups,
            patience,
            messages: Asked::new(MESSAGES),
            names: Asked::new(NAMES),
            bots: RefCell::default(),
            places: Semaphore::new(IN_ALL),
            under_way: Rc::new(()),
        })
    }

    /// Until when an event waits that is handed over now.
    pub(crate) fn deadline(&self) -> Instant {
        clock::instant() + self.patience
    }

    /// Begins to look up what the event has ids of only: at most one message and one name.
    pub(crate) fn begin(self: &Rc<Self>, event: &LoggedEvent, what: Expansions) -> Pending {
        let mut pending = Pending {
            quoted: None,
            sender: None,
        };
        let Some(platform) = event.platform() else {
            // An event of longwire itself quotes nobody.
            return pending;
        };
        if what.has(Expand::Quoted) {
            pending.quoted = self.quoted(event, platform);
        }
        if what.has(Expand::Sender) {
            pending.sender = self.sender(event, platform);
        }
        pending
    }

    fn quoted(
        self: &Rc<Self>,
        event: &LoggedEvent,
        platform: Platform,
    ) -> Option<Fact<FoundMessage>> {
        let view = event.view();
        let message = view.message.as_ref();
        let message = message.filter(|_| view.kind == EventKind::Message)?;
        let quoted = message.quoted.as_deref();
        match platform {
            // The callback has the text.
            Platform::Wecom => quoted.map(|quoted| Fact::Known(Ok(given(quoted)))),
            Platform::Feishu | Platform::Lark => {
                let is_bundle = message.message_type.as_deref() == Some("merge_forward");
                let id = match is_bundle {
                    true => message.id.as_ref(),
                    false => quoted.and_then(|quoted| quoted.id.as_ref()),
                };
                let bot = event.record.installation;
                let key = (bot, id?.clone());
                let lookups = Arc::clone(&self.lookups);
                let ask = move |id: &str| lookups.message(bot, id);
                Some(self.ask(|all| &all.messages, key, ask, held_by))
            }
        }
    }

    fn sender(
        self: &Rc<Self>,
        event: &LoggedEvent,
        platform: Platform,
    ) -> Option<Fact<PersonName>> {
        let sender = event.view().sender.as_ref()?;
        if let Some(name) = &sender.name {
            return Some(Fact::Known(Ok(PersonName { name: name.clone() })));
        }
        let unknown = Some(Fact::Known(Err(Unavailable::NotSupported)));
        match (platform, sender.kind, &sender.ids.open_id) {
            (Platform::Feishu | Platform::Lark, PersonKind::User, Some(open_id)) => {
                let bot = event.record.installation;
                let lookups = Arc::clone(&self.lookups);
                let ask = move |id: &str| lookups.person(bot, id);
                let held = |name: &PersonName| name.name.len();
                Some(self.ask(|all| &all.names, (bot, open_id.clone()), ask, held))
            }
            _ => unknown,
        }
    }

    /// What is known of `key`, or a lookup of it.
    fn ask<T: Clone + 'static>(
        self: &Rc<Self>,
        of: impl Fn(&Self) -> &Asked<T> + 'static,
        key: Key,
        ask: impl FnOnce(&str) -> LookupOutcome<T> + 'static,
        held: impl Fn(&T) -> usize + 'static,
    ) -> Fact<T> {
        let asked = of(self);
        let now = clock::instant();
        if let Some(known) = asked.kept.borrow().get(&key, now) {
            return Fact::Known(known);
        }
        if let Some(same) = asked.under_way.borrow().get(&key)
            // One that panicked is asked for again.
            && same.has_changed().is_ok()
        {
            return Fact::Asked(same.clone());
        }
        let bot = self.bot(key.0);
        if bot.rests_until.get().is_some_and(|until| now < until) {
            return Fact::Known(Err(Unavailable::Timeout));
        }
        if Rc::strong_count(&self.under_way) > MOST {
            return Fact::Known(Err(Unavailable::RateLimited));
        }
        let counted = Rc::clone(&self.under_way);
        let (tell, told) = watch::channel(None);
        asked
            .under_way
            .borrow_mut()
            .insert(key.clone(), told.clone());
        let all = Rc::clone(self);
        actix_rt::spawn(async move {
            let outcome = all.carry_out(&bot, ask(&key.1)).await;
            let asked = of(&all);
            asked.under_way.borrow_mut().remove(&key);
            drop(counted);
            let outcome = match outcome {
                Some(outcome) => {
                    let bytes = outcome.as_ref().map_or(0, &held) + key.1.len() + 128;
                    let mut kept = asked.kept.borrow_mut();
                    kept.keep(key, outcome.clone(), bytes, clock::instant());
                    outcome
                }
                // It never had its turn, which says nothing about the fact.
                None => Err(Unavailable::Timeout),
            };
            tell.send_replace(Some(outcome));
        });
        Fact::Asked(told)
    }

    /// Waits for a turn and asks; nothing without a turn within the time.
    async fn carry_out<T>(&self, bot: &BotLookups, lookup: LookupOutcome<T>) -> Outcome<T> {
        let until = tokio::time::Instant::now() + self.patience;
        let turns = async { (bot.places.acquire().await, self.places.acquire().await) };
        let _turns = timeout_at(until, turns).await.ok()?;
        let outcome = timeout(self.patience, lookup).await;
        let outcome = outcome.unwrap_or(Err(Unavailable::Timeout));
        bot.note(matches!(outcome, Err(Unavailable::Timeout)));
        Some(outcome)
    }

    fn bot(&self, id: InstallationId) -> Rc<BotLookups> {
        let mut bots = self.bots.borrow_mut();
        if bots.len() >= BOTS && !bots.contains_key(&id) {
            // Those that are asked now keep theirs.
            bots.retain(|_, bot| Rc::strong_count(bot) > 1);
        }
        Rc::clone(bots.entry(id).or_insert_with(|| {
            Rc::new(BotLookups {
                places: Semaphore::new(PER_BOT),
                silent: Cell::new(0),
                rests_until: Cell::new(None),
            })
        }))
    }
}

impl BotLookups {
    /// A lookup ended, without an answer or with one.
    fn note(&self, is_silent: bool) {
        let silent = if is_silent { self.silent.get() + 1 } else { 0 };
        self.silent.set(silent);
        let rests = silent >= SILENT;
        self.rests_until.set(rests.then(|| clock::instant() + REST));
    }
}

impl<T: Clone> Asked<T> {
    fn new(limits: KeptLimits) -> Self {
        Self {
            kept: RefCell::new(Kept::new(limits)),
            under_way: RefCell::default(),
        }
    }
}

impl<T: Clone> Fact<T> {
    fn is_ready(&self) -> bool {
        match self {
            Self::Known(_) => true,
            Self::Asked(told) => told.borrow().is_some(),
        }
    }

    /// What is known by now.
    fn now(&self) -> Result<T, Unavailable> {
        match self {
            Self::Known(known) => known.clone(),
            Self::Asked(told) => told.borrow().clone().unwrap_or(Err(Unavailable::Timeout)),
        }
    }

    async fn settled(&self) {
        match self {
            Self::Known(_) => {}
            // A lookup that panicked tells nothing.
            Self::Asked(told) => drop(told.clone().wait_for(Option::is_some).await),
        }
    }
}

impl Pending {
    /// Whether all is known.
    pub(crate) fn is_ready(&self) -> bool {
        self.quoted.as_ref().is_none_or(Fact::is_ready)
            && self.sender.as_ref().is_none_or(Fact::is_ready)
    }

    /// What is known by now, and placeholders for the rest.
    pub(crate) fn now(&self) -> ExpandedView {
        let quoted = self.quoted.as_ref().map(Fact::now);
        let sender = self.sender.as_ref().map(Fact::now);
        ExpandedView {
            quoted: quoted.map(|quoted| LookedUp::of(quoted.map(Box::new))),
            sender: sender.map(LookedUp::of),
        }
    }

    /// Waits until all is known, but not beyond `until`.
    pub(crate) async fn settled(&self, until: Instant) {
        let facts = async {
            if let Some(quoted) = &self.quoted {
                quoted.settled().await;
            }
            if let Some(sender) = &self.sender {
                sender.settled().await;
            }
        };
        // What is not known by then has a placeholder.
        let _ = timeout_at(until.into(), facts).await;
    }
}

/// What WeCom sends of a message that is answered.
fn given(quoted: &QuotedMessage) -> FoundMessage {
    FoundMessage {
        id: quoted.id.clone(),
        message_type: quoted.message_type.clone(),
        text: quoted.text.clone(),
        attachments: quoted.attachments.clone(),
        ..FoundMessage::default()
    }
}

/// The memory that a message holds, near enough for a bound.
fn held_by(message: &FoundMessage) -> usize {
    let text = message.text.as_ref().map_or(0, |text| text.len());
    let parts = 256 * (1 + message.mentions.len() + message.attachments.len());
    let below: usize = message.forwarded.iter().map(held_by).sum();
    text + parts + below
}
