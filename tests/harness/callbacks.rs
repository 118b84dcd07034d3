//! HTTP callbacks in stories: the secrets of every bot, its request URL, and waiting for an answer.

use longwire_sim::{
    Control, HttpPushRecord, HttpPushState, PushId, RequestUrls, UrlCheck, UrlNotSaved,
};

use crate::app_id;
use crate::wait::wait_until;

/// The verification token of every bot that takes callbacks.
pub const VERIFICATION_TOKEN: &str = "a-token-nobody-may-print";
/// The encrypt key of every bot that takes callbacks.
pub const ENCRYPT_KEY: &str = "a-key-nobody-may-print";

/// Saves the request URL of a bot as an operator does in the console: the platform asks it for its challenge.
pub fn save_request_url(
    control: &Control,
    bot: &str,
    url: &str,
    verification_token: &str,
    encrypt_key: Option<&str>,
) -> Result<(), UrlNotSaved> {
    let urls = RequestUrls::at(url).with_secrets(verification_token, encrypt_key);
    let app = app_id(bot);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime of one thread")
        .block_on(control.save_request_urls(&app, &urls, UrlCheck::Challenge))
}

/// Waits until a push is answered as the platform demands.
#[track_caller]
pub fn wait_posted(control: &Control, push: PushId) -> HttpPushRecord {
    wait_until("the platform has its answer", || {
        let record = control.http_record(push).ok_or("no record")?;
        match record.state {
            HttpPushState::Delivered => Ok(record),
            _ => Err(format!("{record:?}")),
        }
    })
}
