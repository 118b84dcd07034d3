//! Whether this host's clock agrees with that of the platforms, by the `Date` of an answer over HTTP.
//!
//! A clock that is off makes certificates invalid, refuses callbacks as too old, and puts wrong times beside events.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use awc::http::header::HttpDate;
use longwire_egress::{Egress, HttpLimits};
use url::Url;

use super::findings::Findings;

const DEADLINE: Duration = Duration::from_secs(5);
/// A page of the platform may be long, and only its headers are wanted.
const MAX_BODY_BYTES: usize = 4 << 20;
/// A `Date` has whole seconds, and the answer took some. A minute is what clocks that are kept by the network never reach.
const TOLERATED: Duration = Duration::from_secs(60);

/// Asks each of these hosts once. Those that do not answer are told of where a connection is tried.
pub(super) async fn tell(ways: &[(Url, Egress)], findings: &mut Findings) {
    let mut asked = BTreeSet::new();
    for (base, way) in ways {
        let Some(url) = root(base) else {
            continue;
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        if !asked.insert(url.to_string()) {
            continue;
        }
        let limits = HttpLimits {
            deadline: DEADLINE,
            max_body: MAX_BODY_BYTES,
        };
        let Ok(answer) = way.get(&url, &[], limits).await else {
            continue;
        };
        let mut headers = answer.headers.iter();
        let date = headers.find(|(name, _)| name == "date");
        let Some((_, date)) = date else {
            continue;
        };
        judge(&host, date, SystemTime::now(), findings);
    }
}

/// The first page of a host. A WebSocket's host is asked over HTTP.
fn root(base: &Url) -> Option<Url> {
    let mut text = base.join("/").ok()?.to_string();
    if let Some(rest) = text.strip_prefix("ws") {
        text = format!("http{rest}");
    }
    text.parse().ok()
}

fn judge(host: &str, date: &str, now: SystemTime, findings: &mut Findings) {
    match skew(date, now) {
        None => {}
        Some(skew) if skew <= TOLERATED => {
            findings.good("clock", format!("agrees with {host}"));
        }
        Some(skew) => findings.bad(
            "clock",
            format!(
                "{} s away from the time that {host} has, which is {date}",
                skew.as_secs()
            ),
            "set this host's clock and keep it by the network: `timedatectl set-ntp true`",
        ),
    }
}

/// How far the clock is from this `Date`, before or behind. `None` if it is none.
fn skew(date: &str, now: SystemTime) -> Option<Duration> {
    let date: HttpDate = date.parse().ok()?;
    let theirs = SystemTime::from(date);
    now.duration_since(theirs)
        .or_else(|_| theirs.duration_since(now))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_off_in_both_directions() {
        // RFC 9110, section 5.6.7.
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let theirs = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (now, expected) in [
            (theirs, Some(0)),
            (theirs + Duration::from_secs(90), Some(90)),
            (theirs - Duration::from_secs(90), Some(90)),
        ] {
            assert_eq!(skew(date, now).map(|skew| skew.as_secs()), expected);
        }
        assert_eq!(skew("yesterday", theirs), None);
    }

    #[test]
    fn a_websockets_host_is_asked_over_http() {
        for (base, asked) in [
            ("https://open.feishu.cn", "https://open.feishu.cn/"),
            (
                "wss://openws.work.weixin.qq.com/x",
                "https://openws.work.weixin.qq.com/",
            ),
            ("ws://127.0.0.1:1", "http://127.0.0.1:1/"),
        ] {
            let base = Url::parse(base).expect("a url");
            assert_eq!(root(&base).expect("a url").as_str(), asked);
        }
    }
}
