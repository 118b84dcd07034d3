//! The decisions of a long connection, as machines without I/O, clock or log.
//!
//! Each machine has a file. `handle_…` takes news and the time, `poll_action` returns what is to be done, and `poll_timeout`
//! when to call again. The owner of a machine carries out its actions, sets one timer, and decides nothing.
//!
//! ```text
//!        ConnectScheduler ── permit ──▶ Link ──▶ bootstrap, dial, close
//!                                 ▲ │
//!    Setback ── Disposition ──────┘ └──▶ Backoff
//!
//!    one connection:   Session (what is said over it, for Feishu or WeCom; it has a Window, Unrecorded, Backlog, Requests)
//!                      Heartbeat (pings and their deadlines) · Assembly (split pushes) · Upload (the steps of a file)
//!    one bot:          UnparsedBudget (how much unreadable input is stored) · TakeBacks (when a bot may be taken back)
//!                      SendQueue (the order of outgoing messages)
//!    all bots:         LoopGuard (ends a loop of replies between bots) · Occurrences (what is told of bots and the store)
//! ```
//!
//! So an hour's outage is an ordinary unit test. Every machine is deterministic: its only random numbers come from a seed.

// Unit tests may read a clock to have some instant to begin with.
#![cfg_attr(
    not(test),
    forbid(
        clippy::disallowed_macros,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )
)]
#![cfg_attr(not(test), warn(clippy::wildcard_enum_match_arm))]

pub mod assembly;
pub mod backlog;
pub mod backoff;
pub mod connect_scheduler;
pub mod connection;
pub mod connection_settings;
pub mod generation;
pub mod heartbeat;
mod jitter;
pub mod loop_guard;
pub mod news_pace;
pub mod occurrences;
pub mod requests;
pub mod send_queue;
pub mod session;
pub mod setback;
pub mod sleep;
pub mod state;
pub mod take_back;
pub mod timing;
pub mod unparsed;
pub mod unrecorded;
pub mod upload;
pub mod window;

pub use assembly::{Assembly, AssemblyLimits, DropReason, Outcome};
pub use backlog::Backlog;
pub use backoff::Backoff;
pub use connect_scheduler::{
    AttemptPriority, ConnectLimits, ConnectScheduler, NextAttempt, Stability,
};
pub use connection::{ALARM_AFTER, Action, CloseReason, Link, Renewal, RenewalEnd};
pub use connection_settings::{ConnectionSettings, IgnoredSetting};
pub use generation::Generation;
pub use heartbeat::{Heartbeat, HeartbeatAction};
pub use loop_guard::{AnsweredSender, LoopGuard, LoopLimits, LoopVerdict};
pub use news_pace::{NewsPace, NewsPlace, NewsSum};
pub use occurrences::{
    BotCondition, BotTrouble, Occurrence, OccurrenceKind, OccurrenceLimits, Occurrences,
    StoreCondition,
};
pub use requests::{Acked, GivenUp, RequestKind, RequestLimits, Requests, SubmitError};
pub use send_queue::{SendLimits, SendOutcome, SendQueue, Sending};
pub use setback::{Disposition, RetryPace, Setback, TlsFault};
pub use sleep::{Clocks, SleepWatch};
pub use state::State;
pub use timing::Timing;
pub use unparsed::{Unparsed, UnparsedBudget};
pub use unrecorded::{Flight, Unrecorded};
pub use upload::{StepOutcome, Upload, UploadAction, UploadEnd, UploadStep};
pub use window::{Released, Ticket, Window};
