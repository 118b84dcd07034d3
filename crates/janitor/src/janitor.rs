//! Lets go what was kept long enough.
//!
//! It asks its machine what to do, does that on the blocking pool, and tells the machine what came of it. One thing is under way
//! at a time. This file moves inputs and actions; every decision is the machine's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::fut::ActorFutureExt as _;
use actix::{Actor, AsyncContext as _, Handler, Message, SpawnHandle, WrapFuture as _};
use bytestring::ByteString;
use longwire_actor::{ActorKind, Card, Context, Inject, TreeActor};
use longwire_consumer::Moment;
use longwire_store::{ConsumerId, ReadError, RetentionStep, StepDone, Store, WriteError};
use longwire_wire::view::Operation;

use crate::look::Look;
use crate::machine::{Action, News, Retention, WriterLoad};
use crate::policy::RetentionPolicy;
use crate::view::RetentionView;
use crate::{moment, operational};

/// One per process.
pub(crate) const JANITOR: ActorKind = ActorKind {
    label: "janitor",
    parent: None,
    // Its end, a change of the policy, a fault.
    capacity: 8,
};

/// What the actor and its handle share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) card: Arc<Card>,
    pub(crate) fault_injection: bool,
    policy: Mutex<RetentionPolicy>,
    view: Mutex<RetentionView>,
}

impl Shared {
    pub(crate) fn new(store: Store, policy: RetentionPolicy, fault_injection: bool) -> Self {
        Self {
            store,
            card: Arc::new(Card::new()),
            fault_injection,
            policy: Mutex::new(policy),
            view: Mutex::new(RetentionView {
                policy,
                ..RetentionView::default()
            }),
        }
    }

    pub(crate) fn policy(&self) -> MutexGuard<'_, RetentionPolicy> {
        // Every change is one assignment.
        self.policy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn view(&self) -> MutexGuard<'_, RetentionView> {
        // What a panic leaves behind is shown until the next look.
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The policy changed, or something is to be looked at now. From the handle, once per change.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct LookAgain;

/// A look, a search or a step ended. The name that the card shows meanwhile.
struct Answered;

/// Something is due. The name that the card shows meanwhile.
struct Due;

/// Lets go what was kept long enough.
pub(crate) struct Janitor {
    shared: Arc<Shared>,
    machine: Retention,
    timer: Option<SpawnHandle>,
}

/// What was done for the machine.
enum Answer {
    Looked(Result<Look, ReadError>),
    Found(Result<Vec<longwire_store::ListedEvent>, ReadError>),
    Done(RetentionStep, Result<StepDone, WriteError>),
}

impl Janitor {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let policy = *shared.policy();
        Self {
            machine: Retention::new(policy, moment::now()),
            shared,
            timer: None,
        }
    }

    /// Carries out what the machine wants. Every handler ends here.
    fn drive(&mut self, ctx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        let now = moment::now();
        match self.machine.poll(now) {
            Action::Rest { until } => {
                let pause = until.saturating_duration_since(now.instant);
                // A pause of nothing would keep others of this thread from their turn.
                let pause = pause.max(Duration::from_millis(1));
                self.timer = Some(ctx.work_later::<Due>(pause, |this, ctx| {
                    this.timer = None;
                    this.drive(ctx);
                }));
            }
            action => self.carry_out(action, now, ctx),
        }
        self.tell_news(now);
        self.shared.view().take(&self.machine, now);
    }

    fn carry_out(&self, action: Action, now: Moment, ctx: &mut Context<Self>) {
        let store = self.shared.store.clone();
        let policy = *self.shared.policy();
        let work = move || match action {
            Action::Look => Some(Answer::Looked(Look::read(&store, &policy, now))),
            Action::Find {
                installations,
                after,
                through,
            } => {
                let reader = store.reader();
                let found = reader.unlisted_events(&installations, after, through);
                Some(Answer::Found(found))
            }
            Action::Step(step) => {
                let done = store.retain(step.clone());
                Some(Answer::Done(step, done))
            }
            // It has a timer instead.
            Action::Rest { .. } => None,
        };
        let answer = tokio::task::spawn_blocking(work).into_actor(self);
        let answer = answer.map(|answer, this, ctx| {
            let _working = ctx.working::<Answered>();
            let answer =
                answer.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
            if let Some(answer) = answer {
                this.answered(answer);
            }
            this.drive(ctx);
        });
        ctx.spawn(answer);
    }

    fn answered(&mut self, answer: Answer) {
        let now = moment::now();
        let load = WriterLoad::of(&self.shared.store.figures());
        self.machine.handle_load(load);
        let failure = match answer {
            Answer::Looked(Ok(look)) => {
                self.machine.handle_look(look, now);
                None
            }
            Answer::Found(Ok(found)) => {
                self.machine.handle_found(found, now);
                None
            }
            Answer::Done(step, Ok(done)) => {
                self.count(&step, done, now);
                self.machine.handle_done(done, now);
                None
            }
            Answer::Looked(Err(error)) | Answer::Found(Err(error)) => Some(error.to_string()),
            Answer::Done(_, Err(error)) => Some(error.to_string()),
        };
        let mut view = self.shared.view();
        if let Some(error) = &failure {
            if view.trouble.is_none() {
                tracing::warn!(
                    %error,
                    next_step = "look at the state of the store; it is tried again",
                    "retention did not get on",
                );
            }
            self.machine.handle_failed(now);
        }
        view.trouble = failure;
    }

    fn count(&self, step: &RetentionStep, done: StepDone, now: Moment) {
        let mut view = self.shared.view();
        view.steps += 1;
        view.writer_busy += Duration::from_micros(done.took_us);
        view.last_step_ms = Some(now.unix_ms);
        if let RetentionStep::GiveBack { pages } = step {
            let page_bytes = self.machine.look().state.page_bytes;
            view.given_back_bytes += u64::from(*pages) * page_bytes;
        }
    }

    fn tell_news(&mut self, now: Moment) {
        while let Some(news) = self.machine.poll_news() {
            self.tell(news, now);
        }
    }

    fn tell(&self, news: News, now: Moment) {
        match news {
            News::AtRisk(risk) => {
                tracing::warn!(
                    consumer = %risk.name,
                    percent = risk.percent,
                    bound = risk.bound,
                    lag_events = risk.lag_events,
                    next_step = "let the consumer catch up, or raise the bound in [retention]",
                    "a consumer is so far behind that its events go soon",
                );
                let operation = Operation {
                    lag_events: Some(risk.lag_events),
                    lag_ms: Some(u64::try_from(risk.lag.as_millis()).unwrap_or(u64::MAX)),
                    patience_percent: Some(risk.percent),
                    ..operation(&risk.name, risk.bound, AT_RISK)
                };
                self.record(&risk.space, operational::EXPIRING, &operation, now);
            }
            News::OutOfRisk { consumer } => {
                let (name, _) = self.name_of(consumer);
                tracing::info!(consumer = %name, "a consumer is far enough from the bounds of retention again");
            }
            News::Passed { consumer, events } => {
                let (name, space) = self.name_of(consumer);
                tracing::warn!(
                    consumer = %name,
                    events,
                    next_step = "nothing brings them back; let the consumer catch up, or raise the bounds in [retention]",
                    "events went before a consumer had done them",
                );
                self.shared.view().passed_events += events;
                let operation = Operation {
                    lag_events: Some(events),
                    ..operation(&name, "passed", PASSED)
                };
                self.record(&space, operational::EXPIRED, &operation, now);
            }
            News::ClockHeld { by } => {
                tracing::warn!(
                    by_s = by.as_secs(),
                    next_step = "set the clock of this host right",
                    "by the clock of this host all events would be too old; retention by age waits",
                );
            }
        }
    }

    /// The name and the space of a consumer.
    fn name_of(&self, id: ConsumerId) -> (String, String) {
        let consumers = &self.machine.look().state.consumers;
        let found = consumers.iter().find(|one| one.id == id);
        found.map_or_else(
            || (id.to_string(), String::new()),
            |one| (one.name.clone(), one.space.clone()),
        )
    }

    fn record(&self, space: &str, event_type: &'static str, operation: &Operation, now: Moment) {
        let writer = self.shared.store.writer();
        operational::record(&writer, space, event_type, now.unix_ms, operation);
    }
}

const AT_RISK: &str = "The consumer is so far behind that events it has not done go soon. Let it catch up, or raise the bound in [retention].";
const PASSED: &str =
    "Events went before the consumer had done them, because the bounds of retention were reached.";

fn operation(consumer: &str, reason: &'static str, detail: &'static str) -> Operation {
    Operation {
        consumer: Some(consumer.into()),
        reason: Some(ByteString::from_static(reason)),
        detail: Some(ByteString::from_static(detail)),
        ..Operation::default()
    }
}

impl Actor for Janitor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.drive(ctx);
    }
}

impl TreeActor for Janitor {
    type Card = Arc<Card>;
}

impl Handler<LookAgain> for Janitor {
    type Result = ();

    fn handle(&mut self, _: LookAgain, ctx: &mut Self::Context) {
        let policy = *self.shared.policy();
        self.shared.view().policy = policy;
        self.machine.handle_policy(policy, moment::now());
        self.drive(ctx);
    }
}

longwire_actor::stop_at_end!(Janitor);

impl Handler<Inject> for Janitor {
    type Result = ();

    fn handle(&mut self, Inject(fault): Inject, ctx: &mut Self::Context) {
        if self.shared.fault_injection {
            tracing::warn!("a fault is provoked in the janitor");
            fault.strike("the janitor", ctx);
        }
    }
}
