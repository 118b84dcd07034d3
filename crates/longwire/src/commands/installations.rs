//! `longwire installations`: add, list, show, start, stop, change, rotate-secret, retry, try, remove.
//!
//! What is kept is read from the store, beside a running server or without one. A change goes straight to the
//! store too, unless a server holds it: then the server is asked, so that it acts at once. How an installation fares
//! only the server knows.

mod add;
mod change;
mod list;
mod next_steps;
mod operate;
mod page;

use std::io::Write as _;
use std::path::Path;

use longwire_access::AuditAction;
use longwire_admin::document::{InstallationDetail, TimelineDocument};
use longwire_api::{InstallationDocument, Observation};
use longwire_installation::{Desired, Name, Origin, Platform, StrayCharacter};
use longwire_store::{InstallationRecord, OpenError, Reader, Store};
use longwire_terminal::{escaped, say};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::cli::{CallbackArgs, Form, Installations, Output, ServerArgs, Which};
use crate::client::{Client, ClientError, ask};
use crate::config::{Loaded, SecretRef};
use crate::exit::{Exit, Failure};
use crate::{command_audit, logs, prompt};

const TIMELINE_ENTRIES: usize = 20;

pub(crate) fn run(config: Option<&Path>, command: Installations) -> Result<Exit, Failure> {
    logs::start_for_command();
    let loaded = Loaded::read(config)?;
    match command {
        Installations::Add(wanted) => add::add(&loaded, &wanted),
        Installations::List(wanted) => list::run(&loaded, &wanted),
        Installations::Show {
            installation,
            output,
            server,
        } => show(&loaded, &installation, output, &server),
        Installations::Start(which) => set_desired(&loaded, &which, Desired::Run),
        Installations::Stop(which) => set_desired(&loaded, &which, Desired::Stop),
        Installations::Set(wanted) => change::set(&loaded, &wanted),
        Installations::TrySecret(which) => change::try_secret(&loaded, &which),
        Installations::RotateSecret {
            installation,
            secret_stdin,
            secret_file,
            server,
        } => {
            let secret = (secret_file.as_deref(), secret_stdin);
            operate::rotate_secret(&loaded, &installation, secret, &server)
        }
        Installations::Retry(which) => operate::retry(&loaded, &which),
        Installations::Rename {
            installation,
            name,
            server,
        } => change::rename(&loaded, &installation, &name, &server),
        Installations::Remove {
            installation,
            yes,
            server,
        } => change::remove(&loaded, &installation, yes, &server),
    }
}

/// The proxy that was given, as an argument or in a file.
fn proxy(given: Option<&str>, file: Option<&Path>) -> Result<Option<SecretString>, Failure> {
    if given.is_some_and(|proxy| proxy.contains('@')) {
        return Err(Failure::Usage(
            "a proxy's password is no argument; use --proxy-file".to_owned(),
        ));
    }
    Ok(match file {
        Some(file) => Some(SecretRef::File(file.to_owned()).resolve(Path::new(""))?),
        None => given.map(SecretString::from),
    })
}

/// The mode and the secrets of callbacks that were given, as members of a request.
fn callbacks(given: &CallbackArgs, request: &mut Value) -> Result<(), Failure> {
    if let Some(mode) = given.mode {
        request["mode"] = json!(mode.label());
    }
    for (name, file) in [
        ("verification_token", &given.verification_token_file),
        ("encrypt_key", &given.encrypt_key_file),
    ] {
        if let Some(file) = file {
            let secret = SecretRef::File(file.clone()).resolve_secret(Path::new(""))?;
            request[name] = json!(secret.expose_secret());
        }
    }
    Ok(())
}

/// A name that is none fails as it does where a server answers: the command was understood.
fn check_name(name: &str) -> Result<(), Failure> {
    let checked = name.parse::<Name>().map(drop);
    let name = name.to_owned();
    checked.map_err(|source| Failure::Name { name, source })
}

/// A secret out of a file, from standard input, or typed.
fn new_secret(
    file: Option<&Path>,
    is_piped: bool,
    platform: Platform,
) -> Result<SecretString, Failure> {
    let owner = match platform {
        Platform::Feishu | Platform::Lark => "app",
        Platform::Wecom => "bot",
    };
    let secret = match file {
        Some(file) => SecretRef::File(file.to_owned()).resolve_secret(Path::new(""))?,
        None if is_piped => {
            prompt::from_stdin().map_err(Failure::io("read the secret from standard input"))?
        }
        None => prompt::ask(&format!("{owner} secret"))
            .map_err(|error| Failure::Usage(error.to_string()))?,
    };
    if secret.expose_secret().trim().is_empty() {
        return Err(Failure::Usage(format!("the {owner}'s secret is empty")));
    }
    if let Some(stray) = StrayCharacter::in_text(secret.expose_secret()) {
        return Err(Failure::Usage(format!("the {owner}'s secret {stray}")));
    }
    Ok(secret)
}

/// The installation as the server sees it; as the store has it where no server answers or knows it. Any other answer is said.
async fn observed(
    client: Result<Client, ClientError>,
    record: &InstallationRecord,
) -> InstallationDocument {
    let path = format!("/admin/v1/installations/{}", record.public_id);
    let detail = match client {
        Ok(client) => client.get::<InstallationDetail>(&path, &[]).await,
        Err(error) => Err(error),
    };
    match detail {
        Ok(detail) => return detail.installation,
        Err(
            error @ (ClientError::Refused {
                status: 401 | 403, ..
            }
            | ClientError::Plain { .. }
            | ClientError::Token(_)
            | ClientError::Unreadable { .. }),
        ) => say(error.to_string()),
        Err(ClientError::Unreachable { .. } | ClientError::Refused { .. }) => {}
    }
    InstallationDocument::of(record, Observation::NoServer)
}

fn show(
    loaded: &Loaded,
    id_or_name: &str,
    output: Output,
    server: &ServerArgs,
) -> Result<Exit, Failure> {
    let reader = Reader::open(&loaded.store_settings())?;
    let record = super::installation(&reader, id_or_name)?;
    let timeline = reader.timeline(record.id, TIMELINE_ENTRIES)?;
    let installation = ask(async { Ok(observed(Client::of(loaded, server), &record).await) })?;
    let mut out = std::io::stdout().lock();
    if output.output != Form::Table {
        let detail = InstallationDetail {
            installation,
            timeline: timeline.iter().map(TimelineDocument::from).collect(),
        };
        return super::tell(writeln!(out, "{}", json!(detail)));
    }
    super::tell(write!(
        out,
        "{}",
        page::detail(&record, &installation, &timeline)
    ))
}

fn set_desired(loaded: &Loaded, which: &Which, desired: Desired) -> Result<Exit, Failure> {
    let id_or_name = &which.installation;
    let (verb, done, action) = match desired {
        Desired::Run => ("start", "wanted connected", AuditAction::InstallationStart),
        Desired::Stop => ("stop", "wanted stopped", AuditAction::InstallationStop),
    };
    let (record, done) = match Store::open(&loaded.store_settings()) {
        Ok(store) => {
            let record = super::installation(store.reader(), id_or_name)?;
            let id = record.public_id.to_string();
            command_audit::audited(&store, action, &id).set_desired(record.id, desired)?;
            (record, format!("{done} from the server's next start on"))
        }
        Err(OpenError::Held { .. }) => {
            // The id, since a name may hold characters that mean something in a path.
            let reader = Reader::open(&loaded.store_settings())?;
            let record = super::installation(&reader, id_or_name)?;
            let path = format!("/admin/v1/installations/{}/{verb}", record.public_id);
            ask(Client::of(loaded, &which.server)?.post::<InstallationDocument>(&path))?;
            (record, format!("{done}; the running server acts on it"))
        }
        Err(error) => return Err(error.into()),
    };
    say(format_args!("{}: {done}", escaped(record.name.as_str())));
    if record.origin == Origin::File {
        say(match desired {
            Desired::Run => {
                "the configuration file declares it; if the file says `enabled = false`, the start holds over restarts and reloads"
            }
            Desired::Stop => {
                "the configuration file declares it; the stop holds over restarts and reloads, until it is started or `enabled` \
                 is changed in the file"
            }
        });
    }
    Ok(Exit::Done)
}
