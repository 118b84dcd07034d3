//! What the admin interface shows of the gateway.

use serde_json::Value;

use super::Gateway;
use crate::admin::Answer;
use crate::wait::wait_until;

impl Gateway {
    /// The overview of the fleet (`longwire_fleet::Overview`).
    #[track_caller]
    #[must_use]
    pub fn overview(&self) -> Value {
        self.admin.json("/admin/v1/overview")
    }

    /// One installation by name, with its timeline.
    #[track_caller]
    #[must_use]
    pub fn installation(&self, name: &str) -> Value {
        let path = format!("/admin/v1/installations/{}", segment(name));
        self.admin.json(&path)
    }

    /// All installations, oldest first.
    #[track_caller]
    #[must_use]
    pub fn installations(&self) -> Vec<Value> {
        let mut all = Vec::new();
        let mut path = "/admin/v1/installations?limit=500".to_owned();
        loop {
            let mut page = self.admin.json(&path);
            match page["data"].take() {
                Value::Array(data) => all.extend(data),
                other => panic!("GET {path}: a page has a list, not {other}"),
            }
            match page["next"].as_str() {
                Some(next) => path = format!("/admin/v1/installations?limit=500&after={next}"),
                None => return all,
            }
        }
    }

    /// Tells an installation to `start` or `stop`.
    #[track_caller]
    pub fn tell(&self, name: &str, verb: &str) -> Answer {
        let path = format!("/admin/v1/installations/{}/{verb}", segment(name));
        let answer = self
            .admin
            .post(&path, None)
            .unwrap_or_else(|error| panic!("POST {path}: {error}"));
        assert!(
            (200..300).contains(&answer.status),
            "POST {path}: {} {}",
            answer.status,
            answer.body
        );
        answer
    }

    /// Waits until the installation is live, and returns it.
    #[track_caller]
    pub fn wait_live(&self, name: &str) -> Value {
        wait_until(&format!("{name} is live"), || {
            let view = self.installation(name);
            if view["state"] == "live" {
                Ok(view)
            } else {
                Err(view.to_string())
            }
        })
    }

    /// Waits until `wanted` holds for the installation, and returns it.
    #[track_caller]
    pub fn wait_installation(
        &self,
        name: &str,
        what: &str,
        mut wanted: impl FnMut(&Value) -> bool,
    ) -> Value {
        wait_until(&format!("{name}: {what}"), || {
            let view = self.installation(name);
            if wanted(&view) {
                Ok(view)
            } else {
                Err(view.to_string())
            }
        })
    }

    /// Waits until `wanted` holds for the overview, and returns it.
    #[track_caller]
    pub fn wait_overview(&self, what: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        wait_until(what, || {
            let overview = self.overview();
            if wanted(&overview) {
                Ok(overview)
            } else {
                Err(overview.to_string())
            }
        })
    }

    /// The inspection of the actor at `path`; null if it does not answer.
    #[track_caller]
    #[must_use]
    pub fn inspect(&self, path: &str) -> Value {
        let target = format!("/admin/v1/actors/inspect?path={}", segment(path));
        let answer = self
            .admin
            .post(&target, None)
            .unwrap_or_else(|error| panic!("POST {target}: {error}"));
        answer.json()["words"].take()
    }
}

/// A time of the gateway's JSON, in milliseconds since 1970.
#[must_use]
pub fn time_ms(time: &Value) -> Option<i64> {
    longwire_consumer::parse_time(time.as_str()?)
}

/// A name as one segment of a path.
fn segment(name: &str) -> String {
    let mut segment = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                segment.push(char::from(byte));
            }
            _ => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}
