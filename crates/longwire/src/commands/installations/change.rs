//! Installations are changed and removed: in the store, or by the server that holds it.

use std::time::Duration;

use longwire_access::AuditAction;
use longwire_consumer::duration_text;
use longwire_installation::{Platform, PresentSecret};
use longwire_store::{InstallationRecord, OpenError, Reader, Store};
use longwire_terminal::{escaped, say};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{callbacks, check_name, new_secret, proxy};
use crate::cli::{ServerArgs, Set, Which};
use crate::client::{Client, ask};
use crate::config::Loaded;
use crate::exit::{Exit, Failure};
use crate::listeners::installation_rules;
use crate::{command_audit, prompt};

/// What the server answers to a change, as far as it is told.
#[derive(Deserialize)]
struct Changed {
    candidate: Option<Candidate>,
}

#[derive(Deserialize)]
struct Candidate {
    state: String,
}

/// What the server answers to a try that went well.
#[derive(Deserialize)]
struct Tried {
    generation: u64,
    gap_ms: u64,
}

/// The server answers within a minute, and waits some seconds for a secret that was set just now.
const TRY_LIMIT: Duration = Duration::from_secs(75);

/// Changes what the arguments say.
pub(super) fn set(loaded: &Loaded, wanted: &Set) -> Result<Exit, Failure> {
    let record = known(loaded, &wanted.installation)?;
    let patch = patch_of(wanted, record.platform)?;
    if patch.as_object().is_none_or(serde_json::Map::is_empty) {
        return Err(Failure::Usage(
            "nothing to change; `longwire installations set --help` says what there is".to_owned(),
        ));
    }
    change(loaded, &record, &patch, &wanted.server)
}

pub(super) fn rename(
    loaded: &Loaded,
    id_or_name: &str,
    name: &str,
    server: &ServerArgs,
) -> Result<Exit, Failure> {
    check_name(name)?;
    let record = known(loaded, id_or_name)?;
    change(loaded, &record, &json!({"name": name}), server)
}

/// Has the running server try the new secret that waits.
pub(super) fn try_secret(loaded: &Loaded, which: &Which) -> Result<Exit, Failure> {
    let record = known(loaded, &which.installation)?;
    let path = format!("/v1/installations/{}/try-secret", record.public_id);
    let client = Client::of(loaded, &which.server)?;
    let Tried { generation, gap_ms } = ask(client.post_within(TRY_LIMIT, &path))?;
    say(format_args!(
        "{}: the new secret is used from now on, by connection {generation}; there was no connection for {gap_ms} ms",
        escaped(record.name.as_str())
    ));
    Ok(Exit::Done)
}

/// Beside a server, too: what is kept is read by whoever may.
pub(super) fn known(loaded: &Loaded, id_or_name: &str) -> Result<InstallationRecord, Failure> {
    let reader = Reader::open(&loaded.store_settings())?;
    super::super::installation(&reader, id_or_name)
}

/// The arguments as a merge patch.
fn patch_of(wanted: &Set, platform: Platform) -> Result<Value, Failure> {
    let mut patch = json!({});
    if wanted.secret || wanted.secret_stdin || wanted.secret_file.is_some() {
        let file = wanted.secret_file.as_deref();
        let secret = new_secret(file, wanted.secret_stdin, platform)?;
        let key = match platform {
            Platform::Feishu | Platform::Lark => "app_secret",
            Platform::Wecom => "secret",
        };
        patch[key] = json!(secret.expose_secret());
    }
    callbacks(&wanted.callbacks, &mut patch)?;
    if let Some(base_url) = &wanted.base_url {
        patch["base_url"] = json!(base_url.as_str());
    }
    if let Some(proxy) = proxy(wanted.proxy.as_deref(), wanted.proxy_file.as_deref())? {
        patch["proxy"] = json!(proxy.expose_secret());
    }
    if let Some(after) = wanted.take_back_after {
        patch["take_back_after"] = json!(duration_text(after));
    }
    if let Some(per_day) = wanted.take_back_per_day {
        patch["take_back_per_day"] = json!(per_day);
    }
    for (is_cleared, names) in [
        (wanted.no_verification_token, &["verification_token"][..]),
        (wanted.no_encrypt_key, &["encrypt_key"]),
        (wanted.no_base_url, &["base_url"]),
        (wanted.no_proxy, &["proxy"]),
        (
            wanted.no_take_back,
            &["take_back_after", "take_back_per_day"],
        ),
    ] {
        for name in names.iter().filter(|_| is_cleared) {
            patch[name] = Value::Null;
        }
    }
    Ok(patch)
}

fn change(
    loaded: &Loaded,
    record: &InstallationRecord,
    patch: &Value,
    server: &ServerArgs,
) -> Result<Exit, Failure> {
    let name = escaped(record.name.as_str());
    match Store::open(&loaded.store_settings()) {
        Ok(store) => {
            // Nobody runs the bot, so a new secret ends no connection.
            let change = installation_rules(&loaded.config)
                .read_change(patch, record, PresentSecret::NotInUse)
                .map_err(|faults| Failure::Usage(faults.to_string()))?;
            let id = record.public_id.to_string();
            let store = command_audit::audited(&store, AuditAction::InstallationChange, &id);
            store.change_installation(record.id, change)?;
            say(format_args!(
                "{name}: changed from the server's next start on"
            ));
        }
        Err(OpenError::Held { .. }) => {
            // The id, since a name may hold characters that mean something in a path.
            let path = format!("/v1/installations/{}", record.public_id);
            let client = Client::of(loaded, server)?;
            let changed: Changed = ask(client.patch_secret(&path, patch))?;
            say(format_args!(
                "{name}: changed; the running server acts on it"
            ));
            let waits = |candidate: Candidate| candidate.state == "waiting";
            if changed.candidate.is_some_and(waits) {
                say(match record.platform {
                    Platform::Feishu | Platform::Lark => {
                        "the new secret waits until the platform has taken it, and the present one is used meanwhile; \
                         `longwire installations show` says what came of it"
                    }
                    Platform::Wecom => {
                        "the new secret waits, and the present one is used meanwhile; a connected bot tries it with \
                         `longwire installations try-secret`"
                    }
                });
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Exit::Done)
}

pub(super) fn remove(
    loaded: &Loaded,
    id_or_name: &str,
    is_sure: bool,
    server: &ServerArgs,
) -> Result<Exit, Failure> {
    let record = known(loaded, id_or_name)?;
    let name = escaped(record.name.as_str()).to_string();
    if !is_sure {
        let question = format!(
            "What goes: its connection, its secrets, what people authorized, its name. What stays under {}: its events, until \
             retention takes them, and its entries in the audit. The same bot added again is another installation.\n\
             remove {name}?",
            record.public_id
        );
        let answer = prompt::confirm(&question);
        if !answer.map_err(|error| Failure::Usage(error.to_string()))? {
            say("nothing was removed");
            return Ok(Exit::Done);
        }
    }
    match Store::open(&loaded.store_settings()) {
        Ok(store) => {
            let id = record.public_id.to_string();
            let store = command_audit::audited(&store, AuditAction::InstallationRemove, &id);
            store.remove_installation(record.id)?;
        }
        Err(OpenError::Held { .. }) => {
            let path = format!("/v1/installations/{}", record.public_id);
            ask(Client::of(loaded, server)?.delete(&path))?;
        }
        Err(error) => return Err(error.into()),
    }
    say(format_args!(
        "{name}: removed; its events stay under {}",
        record.public_id
    ));
    Ok(Exit::Done)
}
