//! `longwire listen`: reads the event log along and prints each event, one JSON object a line; with `--forward-to` each is posted
//! to a program as well, signed like a delivery.
//!
//! It has no position in the log and takes no event from any consumer. When the server restarts it goes on behind the last event
//! that it had.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longwire_terminal::{escaped, say};
use longwire_wire::webhook::{WebhookSecret, WebhookSecrets};
use url::Url;

use crate::cli::Listen;
use crate::client::{Client, ClientError, EventStream, ask};
use crate::config::Loaded;
use crate::exit::{Exit, Failure};
use crate::logs;

/// How soon a server that went away is asked again.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a program may take to answer, as long as an endpoint may.
const FORWARD_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) fn run(config: Option<&Path>, wanted: &Listen) -> Result<Exit, Failure> {
    logs::start_for_command();
    let loaded = Loaded::read(config)?;
    let client = Client::of(&loaded, &wanted.server)?;
    let forward = wanted.forward_to.clone().map(Forward::new);
    if let Some(forward) = &forward {
        say(format_args!(
            "events are posted to {} and signed with the secret {}",
            forward.url,
            forward.secrets.newest().expose().as_str()
        ));
    }
    ask(async {
        let mut last = None;
        let mut stream = client.stream(&query(wanted), None).await?;
        say(format_args!(
            "listening; events are read along and taken from nobody"
        ));
        loop {
            match read(&mut stream, &mut last, forward.as_ref()).await {
                End::Output => return Ok(()),
                End::Server => {}
            }
            stream = again(&client, wanted, last.as_deref()).await?;
        }
    })?;
    Ok(Exit::Done)
}

fn query(wanted: &Listen) -> Vec<(&str, &str)> {
    let types = wanted.types.iter();
    types.map(|one| ("type", one.as_str())).collect()
}

/// Waits for the server and goes on behind the last event.
async fn again(
    client: &Client,
    wanted: &Listen,
    last: Option<&str>,
) -> Result<EventStream, ClientError> {
    loop {
        tokio::time::sleep(AGAIN).await;
        match client.stream(&query(wanted), last).await {
            Err(ClientError::Unreachable { .. }) => {}
            Ok(stream) => return Ok(stream),
            Err(error) => return Err(error),
        }
    }
}

/// Why a stream is read no longer.
enum End {
    /// Who reads our output has seen enough.
    Output,
    /// The server ended it.
    Server,
}

async fn read(
    stream: &mut EventStream,
    last: &mut Option<String>,
    forward: Option<&Forward>,
) -> End {
    while let Some((id, envelope)) = stream.next().await {
        if id.is_empty() {
            continue;
        }
        if writeln!(std::io::stdout(), "{envelope}").is_err() {
            return End::Output;
        }
        if let Some(forward) = forward {
            forward.post(&id, &envelope).await;
        }
        *last = Some(id);
    }
    End::Server
}

/// A program that gets each event.
struct Forward {
    url: Url,
    secrets: WebhookSecrets,
    http: awc::Client,
}

impl Forward {
    fn new(url: Url) -> Self {
        Self {
            url,
            secrets: WebhookSecrets::new(WebhookSecret::generate(rand::random())),
            http: awc::Client::builder()
                .timeout(FORWARD_TIMEOUT)
                .disable_redirects()
                .finish(),
        }
    }

    /// Posts it once, and says what came of it.
    async fn post(&self, id: &str, envelope: &str) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_s = since.map_or(0, |since| since.as_secs());
        let timestamp = now_s.to_string();
        let mut signature = String::new();
        let now_s = i64::try_from(now_s).unwrap_or(i64::MAX);
        let body = [envelope.as_bytes()];
        self.secrets
            .sign(id, now_s, &timestamp, &body, &mut signature);
        let request = self
            .http
            .post(self.url.as_str())
            .content_type("application/cloudevents+json")
            .insert_header(("webhook-id", id))
            .insert_header(("webhook-timestamp", timestamp))
            .insert_header(("webhook-signature", signature));
        match request.send_body(envelope.to_owned()).await {
            Ok(answer) => say(format_args!("{id}: {}", answer.status())),
            Err(error) => say(format_args!("{id}: {}", escaped(&error.to_string()))),
        }
    }
}
