//! The commands of HTTP pushes. Only saving URLs waits for the network.

use std::time::{Duration, Instant};

use super::challenge;
use crate::control::{Control, LOOK_EVERY};
use crate::http_ledger::HttpPushRecord;
use crate::http_push::{HttpLoad, HttpPush, NoRequestUrl, RequestUrls, UrlCheck, UrlNotSaved};
use crate::push::PushId;
use crate::traffic::TrafficProgress;

impl Control {
    /// Saves the request URLs of an app in place of those it has, if each of them answers the challenge within a second.
    /// Works in any tokio runtime.
    pub async fn save_request_urls(
        &self,
        app: &str,
        urls: &RequestUrls,
        check: UrlCheck,
    ) -> Result<(), UrlNotSaved> {
        challenge::save(&self.shared, app, urls, check).await
    }

    /// Posts an event or a card callback to the request URL of the app.
    pub fn push_http(&self, app: &str, push: impl Into<HttpPush>) -> Result<PushId, NoRequestUrl> {
        let mut state = self.shared.state();
        let now = Instant::now();
        state.push_http(app, push.into(), now)
    }

    /// Starts generated HTTP traffic in place of the one that runs.
    pub fn load_http(&self, load: HttpLoad) -> Result<(), NoRequestUrl> {
        let mut state = self.shared.state();
        let now = Instant::now();
        state.start_http_load(load, now)
    }

    /// Stops it. Events already made are still delivered.
    pub fn stop_http_load(&self) {
        self.shared.state().stop_http_load();
    }

    /// The progress of generated HTTP traffic.
    pub fn http_load(&self) -> TrafficProgress {
        self.shared.state().http_load(Instant::now())
    }

    /// What happened to one HTTP push; `None` if unknown or no longer kept.
    pub fn http_record(&self, push: PushId) -> Option<HttpPushRecord> {
        self.shared.state().http_record(push)
    }

    /// What happened to the HTTP pushes of one app, or with `None` of all, in their order. Old records are dropped.
    pub fn http_records(&self, app: Option<&str>) -> Vec<HttpPushRecord> {
        self.shared.state().http_records(app)
    }

    /// The ids of delivered HTTP pushes in the order of their answers, without old card callbacks, which have none. Old
    /// records are dropped.
    pub fn http_delivered_ids(&self) -> Vec<String> {
        self.shared.state().http_delivered_ids()
    }

    /// Blocks the calling thread until `wanted` is true of the push's record. After `limit` it returns the last record.
    pub fn wait_for_http(
        &self,
        push: PushId,
        limit: Duration,
        mut wanted: impl FnMut(&HttpPushRecord) -> bool,
    ) -> Result<HttpPushRecord, Option<Box<HttpPushRecord>>> {
        let end = Instant::now() + limit;
        loop {
            let record = self.http_record(push);
            match record {
                Some(record) if wanted(&record) => return Ok(record),
                record if Instant::now() >= end => return Err(record.map(Box::new)),
                Some(_) | None => std::thread::sleep(LOOK_EVERY),
            }
        }
    }
}
