//! The golden vectors, in both directions.
//!
//! `vectors/feishu-frames.json` and `vectors/feishu-events.json` say in their `about` how they
//! were made: with the official Python classes, compared with prost and the Go and Node SDKs.
//! `vectors/feishu-callbacks.json` holds requests as the official HTTP handlers take or refuse them.
//! `vectors/wecom-frames.json` holds frames as the official SDKs of WeCom read and write them.

mod answers;
mod callbacks;
mod events;
mod frames;
mod parts;
mod vectors;
mod views;
mod wecom;
