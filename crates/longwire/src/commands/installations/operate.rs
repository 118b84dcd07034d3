//! A bot gets a new secret, or is tried now, and the command says what came of it.

use std::path::Path;
use std::time::Duration;

use longwire_access::AuditAction;
use longwire_installation::{Platform, PresentSecret};
use longwire_store::{OpenError, Store};
use longwire_terminal::{escaped, say};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::change::known;
use super::new_secret;
use crate::cli::{ServerArgs, Which};
use crate::client::{Client, ask};
use crate::command_audit;
use crate::config::Loaded;
use crate::exit::{Exit, Failure};
use crate::listeners::installation_rules;

/// The server waits a minute for the platform, and some seconds for the store.
const ROTATE_LIMIT: Duration = Duration::from_secs(75);
/// The server waits 20 seconds for the end of the attempt.
const RETRY_LIMIT: Duration = Duration::from_secs(40);

/// What the server answers to a new secret.
#[derive(Deserialize)]
struct Rotated {
    outcome: String,
    #[serde(flatten)]
    bot: BotState,
    gap_ms: Option<u64>,
}

/// How a bot fares.
#[derive(Deserialize)]
struct BotState {
    state: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    reason_text: Option<String>,
    next_step: Option<String>,
    #[serde(default)]
    generation: Option<u64>,
}

/// Gives a bot a new secret, and waits until the platform has said something about it.
pub(super) fn rotate_secret(
    loaded: &Loaded,
    id_or_name: &str,
    (file, is_piped): (Option<&Path>, bool),
    server: &ServerArgs,
) -> Result<Exit, Failure> {
    let record = known(loaded, id_or_name)?;
    let name = escaped(record.name.as_str());
    let secret = new_secret(file, is_piped, record.platform)?;
    let key = match record.platform {
        Platform::Feishu | Platform::Lark => "app_secret",
        Platform::Wecom => "secret",
    };
    let body: Value = json!({ key: secret.expose_secret() });
    match Store::open(&loaded.store_settings()) {
        Ok(store) => {
            let change = installation_rules(&loaded.config)
                .read_change(&body, &record, PresentSecret::NotInUse)
                .map_err(|faults| Failure::Usage(faults.to_string()))?;
            let id = record.public_id.to_string();
            let store = command_audit::audited(&store, AuditAction::InstallationChange, &id);
            store.change_installation(record.id, change)?;
            say(format_args!(
                "{name}: the new secret is kept and used from the server's next start on; nobody has tried it yet"
            ));
            Ok(Exit::Done)
        }
        Err(OpenError::Held { .. }) => {
            let path = format!("/v1/installations/{}/rotate-secret", record.public_id);
            let client = Client::of(loaded, server)?;
            let rotated: Rotated = ask(client.post_secret_within(ROTATE_LIMIT, &path, &body))?;
            Ok(tell_rotated(&name, record.platform, &rotated))
        }
        Err(error) => Err(error.into()),
    }
}

fn tell_rotated(name: &impl std::fmt::Display, platform: Platform, rotated: &Rotated) -> Exit {
    match (rotated.outcome.as_str(), rotated.gap_ms) {
        ("proved", Some(gap_ms)) if platform == Platform::Wecom || gap_ms > 0 => say(format_args!(
            "{name}: the platform has taken the new secret; there was no connection for {gap_ms} ms"
        )),
        ("proved", _) => say(format_args!(
            "{name}: the platform has taken the new secret, and the bot was connected all the time"
        )),
        ("same", _) => say(format_args!("{name}: it has this secret already")),
        _ => {
            say(format_args!(
                "{name}: the new secret is used from now on; the bot had no connection that could prove it"
            ));
            return match rotated.bot.state.as_deref() {
                // Nobody wants it connected.
                None | Some("stopped" | "webhook") => Exit::Done,
                Some(_) => tell_state(name, &rotated.bot),
            };
        }
    }
    Exit::Done
}

/// Has the running server try a bot now.
pub(super) fn retry(loaded: &Loaded, which: &Which) -> Result<Exit, Failure> {
    let record = known(loaded, &which.installation)?;
    let path = format!("/v1/installations/{}/retry", record.public_id);
    let client = Client::of(loaded, &which.server)?;
    let bot: BotState = ask(client.post_within(RETRY_LIMIT, &path))?;
    Ok(tell_state(&escaped(record.name.as_str()), &bot))
}

/// Says how a bot fares after an attempt.
fn tell_state(name: &impl std::fmt::Display, bot: &BotState) -> Exit {
    let state = bot.state.as_deref().unwrap_or("unknown");
    if state == "live" {
        match bot.generation {
            Some(generation) => say(format_args!("{name}: live, connection {generation}")),
            None => say(format_args!("{name}: live")),
        }
        return Exit::Done;
    }
    let reason = bot.reason_text.as_deref().or(bot.reason.as_deref());
    match reason {
        Some(reason) => say(format_args!("{name}: {state}: {}", escaped(reason))),
        None => say(format_args!("{name}: {state}")),
    }
    if let Some(next_step) = &bot.next_step {
        say(format_args!("  try: {}", escaped(next_step)));
    }
    Exit::Failed
}
