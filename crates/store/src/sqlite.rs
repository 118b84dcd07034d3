//! The log in SQLite, in Diesel's query language.
//!
//! One writing connection ([`log`]) and a pool of reading ones ([`readers`]); a file for each table
//! that is written or read.

mod audit;
mod consumers;
pub(crate) mod copy;
pub(crate) mod engine;
pub(crate) mod event_index;
pub(crate) mod events;
mod failure;
pub(crate) mod file;
pub(crate) mod file_identity;
pub(crate) mod files;
mod insert_event;
mod inspection;
pub(crate) mod installations;
mod journeys;
pub(crate) mod lock;
pub(crate) mod log;
pub(crate) mod migrations;
mod number_gaps;
pub(crate) mod opening;
mod platform;
pub(crate) mod readers;
mod record;
pub(crate) mod restored;
pub(crate) mod retention;
mod schema;
mod sealed_records;
pub(crate) mod store_row;
mod tables;
pub(crate) mod timeline;
mod tokens;
mod user_authorizations;

pub(crate) use engine::{open, open_beside, open_readers};
pub(crate) use inspection::inspect;
pub(crate) use sealed_records::sealed;
