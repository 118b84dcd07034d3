//! Sends the probes of a check, one after the other.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use longwire_egress::endpoint::{EndpointClient, HeaderLines, PostLimits};
use longwire_wire::webhook::{
    ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookSecret, WebhookSecrets,
};

use crate::judge;
use crate::probe::{FURTHER, Outcome, Probe};
use crate::report::{CheckReport, CheckedAspect};

/// How old the sample is that has to be refused, in seconds. The specification tolerates five minutes.
const OLD_S: i64 = 3600;

/// A check of one endpoint.
#[derive(Debug)]
pub struct EndpointCheck {
    /// The secret that the endpoint knows.
    pub secret: WebhookSecret,
    /// The body to post; a small event of the type `longwire.endpoint.check` if there is none.
    pub sample: Option<Vec<u8>>,
    /// Whether the endpoint should answer 410, after which nothing more is delivered to it.
    pub expect_gone: bool,
    /// Whether the address is `https`.
    pub is_secure: bool,
    /// Whether a proxy on the way looks the host's name up, so that only the name is checked.
    pub is_checked_by_name: bool,
    /// What each post may take.
    pub limits: PostLimits,
}

impl EndpointCheck {
    /// Posts the probes to `client`'s endpoint and judges the outcomes. After a sample that has no good answer nothing
    /// more is sent.
    pub async fn run(&self, client: &EndpointClient) -> CheckReport {
        let began_ns = since_1970().as_nanos();
        let id = |number: usize| format!("evt_check_{began_ns:x}_{number}");
        let mut outcomes = vec![self.post(client, Probe::Signed, &id(0)).await];
        let is_taken = matches!(&outcomes[0].result, Ok(answer) if answer.is_success());
        if is_taken && !self.expect_gone {
            for (index, probe) in FURTHER.into_iter().enumerate() {
                let number = if probe == Probe::Repeat { 0 } else { index };
                outcomes.push(self.post(client, probe, &id(number)).await);
            }
        }
        let mut report = judge::judge(&outcomes, self.expect_gone, self.is_secure);
        if self.is_checked_by_name {
            report.advise(
                CheckedAspect::Address,
                "a proxy looks the name up, so only the name was checked",
                "let the proxy refuse addresses that applications must not reach: webhooks.allow_networks does not see them",
            );
        }
        report
    }

    async fn post(&self, client: &EndpointClient, probe: Probe, id: &str) -> Outcome {
        let now_s = i64::try_from(since_1970().as_secs()).unwrap_or(i64::MAX);
        let at_s = match probe {
            Probe::OldTimestamp => now_s - OLD_S,
            _ => now_s,
        };
        let secret = match probe {
            // Anybody could have this one.
            Probe::WrongSignature => WebhookSecret::generate([0x5a; 32]),
            _ => self.secret.clone(),
        };
        let own;
        let body = match &self.sample {
            Some(sample) => sample.as_slice(),
            None => {
                own = sample(id);
                own.as_bytes()
            }
        };
        let (timestamp, mut signature) = (at_s.to_string(), String::new());
        WebhookSecrets::new(secret).sign(id, at_s, &timestamp, &[body], &mut signature);
        let mut headers = HeaderLines::default();
        let mut lines = vec![(ID_HEADER, id), (TIMESTAMP_HEADER, &timestamp)];
        if probe != Probe::NoSignature {
            lines.push((SIGNATURE_HEADER, &signature));
        }
        for (name, value) in lines {
            let pushed = headers.push(name, value);
            pushed.expect("ids, numbers and base64 have no control character");
        }
        let began = Instant::now();
        let result = client.post(&headers, &[body], self.limits).await;
        Outcome {
            probe,
            result: result.map(Into::into),
            took: began.elapsed(),
        }
    }
}

fn since_1970() -> std::time::Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
}

/// An event that means nothing to any application.
fn sample(id: &str) -> String {
    serde_json::json!({
        "specversion": "1.0",
        "id": id,
        "source": "/check-endpoint",
        "type": "longwire.endpoint.check",
        "data": {"kind": "check", "text": "Is this endpoint ready for events?"},
    })
    .to_string()
}
