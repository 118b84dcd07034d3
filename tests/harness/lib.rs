//! What every story needs: a simulated platform, the real binary, and a judge that looks on.
//!
//! ```text
//! let sim = platform(|_| ());                              // longwire_sim in this process
//! let gateway = Setup::new(&sim).bot("a").start();         // target/<profile>/longwire, its own directory
//! gateway.wait_live("a");
//! sim.control().push(&app_id("a"), message("evt-1", "om-1"));
//! gateway.wait("the event is on disk", || gateway.recorded(1));
//! // Dropping the gateway ends it and complains of what nobody expected.
//! ```
//!
//! - [`platform`] is a Feishu, [`wecom_platform`] a WeCom; one gateway can have bots on both.
//! - [`Setup`] says what the configuration file holds, [`Gateway`] is the running process, [`Admin`] its operator's
//!   interface, [`Log`] what it said, [`wait_until`] the only way to wait.
//! - A dropped [`Gateway`] gets SIGTERM and is judged: it has to end with code 0, to have logged no error that the
//!   story did not announce ([`Gateway::expect_error`]), and to have on disk every event the simulator saw ACKed.
//! - Timings are short, and they are the configuration's own: nothing in the binary knows that it is watched.
//!
//! - [`Setup::start_logging_to`] gives the log to something that stalls, breaks or is full.
//! - [`Volume`] is a file system for the store alone, whose troubles are real ones ([`Setup::start_on_volume`]).
//! - [`Clock`] is a time of day for the gateway alone, which can be wrong by years ([`Setup::clock`]).
//!
//! No story sleeps to wait, and none asserts how long something took.

mod admin;
mod binary;
mod clock;
mod command;
mod events;
mod gateway;
mod judge;
mod log;
mod platform;
mod process;
mod setup;
mod wait;
mod wecom;

pub use admin::{Admin, Answer};
pub use clock::Clock;
pub use command::{Ended, longwire};
pub use events::{message, message_of};
pub use gateway::Gateway;
pub use log::Log;
pub use longwire_bench::disk::{Frozen, Volume};
pub use platform::{SECRET, absent_platform, app_id, bot_id, platform, wecom_platform};
pub use process::Signal;
pub use setup::Setup;
pub use wait::{LIMIT, until_answered, wait_until};
pub use wecom::{holder, live_wecom_bot};
