//! `longwire secrets`: the key that seals the secrets in the store.
//!
//! A running server holds the store, and renews the key itself. Without one the command does it.

use std::path::Path;

use longwire_access::AuditAction;
use longwire_admin::document::RotatedKeysDocument;
use longwire_store::{OpenError, Store};
use longwire_terminal::say;

use crate::cli::Secrets;
use crate::client::{Client, ask};
use crate::config::Loaded;
use crate::exit::{Exit, Failure};
use crate::{command_audit, logs};

pub(crate) fn run(config: Option<&Path>, command: &Secrets) -> Result<Exit, Failure> {
    logs::start_for_command();
    let loaded = Loaded::read(config)?;
    let Secrets::Rotate { server } = command;
    let settings = loaded.store_settings();
    let rotated = match Store::open(&settings) {
        Ok(store) => {
            let store = command_audit::audited(&store, AuditAction::KeysRotate, "");
            RotatedKeysDocument::from(&store.rotate_keys()?)
        }
        Err(OpenError::Held { .. }) => {
            ask(Client::of(&loaded, server)?.post("/admin/v1/secrets/rotate"))?
        }
        Err(error) => return Err(error.into()),
    };
    let RotatedKeysDocument {
        key_id,
        secrets,
        former_keys,
    } = rotated;
    say(format_args!(
        "secrets sealed with the new key {key_id}: {secrets}; keep a copy of the key file elsewhere"
    ));
    if former_keys > 0 {
        say(format_args!(
            "the key file could not be written a second time and still has {former_keys} former keys; rotate again when it can"
        ));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}
