//! The simulated WeCom platform with a small client, which shares no code with it.

mod callbacks;
mod client;
mod control_api;
mod faults;
mod heartbeat;
mod media;
mod replies;
mod subscription;
mod uploads;
