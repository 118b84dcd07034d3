//! What an application asks of WeCom over a bot's connection: requests, and files to upload.
//!
//! The actors know one message of it, [`Ask`](request::Ask). Everything else goes through the fleet's handle.

pub(crate) mod request;
pub(crate) mod upload;
mod verbs;
