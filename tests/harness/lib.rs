//! The parts of every story: a simulated platform, the real binary, and checks at its end.
//!
//! ```text
//! let sim = platform(|_| ());                              // longwire_sim in this process
//! let gateway = Setup::new(&sim).bot("a").start();         // target/<profile>/longwire, its own directory
//! gateway.wait_live("a");
//! sim.control().push(&app_id("a"), message("evt-1", "om-1"));
//! gateway.wait("the event is on disk", || gateway.recorded(1));
//! // Dropping the gateway ends it and fails the story for anything unexpected.
//! ```
//!
//! - [`platform`] starts a simulated Feishu, [`wecom_platform`] a simulated WeCom; one gateway can have bots on both.
//! - [`Setup`] writes the configuration file, [`Gateway`] is the running process, [`Admin`] is a client of its admin
//!   interface, [`Log`] reads its log, and [`wait_until`] is the only way to wait.
//! - A dropped [`Gateway`] gets SIGTERM and is checked. It must end with code 0, must not have logged an error that the
//!   story did not allow ([`Gateway::expect_error`]), and must have on disk every event that the simulator saw ACKed.
//! - Timings are short and are set in the configuration. The binary has no test mode.
//!
//! - [`Setup::start_logging_to`] writes the log to a target that stalls, breaks or is full.
//! - [`Volume`] is a file system for the store alone, which fails as a real one does ([`Setup::start_on_volume`]).
//! - [`Clock`] is a time of day for the gateway alone, which can be wrong by years ([`Setup::clock`]).
//!
//! No story waits by sleeping, and none asserts how long something took.

mod acks;
mod admin;
mod binary;
mod callbacks;
mod clock;
mod command;
mod events;
mod expectations;
mod gateway;
mod log;
mod platform;
mod process;
mod relay_feishu;
mod relay_wecom;
mod setup;
mod tap;
mod wait;
mod webhook;
mod wecom;

pub use acks::{wait_acked, wait_more_acked};
pub use admin::{Admin, Answer};
pub use callbacks::{ENCRYPT_KEY, VERIFICATION_TOKEN, save_request_url, wait_posted};
pub use clock::Clock;
pub use command::{Ended, longwire};
pub use events::{message, message_of};
pub use gateway::{Gateway, Successor, free_address, time_ms};
pub use log::Log;
pub use longwire_bench::disk::{Frozen, Volume};
pub use platform::{SECRET, absent_platform, app_id, bot_id, platform, wecom_platform};
pub use process::Signal;
pub use relay_feishu::{
    FeishuProgram, Handled, Pushed, RelaySocket, answered, bootstrap, granted_url,
};
pub use relay_wecom::{WecomClient, req_id_of, wecom_programs};
pub use setup::Setup;
pub use tap::Tap;
pub use wait::{LIMIT, until_answered, wait_until};
pub use webhook::{Delivered, Webhook, WebhookAnswer};
pub use wecom::{holder, live_wecom_bot};
