//! The show of `longwire demo`: simulated platforms with traffic and trouble, a picture of it, and a verdict.
//!
//! ```text
//! Feishu ──events──▶ gateway ──▶ store       one link dropped, one left half-open, over and over
//!    ▲                │ ▲ ▲ │
//!    └─ACKs, replies──┘ │ │ └──events──▶ application, which replies to some messages
//!                       │ └──events, replies── WeCom
//!                       └─ replies             the platforms' counters against the store, and the store
//!                                              against what the application received: the verdict
//! ```
//! The binary owns the gateway; the show asks it through [`ShownGateway`] and reads its log. Only
//! two things of it are hurried, as [`DemoStage`] says: pings go out every few seconds instead of every two minutes (Feishu)
//! or half a minute (WeCom), and Feishu repeats an event after seconds instead of minutes.

mod account;
mod application;
mod perform;
mod platform;
mod sdk;
mod show;
mod shown;
mod stage;
mod summary;
mod verdict;

pub use application::DemoApplication;
pub use perform::{perform, settle};
pub use platform::PING_INTERVAL;
pub use sdk::{DemoSdk, SDK_BOT};
pub use shown::{ShownBot, ShownGateway, ShownLatency, ShownOverview};
pub use stage::{DemoBot, DemoStage, PONG_GRACE, SECRET_FILE};
pub use verdict::DemoVerdict;
