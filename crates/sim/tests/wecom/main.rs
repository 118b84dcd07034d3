//! The WeCom double against a small client, which shares nothing with it.

mod callbacks;
mod client;
mod control_api;
mod faults;
mod heartbeat;
mod media;
mod replies;
mod subscription;
mod uploads;
