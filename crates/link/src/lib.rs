//! The decisions of a long connection, as machines without I/O, clock or log.
//!
//! One file, one machine. Inputs are calls named `handle_…` that bring news and `now`; what is to be done
//! comes out of `poll_action`, and when the machine wants to be woken, out of `poll_timeout`. Whoever owns
//! a machine carries out its actions and sets one timer; nothing is decided outside.
//!
//! ```text
//!            Turns ── may I? ──▶ Link ──▶ bootstrap, dial, close
//!                                 ▲ │
//!    Setback ── Disposition ──────┘ └──▶ Backoff
//!
//!    one connection:   Session (what is said over it: Feishu, Wecom), made of Window (what awaits our answer),
//!                      Unrecorded (what awaits the store), Backlog (how far it is behind) and Requests (what awaits
//!                      the platform's answer) · Heartbeat (does it live?) · Assembly (split pushes)
//!                      Upload (a file, step by step)
//!    one bot:          UnparsedBudget (what is kept of what cannot be read)
//! ```
//!
//! An hour's outage is therefore an ordinary unit test, and every machine is deterministic: its only
//! chance comes from a seed.

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
pub mod config;
pub mod connect_scheduler;
pub mod connection;
pub mod generation;
pub mod heartbeat;
mod jitter;
pub mod requests;
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
pub use config::{Rejected, ServerConfig};
pub use connect_scheduler::{Life, NextTurn, Standing, TurnLimits, Turns};
pub use connection::{ALARM_AFTER, Action, CloseReason, Link};
pub use generation::Generation;
pub use heartbeat::{Heartbeat, HeartbeatAction};
pub use requests::{Acked, GivenUp, RequestKind, RequestLimits, Requests, SubmitError};
pub use setback::{Disposition, Pace, Setback, TlsFault};
pub use sleep::{Clocks, SleepWatch};
pub use state::State;
pub use timing::Timing;
pub use unparsed::{Unparsed, UnparsedBudget};
pub use unrecorded::{Flight, Unrecorded};
pub use upload::{StepOutcome, Upload, UploadAction, UploadEnd, UploadStep};
pub use window::{Released, Ticket, Window};
