//! What the gateway adds to a call of the Open API: the same call straight to the platform, in turn in one run.
//!
//! The call reads a message that the bot sent before. A bot may read 50 of them a second and 1,000 a minute, which the gateway
//! keeps to, so many bots take turns. A call beyond that is counted apart.

use std::cell::Cell;
use std::time::{Duration, Instant};

use awc::Client;
use awc::http::StatusCode;
use futures_util::future::join_all;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::figures::{ApiCalls, CallLatency};
use crate::cli::BenchRelay;
use crate::error::{BenchError, Role, StandError};
use crate::program::Program;
use crate::stand::{PlatformSettings, ProgressLine, RunVerdict, TestStand};

/// Calls at a time where their rate is measured.
const AT_A_TIME: usize = 16;
/// The gateway admits 2,000 reads a second of one token; several share the calls.
const BOTS_PER_TOKEN: u32 = 40;
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);
const TOKEN_PATH: &str = "/open-apis/auth/v3/tenant_access_token/internal";
const MESSAGES_PATH: &str = "/open-apis/im/v1/messages";

/// Who answers.
struct Side {
    role: Role,
    base_url: String,
    client: Client,
    /// A token and the path of a call for each bot.
    bots: Vec<(String, String)>,
    next: Cell<usize>,
}

/// What came of some calls.
#[derive(Default)]
struct TimedCalls {
    /// Of those that were answered with the message.
    latencies: Vec<Duration>,
    /// Beyond what a bot may call.
    refused: u64,
}

pub(super) async fn time(
    command: &BenchRelay,
    program: &Program,
    callers: u32,
    progress: &ProgressLine,
) -> Result<(ApiCalls, RunVerdict), BenchError> {
    let directory = command.ground.directory.as_deref();
    let settings = PlatformSettings::default();
    let stand = TestStand::build(program, callers.into(), directory, 0, &settings).await?;
    let mut gateway = stand.spawn(callers)?;
    stand.all_live(&mut gateway, callers).await?;
    let real = SecretString::from("no-real-secret");
    let mut straight = Side::new(Role::Platform, stand.platform.base_url.clone());
    let mut through = Side::new(Role::Gateway, gateway.api_url().await?);
    let mut token = real.clone();
    for number in 1..=callers {
        if (number - 1).is_multiple_of(BOTS_PER_TOKEN) {
            let name = format!("calls-{number}");
            token = gateway.add_token(&name, &["relay"]).await?;
        }
        let app = stand.platform.identity(number);
        let own = straight.token(&app, &real).await?;
        let message = straight.send(&own, number).await?;
        let path = format!("{MESSAGES_PATH}/{message}");
        straight.bots.push((own, path.clone()));
        through
            .bots
            .push((through.token(&app, &token).await?, path));
    }
    for side in [&straight, &through] {
        // The first call of a bot gets the platform's token for it, which holds for the others.
        for _ in 0..callers {
            side.read_one().await?;
        }
    }
    let length = Duration::from_secs(command.seconds.into());
    let mut found = ApiCalls::default();
    for round in 1..=command.rounds {
        progress.add(&format!("round {round} of {}", command.rounds));
        let mut sides = [
            (&straight, &mut found.straight),
            (&through, &mut found.through),
        ];
        if round.is_multiple_of(2) {
            sides.reverse();
        }
        for (side, found) in sides {
            let one = side.call(1, length).await?;
            let several = side.call(AT_A_TIME, length).await?;
            let refused = one.refused + several.refused;
            let answered = several.latencies.len();
            found.push(CallLatency::of(one.latencies, answered, refused, length));
        }
    }
    Ok((found, stand.verdict(gateway).await?))
}

impl Side {
    fn new(role: Role, base_url: String) -> Self {
        Self {
            role,
            base_url,
            client: Client::builder().timeout(ANSWER).finish(),
            bots: Vec::new(),
            next: Cell::new(0),
        }
    }

    /// The token for a bot's calls.
    async fn token(&self, app: &str, secret: &SecretString) -> Result<String, StandError> {
        let asked = json!({ "app_id": app, "app_secret": secret.expose_secret() });
        let answer = self.post(TOKEN_PATH, None, &asked).await?;
        self.text_at(&answer, "/tenant_access_token", TOKEN_PATH)
    }

    /// Sends a message, in a chat of the bot's own; returns its id.
    async fn send(&self, token: &str, number: u32) -> Result<String, StandError> {
        let path = format!("{MESSAGES_PATH}?receive_id_type=chat_id");
        let asked = json!({
            "receive_id": format!("oc_{number:032x}"),
            "msg_type": "text",
            "content": json!({ "text": "hello" }).to_string(),
        });
        let answer = self.post(&path, Some(token), &asked).await?;
        self.text_at(&answer, "/data/message_id", &path)
    }

    async fn post(
        &self,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Result<Value, StandError> {
        let mut request = self.client.post(format!("{}{path}", self.base_url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send_json(body).await;
        let mut answer = answer.map_err(|error| self.deaf(path, error.to_string()))?;
        let body = answer.body().await;
        let body = body.map_err(|error| self.deaf(path, error.to_string()))?;
        serde_json::from_slice(&body).map_err(|error| self.deaf(path, error.to_string()))
    }

    /// Calls for so long, so many at a time.
    async fn call(&self, at_a_time: usize, length: Duration) -> Result<TimedCalls, BenchError> {
        let until = Instant::now() + length;
        let callers = (0..at_a_time).map(async |_| -> Result<TimedCalls, StandError> {
            let mut own = TimedCalls::default();
            while Instant::now() < until {
                let began = Instant::now();
                if self.read_one().await? {
                    own.latencies.push(began.elapsed());
                } else {
                    own.refused += 1;
                }
            }
            Ok(own)
        });
        let mut all = TimedCalls::default();
        for own in join_all(callers).await {
            let mut own = own?;
            all.latencies.append(&mut own.latencies);
            all.refused += own.refused;
        }
        Ok(all)
    }

    /// Reads the message of the next bot; `false` if the bot has read too many.
    async fn read_one(&self) -> Result<bool, StandError> {
        let next = self.next.get();
        self.next.set((next + 1) % self.bots.len());
        let (token, path) = &self.bots[next];
        let request = self.client.get(format!("{}{path}", self.base_url));
        let answer = request.bearer_auth(token).send().await;
        let mut answer = answer.map_err(|error| self.deaf(path, error.to_string()))?;
        let body = answer.body().await;
        let body = body.map_err(|error| self.deaf(path, error.to_string()))?;
        if answer.status().is_success() {
            return Ok(true);
        }
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            return Ok(false);
        }
        let said = format!("{} {}", answer.status(), String::from_utf8_lossy(&body));
        Err(self.deaf(path, said))
    }

    fn text_at(&self, answer: &Value, pointer: &str, path: &str) -> Result<String, StandError> {
        let text = answer.pointer(pointer).and_then(Value::as_str);
        text.map(str::to_owned)
            .ok_or_else(|| self.deaf(path, answer.to_string()))
    }

    fn deaf(&self, path: &str, reason: String) -> StandError {
        StandError::Deaf {
            role: self.role,
            path: path.to_owned(),
            reason,
        }
    }
}
