//! Files with a secret that everybody on this host may read.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::findings::Findings;
use crate::config::{InstallationSection, Loaded, ProxySetting, SecretRef};

/// Everybody's permissions. Those of a file's group may be meant.
const EVERYBODY: u32 = 0o007;

/// Tells of each such file that the configuration names.
pub(super) fn tell(loaded: &Loaded, findings: &mut Findings) {
    let config = &loaded.config;
    if let Some(ProxySetting::Secret(reference)) = &config.proxy.url {
        exposed("everybody's proxy", reference, loaded, findings);
    }
    for section in &config.installations {
        let name = section.name.as_str();
        for reference in references(section) {
            exposed(name, reference, loaded, findings);
        }
    }
}

/// Every reference of an installation to a secret.
fn references(section: &InstallationSection) -> impl Iterator<Item = &SecretRef> {
    let proxy = match &section.proxy {
        Some(ProxySetting::Secret(reference)) => Some(reference),
        Some(ProxySetting::Direct | ProxySetting::Plain(_)) | None => None,
    };
    let secrets = [
        section.app_secret.as_ref(),
        section.secret.as_ref(),
        section.verification_token.as_ref(),
        section.encrypt_key.as_ref(),
        proxy,
    ];
    secrets.into_iter().flatten()
}

fn exposed(whose: &str, reference: &SecretRef, loaded: &Loaded, findings: &mut Findings) {
    // systemd keeps its credentials from others itself.
    let SecretRef::File(path) = reference else {
        return;
    };
    let path = loaded.path(path);
    if let Some(mode) = everybodys(&path) {
        findings.bad(
            format!("secret file of {whose}"),
            format!(
                "{} may be used by everybody on this host (mode {mode:04o})",
                path.display()
            ),
            "take it from the others: `chmod o-rwx`; consider the secret as seen",
        );
    }
}

/// The mode of a file that everybody may use. One that cannot be looked at is told of where its secret is read.
fn everybodys(path: &Path) -> Option<u32> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    (mode & EVERYBODY != 0).then_some(mode)
}
