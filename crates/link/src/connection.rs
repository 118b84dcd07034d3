//! Keeps one installation connected, by deciding what comes next.
//!
//! ```text
//! stopped ─▶ queued ─▶ bootstrapping ─▶ dialing ─▶ live
//!              ▲              │            │        │
//!              └── backing_off, refused ◀──┴────────┤      restarting: its own code ended too often
//!                                       displaced ◀──┘
//! ```
//!
//! - Every attempt has a [`Generation`]. News of another one changes nothing; a connection that opens for one
//!   is closed, since left open it would hold one of the few the platform grants an app.
//! - At most one generation has work outside. Whatever it may still have open is closed before the next begins.
//! - It is never deaf: in every state but `stopped` and `displaced` either a timer runs or a connection lives, whose
//!   own heartbeat ends it. Bootstrap and dial have deadlines here too, in case the caller never reports.
//! - A bot that another connection displaced is left to it, or the two would take it from each other for ever. It comes
//!   back by an operator's hand (start, change the settings), or by its [`TakeBack`] policy. Both the
//!   displacement and each take-back are recorded on disk, so a process that is started again knows them; a take-back is
//!   recorded first and done then.
//! - The backoff starts over when a connection that answered a ping ends after a life of [`Timing::lasting`] or more.
//! - A refusal is believed when it repeats: it is probed soon at first and hourly in the end.
//! - [`ALARM_AFTER`] failures in a row are an [alarm](Link::has_alarm), until a connection has lasted.
//! - It never gives up. The platform's attempt count only makes [`Link::attempts_exceeded`] true.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use longwire_installation::{Desired, TakeBack};
use longwire_wire::endpoint::ClientConfig;

use crate::backoff::{Backoff, FirstProbe};
use crate::config::{Rejected, ServerConfig};
use crate::generation::Generation;
use crate::setback::{Disposition, Pace, Setback};
use crate::state::State;
use crate::take_back::TakeBacks;
use crate::timing::Timing;
use crate::turn::{Life, Standing};

/// So many failures in a row are an alarm, whatever their cause (S87, S125: there the end of all attempts).
pub const ALARM_AFTER: u32 = 5;

/// For so long after a connection that lasted a bot goes before others that want to connect. An outage that is longer
/// has made all bots of a platform equal.
const RECENTLY: Duration = Duration::from_secs(10 * 60);

/// So many failed attempts after a connection, a bot's place among the open connections is no longer kept for it: some
/// four minutes. A short outage of one platform must not give its bots' places to others, and a long one must not keep
/// them empty.
const PLACE_IS_KEPT_FOR: u32 = 10;

/// What is to be done. Answered by a `handle_…` call with the same generation, except for `Close`.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Ask the connect-rate budget; [`Link::handle_turn`] when it is granted.
    AskTurn(Generation),
    /// Ask the platform for a connection URL; [`Link::handle_bootstrapped`] or [`Link::handle_setback`].
    Bootstrap(Generation),
    /// Connect to it; [`Link::handle_opened`] or [`Link::handle_setback`].
    Dial(Generation),
    /// Record on disk that another connection has the bot, since when [`State::Displaced`] says. Not answered.
    RecordDisplaced,
    /// Record on disk that the bot is taken back and when it was before ([`Link::taken_back`]);
    /// [`Link::handle_take_back_recorded`] when that is durable. Comes again after a while without an answer.
    RecordTakeBack(Generation),
    /// Give up whatever this generation still has: a call, a dial, a connection. Harmless if nothing is left.
    Close(Generation, CloseReason),
}

/// Why something is closed.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// The operator wants it so.
    Stopped,
    /// Credentials or settings changed; it is dialled anew.
    Reconfigured,
    /// It did not report in time.
    TimedOut,
    /// The connection is lost, for this reason.
    Lost(Setback),
    /// Its own code ended too often.
    Restarting,
    /// It opened when nobody waited for it any more.
    Stale,
}

impl CloseReason {
    /// A stable name for counters and logs.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Reconfigured => "reconfigured",
            Self::TimedOut => "timed_out",
            Self::Lost(setback) => setback.label(),
            Self::Restarting => "restarting",
            Self::Stale => "stale",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped by the operator"),
            Self::Reconfigured => f.write_str("the configuration changed"),
            Self::TimedOut => f.write_str("it did not report in time"),
            Self::Lost(setback) => setback.fmt(f),
            Self::Restarting => f.write_str("its own code ended too often"),
            Self::Stale => f.write_str("nobody waited for it any more"),
        }
    }
}

/// The latest connection that [lasted](Timing::lasting).
#[derive(Copy, Clone, Debug)]
struct PastLife {
    ended: Instant,
    length: Duration,
}

/// The connection of one installation, from wish to wire.
#[derive(Debug)]
pub struct Link {
    timing: Arc<Timing>,
    backoff: Backoff,
    config: ServerConfig,
    state: State,
    generation: Generation,
    /// When waiting for outside news ends, in the states whose own value does not say so.
    deadline: Option<Instant>,
    /// Whether the live connection has answered a ping.
    proved: bool,
    opened_before: bool,
    reconnects: u64,
    past_life: Option<PastLife>,
    take_backs: TakeBacks,
    /// Since when another connection has the bot, until the first wish.
    displaced: Option<Instant>,
    actions: VecDeque<Action>,
}

impl Link {
    /// A stopped installation. Equal seeds give equal delays, so each installation wants its own.
    #[must_use]
    pub fn new(timing: impl Into<Arc<Timing>>, seed: u64) -> Self {
        let timing = timing.into();
        Self {
            backoff: Backoff::new(Arc::clone(&timing), seed),
            config: ServerConfig {
                ping_interval: timing.ping_interval,
                ..ServerConfig::default()
            },
            state: State::Stopped,
            generation: Generation::default(),
            deadline: None,
            proved: false,
            opened_before: false,
            reconnects: 0,
            past_life: None,
            take_backs: TakeBacks::default(),
            displaced: None,
            actions: VecDeque::new(),
            timing,
        }
    }

    /// The same, with attempts that are numbered from behind `generation`: where another link of this installation was
    /// before, so that no number comes twice.
    #[must_use]
    pub fn after(mut self, generation: Generation) -> Self {
        self.generation = generation;
        self
    }

    /// The same, with the policy for when another connection displaces it.
    #[must_use]
    pub fn with_take_back(mut self, policy: Option<TakeBack>) -> Self {
        self.take_backs.set_policy(policy);
        self
    }

    /// The same, displaced at that time: where another link of this installation was before. The first wish to run leads
    /// to [`State::Displaced`] and not to an attempt, because nobody has decided to take the bot back.
    #[must_use]
    pub fn displaced(mut self, since: Option<Instant>) -> Self {
        self.displaced = since;
        self
    }

    /// The same, after it was taken back at these times, oldest first: where another link of this installation was before,
    /// whose take-backs count among those of the day.
    #[must_use]
    pub fn taken_back_at(mut self, times: impl IntoIterator<Item = Instant>) -> Self {
        for time in times {
            self.take_backs.done(time);
        }
        self
    }

    /// When it was taken back, oldest first: for [`taken_back_at`](Self::taken_back_at).
    pub fn taken_back(&self) -> impl ExactSizeIterator<Item = Instant> + '_ {
        self.take_backs.history()
    }

    /// The operator's wish; repeating it changes nothing.
    pub fn handle_desired(&mut self, desired: Desired, now: Instant) {
        let displaced = self.displaced.take();
        match (desired, self.state) {
            (Desired::Run, State::Stopped) => match displaced {
                Some(since) => {
                    let until = self.take_backs.due(since);
                    self.enter(State::Displaced { since, until }, None);
                }
                None => {
                    self.backoff.start_over();
                    self.attempt(now);
                }
            },
            (Desired::Run, _) | (Desired::Stop, State::Stopped) => {}
            (Desired::Stop, _) => {
                self.abandon(CloseReason::Stopped);
                self.backoff.start_over();
                self.enter(State::Stopped, None);
            }
        }
    }

    /// An operator started it although it is wanted already: a displaced one is taken back.
    pub fn handle_claimed(&mut self, now: Instant) {
        if matches!(self.state, State::Displaced { .. }) {
            self.backoff.start_over();
            self.attempt(now);
        }
    }

    /// It is recorded on disk that the bot is taken back.
    pub fn handle_take_back_recorded(&mut self, generation: Generation, now: Instant) {
        if self.is_news(generation) && self.take_backs.is_recording() {
            self.attempt(now);
        }
    }

    /// The connect-rate budget lets this generation start.
    pub fn handle_turn(&mut self, generation: Generation, now: Instant) {
        if self.is_news(generation) && self.state == State::Queued {
            let patience = self.timing.bootstrap + self.timing.slack;
            self.enter(State::Bootstrapping, Some(now + patience));
            self.actions.push_back(Action::Bootstrap(generation));
        }
    }

    /// The platform gave a connection URL and perhaps its settings. Returns the settings that were ignored.
    pub fn handle_bootstrapped(
        &mut self,
        generation: Generation,
        config: Option<&ClientConfig>,
        now: Instant,
    ) -> Vec<Rejected> {
        if !self.is_news(generation) || self.state != State::Bootstrapping {
            return Vec::new();
        }
        let patience = self.timing.handshake + self.timing.slack;
        self.enter(State::Dialing, Some(now + patience));
        self.actions.push_back(Action::Dial(generation));
        self.apply(config)
    }

    /// Bootstrap or dial failed, or the connection is lost; the state tells which.
    pub fn handle_setback(&mut self, generation: Generation, setback: Setback, now: Instant) {
        if !self.is_news(generation) {
            return;
        }
        match self.state {
            State::Live { .. } => {
                self.abandon(CloseReason::Lost(setback));
                self.wait(setback, now);
            }
            State::Queued | State::Bootstrapping | State::Dialing => self.wait(setback, now),
            // A second word about the same end.
            State::BackingOff { .. }
            | State::Refused { .. }
            | State::Displaced { .. }
            | State::Restarting { .. }
            | State::Stopped => {}
        }
    }

    /// The connection stands.
    pub fn handle_opened(&mut self, generation: Generation, now: Instant) {
        match self.state {
            State::Dialing if self.is_news(generation) => {
                self.enter(State::Live { since: now }, None);
                self.reconnects += u64::from(self.opened_before);
                self.opened_before = true;
            }
            // The one that lives; saying so twice does it no harm.
            State::Live { .. } if self.is_news(generation) => {}
            _ => self
                .actions
                .push_back(Action::Close(generation, CloseReason::Stale)),
        }
    }

    /// A pong came: proof of life, after which the backoff starts over. Returns the settings that were ignored.
    pub fn handle_pong(
        &mut self,
        generation: Generation,
        config: Option<&ClientConfig>,
        now: Instant,
    ) -> Vec<Rejected> {
        let State::Live { since } = self.state else {
            return Vec::new();
        };
        if !self.is_news(generation) {
            return Vec::new();
        }
        self.proved = true;
        if self.has_alarm() {
            // An alarm is over once this connection has lasted, perhaps already.
            self.deadline = Some(since + self.timing.lasting);
            self.handle_timeout(now);
        }
        self.apply(config)
    }

    /// Its own code ended too often: leave it alone until then.
    pub fn handle_spent(&mut self, until: Instant, _now: Instant) {
        // A displaced one is left alone already, and must not come back by way of this.
        if !matches!(self.state, State::Stopped | State::Displaced { .. }) {
            self.abandon(CloseReason::Restarting);
            self.enter(State::Restarting { until }, None);
        }
    }

    /// Credentials or settings changed: whatever was tried with the old ones is tried anew at once, and what
    /// they led to is forgotten.
    pub fn handle_configured(&mut self, now: Instant) {
        match self.state {
            // The attempt has not begun, and will use the new ones.
            State::Queued => self.backoff.start_over(),
            State::Bootstrapping
            | State::Dialing
            | State::Live { .. }
            | State::BackingOff { .. }
            | State::Refused { .. }
            | State::Displaced { .. } => {
                self.abandon(CloseReason::Reconfigured);
                self.backoff.start_over();
                self.attempt(now);
            }
            // New settings do not mend code that keeps ending.
            State::Stopped | State::Restarting { .. } => {}
        }
    }

    /// Another take-back policy. It also applies to a displacement that has happened already.
    pub fn handle_take_back(&mut self, policy: Option<TakeBack>) {
        self.take_backs.set_policy(policy);
        if let State::Displaced { since, .. } = self.state
            // One that is being recorded was due already.
            && !self.take_backs.is_recording()
        {
            let until = self.take_backs.due(since);
            self.state = State::Displaced { since, until };
        }
    }

    /// The time of [`poll_timeout`](Self::poll_timeout) has come; harmless when early.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|due| due > now) {
            return;
        }
        match self.state {
            State::Queued => {
                self.deadline = Some(now + self.timing.turn);
                self.actions.push_back(Action::AskTurn(self.generation));
            }
            State::Bootstrapping => {
                self.abandon(CloseReason::TimedOut);
                self.wait(Setback::TimedOut, now);
            }
            State::Dialing => {
                self.abandon(CloseReason::TimedOut);
                self.wait(Setback::HandshakeTimedOut, now);
            }
            State::BackingOff { .. } | State::Refused { .. } | State::Restarting { .. } => {
                self.attempt(now);
            }
            State::Displaced { .. } => {
                if !self.take_backs.is_recording() {
                    self.take_backs.begin(now);
                }
                self.deadline = Some(now + self.timing.turn);
                self.actions
                    .push_back(Action::RecordTakeBack(self.generation));
            }
            State::Live { .. } => {
                self.deadline = None;
                if self.has_lasted(now) {
                    self.backoff.start_over();
                }
            }
            State::Stopped => {}
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.take_backs.is_recording() {
            return self.deadline;
        }
        self.state.until().or(self.deadline)
    }

    /// What is to be done next, if anything.
    pub fn poll_action(&mut self) -> Option<Action> {
        let action = self.actions.pop_front();
        if action.is_none() {
            // A connection lives for hours without one.
            self.actions = VecDeque::new();
        }
        action
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The latest attempt's generation; 0 before the first.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The platform's settings in force; of its ping interval see [`ping_interval`](Self::ping_interval).
    #[must_use]
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Distance of pings: the platform's, or the operator's where that is shorter. Devices on the way that drop silent
    /// connections are the operator's to know.
    #[must_use]
    pub fn ping_interval(&self) -> Duration {
        self.config.ping_interval.min(self.timing.ping_interval)
    }

    /// Whether this series of attempts is longer than the platform's `ReconnectCount` grants. Only shown.
    #[must_use]
    pub fn attempts_exceeded(&self) -> bool {
        let attempts = self.backoff.attempts();
        !self.proved
            && self
                .config
                .reconnect_count
                .is_some_and(|count| attempts > count)
    }

    /// Whether its place among the open connections is kept for it, where there are places for so many only. One that
    /// lives or is being tried keeps what it has. Between two attempts only one that was connected before does, and for
    /// ten attempts.
    #[must_use]
    pub fn keeps_place(&self) -> bool {
        match self.state {
            State::Queued | State::Bootstrapping | State::Dialing | State::Live { .. } => true,
            State::BackingOff { .. } => {
                self.opened_before && self.backoff.attempts() <= PLACE_IS_KEPT_FOR
            }
            State::Stopped
            | State::Refused { .. }
            | State::Displaced { .. }
            | State::Restarting { .. } => false,
        }
    }

    /// Whether somebody should look: [`ALARM_AFTER`] attempts in a row or more failed, whatever the causes, and no
    /// connection has lasted since.
    #[must_use]
    pub fn has_alarm(&self) -> bool {
        self.failures() >= ALARM_AFTER
    }

    /// Failures in a row since a connection lasted.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.backoff.attempts()
    }

    /// How well its connections have lived, for its place among those that want to connect.
    #[must_use]
    pub fn standing(&self, now: Instant) -> Standing {
        let is_recent = |life: PastLife| now.saturating_duration_since(life.ended) < RECENTLY;
        Standing {
            life: if self.past_life.is_some_and(is_recent) {
                Life::Recent
            } else {
                Life::NotRecent
            },
            failures: self.failures(),
        }
    }

    /// How often a connection opened after an earlier one had ended.
    #[must_use]
    pub fn reconnects(&self) -> u64 {
        self.reconnects
    }

    fn is_news(&self, generation: Generation) -> bool {
        generation == self.generation
    }

    fn apply(&mut self, config: Option<&ClientConfig>) -> Vec<Rejected> {
        config.map_or_else(Vec::new, |config| self.config.apply(config))
    }

    /// Starts the next generation.
    fn attempt(&mut self, now: Instant) {
        self.generation = self.generation.next();
        self.proved = false;
        self.enter(State::Queued, Some(now + self.timing.turn));
        self.actions.push_back(Action::AskTurn(self.generation));
    }

    /// Closes what the current generation may have open.
    fn abandon(&mut self, reason: CloseReason) {
        if matches!(
            self.state,
            State::Bootstrapping | State::Dialing | State::Live { .. }
        ) {
            self.actions
                .push_back(Action::Close(self.generation, reason));
        }
    }

    /// Waits as the setback asks for.
    fn wait(&mut self, setback: Setback, now: Instant) {
        let has_lasted = self.has_lasted(now);
        if let State::Live { since } = self.state
            && has_lasted
        {
            self.backoff.start_over();
            self.past_life = Some(PastLife {
                ended: now,
                length: now.saturating_duration_since(since),
            });
        }
        let state = match setback.disposition() {
            Disposition::Retry(pace) => {
                let pace = match pace {
                    // A goodbye that comes at once is one more failure: a server that accepts and says goodbye
                    // must not make a tight loop.
                    Pace::Clean if !has_lasted => Pace::Normal,
                    pace => pace,
                };
                let delay = self.backoff.delay(pace, &self.config, now);
                State::BackingOff {
                    until: now + delay,
                    attempt: match pace {
                        Pace::Clean => 0,
                        _ => self.backoff.attempts(),
                    },
                    reason: setback,
                }
            }
            Disposition::Refuse => State::Refused {
                until: now + self.backoff.probe_delay(self.first_probe()),
                reason: setback,
            },
            Disposition::Yield => State::Displaced {
                since: now,
                until: self.take_backs.due(now),
            },
        };
        self.enter(state, None);
        if matches!(state, State::Displaced { .. }) {
            self.actions.push_back(Action::RecordDisplaced);
        }
    }

    /// How soon a refusal is doubted.
    fn first_probe(&self) -> FirstProbe {
        match self.past_life {
            Some(life) if life.length >= self.timing.long_life => FirstProbe::Early,
            _ => FirstProbe::Usual,
        }
    }

    /// Whether the live connection was worth its attempts: it answered a ping, and it lived long enough.
    /// One pong alone would let a server that answers and drops, with a nonce of 0, make a tight loop.
    fn has_lasted(&self, now: Instant) -> bool {
        match self.state {
            State::Live { since } => {
                self.proved && now.saturating_duration_since(since) >= self.timing.lasting
            }
            _ => false,
        }
    }

    fn enter(&mut self, state: State, deadline: Option<Instant>) {
        self.state = state;
        self.deadline = deadline;
        self.take_backs.end();
        // What the former state asked for and nobody has taken up yet is not wanted any more.
        self.actions
            .retain(|action| matches!(action, Action::Close(..)));
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wecom;
