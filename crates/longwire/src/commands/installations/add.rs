//! An installation is added: proven at its platform first, then kept in the store, or by the server that holds it.
//!
//! Without a server the command asks the platform itself, by the way out that the configuration says. With one the server asks.

use std::io::Write as _;
use std::time::Duration;

use longwire_access::{AuditAction, Space};
use longwire_api::{
    AddedInstallation, AskedInstallation, InstallationDocument, Observation, ProbeDocument,
};
use longwire_consumer::duration_text;
use longwire_fleet::{PROBE_DEADLINE, Probed, probe};
use longwire_installation::{Desired, Origin, Platform};
use longwire_store::{OpenError, Store};
use longwire_terminal::say;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::next_steps::{Server, next_steps};
use super::{callbacks, check_name, new_secret, proxy};
use crate::cli::{Add, Form};
use crate::client::{Client, ask};
use crate::config::Loaded;
use crate::exit::{Exit, Failure};
use crate::listeners::installation_rules;
use crate::{command_audit, gateway};

/// How long a server may take. It asks the platform first.
const ADD_LIMIT: Duration = PROBE_DEADLINE.saturating_add(Duration::from_secs(10));

/// Adds what the arguments say.
pub(super) fn add(loaded: &Loaded, wanted: &Add) -> Result<Exit, Failure> {
    let platform = platform(wanted)?;
    let request = request(wanted, platform)?;
    let (added, server) = match Store::open(&loaded.store_settings()) {
        Ok(store) => (keep(loaded, &store, wanted, &request)?, Server::Away),
        Err(OpenError::Held { .. }) => {
            let client = Client::of(loaded, &wanted.server)?;
            let path = "/admin/v1/installations";
            let added = ask(client.post_secret_within(ADD_LIMIT, path, &request))?;
            (added, Server::Runs)
        }
        Err(error) => return Err(error.into()),
    };
    let AddedInstallation {
        installation: kept,
        probe,
    } = &added;
    say(&probe.detail);
    say(next_steps(kept, server));
    super::super::tell(match wanted.output.output {
        Form::Table => writeln!(std::io::stdout(), "{}", kept.id),
        Form::Json | Form::Ndjson => writeln!(std::io::stdout(), "{}", json!(added)),
    })
}

/// Where the bot lives that is to be added: where its kind of id says, unless that is contradicted.
fn platform(wanted: &Add) -> Result<Platform, Failure> {
    let Some(named) = wanted.platform.map(Platform::from) else {
        return Ok(match wanted.bot_id {
            Some(_) => Platform::Wecom,
            None => Platform::Feishu,
        });
    };
    let is_bot = named == Platform::Wecom;
    match (is_bot, wanted.bot_id.is_some()) {
        (true, false) => Err(Failure::Usage(
            "a WeCom bot has --bot-id, not --app-id".to_owned(),
        )),
        (false, true) => Err(Failure::Usage(
            "an app of Feishu or Lark has --app-id, not --bot-id".to_owned(),
        )),
        _ => Ok(named),
    }
}

/// The installation as the server's interface and the store's rules read it.
fn request(wanted: &Add, platform: Platform) -> Result<Value, Failure> {
    let secret = new_secret(wanted.secret_file.as_deref(), wanted.secret_stdin, platform)?;
    let desired = match wanted.stopped {
        true => Desired::Stop,
        false => Desired::Run,
    };
    let secret_key = match platform {
        Platform::Feishu | Platform::Lark => "app_secret",
        Platform::Wecom => "secret",
    };
    let mut request = json!({
        "name": wanted.name,
        "platform": platform.label(),
        "app_id": wanted.app_id,
        "bot_id": wanted.bot_id,
        "base_url": wanted.base_url.as_ref().map(ToString::to_string),
        "take_back_after": wanted.take_back_after.map(duration_text),
        "take_back_per_day": wanted.take_back_per_day,
        "desired": desired.label(),
        "probe": !wanted.no_probe,
        "exclusive": wanted.exclusive,
    });
    request[secret_key] = json!(secret.expose_secret());
    if let Some(proxy) = proxy(wanted.proxy.as_deref(), wanted.proxy_file.as_deref())? {
        request["proxy"] = json!(proxy.expose_secret());
    }
    callbacks(&wanted.callbacks, &mut request)?;
    Ok(request)
}

/// Proves the bot and keeps it. No server holds the store.
fn keep(
    loaded: &Loaded,
    store: &Store,
    wanted: &Add,
    request: &Value,
) -> Result<AddedInstallation, Failure> {
    check_name(&wanted.name)?;
    let asked = installation_rules(&loaded.config)
        .read_new(request, Origin::Cli, Space::default())
        .map_err(|faults| Failure::Usage(faults.to_string()))?;
    let named = asked.new.platform;
    let probed = prove(loaded, &asked)?;
    let AskedInstallation { mut new, .. } = asked;
    new.platform = probed.platform;
    let action = AuditAction::InstallationAdd;
    let store = command_audit::audited(store, action, &wanted.name);
    let record = store.add_installation(new)?;
    Ok(AddedInstallation {
        installation: InstallationDocument::of(&record, Observation::NoServer),
        probe: ProbeDocument::of(named, probed),
    })
}

/// Asks the platform by the way out that the configuration says.
fn prove(loaded: &Loaded, asked: &AskedInstallation) -> Result<Probed, Failure> {
    let (egress, _) = gateway::egress(loaded)?;
    let asking = probe(&egress, &asked.new, asked.extent);
    actix_rt::System::new()
        .block_on(asking)
        .map_err(|error| Failure::Probe { error })
}
