//! Whether the listener of applications can show a certificate that clients accept.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use longwire_fleet::setback::chain;
use longwire_listener::{Standing, Validity};

use super::findings::Findings;
use crate::certificates::{Authority, CertificateSource, authority_path};
use crate::config::{ApiTls, Loaded};
use crate::moment;

/// What it is called in the findings.
const WHAT: &str = "certificate";
/// Programs that renew certificates do so a month before; one this close was not renewed.
const SOON_S: i64 = 14 * 86_400;
/// Everybody's permissions. Those of its group may be meant.
const EVERYBODY: u32 = 0o007;

pub(super) fn tell(loaded: &Loaded, findings: &mut Findings) {
    match &loaded.config.api.tls {
        None if loaded.config.server.listen.ip().is_loopback() => {}
        None => findings.note(
            WHAT,
            format!(
                "none: {} speaks plain HTTP, and the tokens of applications can be read on the way",
                loaded.config.server.listen
            ),
            "set tls in [api], unless only a reverse proxy that speaks TLS can reach it",
        ),
        Some(ApiTls::Files(files)) => {
            let source = CertificateSource::Files {
                cert: loaded.path(&files.cert),
                key: loaded.path(&files.key),
            };
            match source.load() {
                Ok(certificate) => {
                    let file = loaded.path(&files.cert);
                    let file = file.display().to_string();
                    standing(file, certificate.validity(), RENEW, findings);
                }
                Err(failure) => findings.bad(WHAT, chain(&failure), failure.advice()),
            }
            key_permissions(&loaded.path(&files.key), findings);
        }
        Some(ApiTls::SelfSigned) => {
            let path = authority_path(loaded);
            let kept = path.and_then(|path| Ok((Authority::open(&path)?, path)));
            match kept {
                Ok((Some(authority), path)) => {
                    let file = format!("the authority {}", path.display());
                    standing(file, authority.validity(), MAKE_ANEW, findings);
                }
                Ok((None, path)) => findings.good(
                    WHAT,
                    format!(
                        "the authority {} is made at the first start",
                        path.display()
                    ),
                ),
                Err(error) => findings.bad(WHAT, chain(&error), error.advice()),
            }
        }
    }
}

const RENEW: &str = "renew it; the server reads its files again by itself";
const MAKE_ANEW: &str =
    "remove it and start the server again; clients have to trust the new one (`longwire print ca`)";

fn standing(whose: String, validity: Validity, fix: &str, findings: &mut Findings) {
    let now_s = moment::now_ms() / 1_000;
    let from = moment::rfc3339(validity.from_s * 1_000);
    let until = moment::rfc3339(validity.until_s * 1_000);
    match validity.at(now_s) {
        Standing::Valid if validity.until_s - now_s < SOON_S => {
            findings.note(WHAT, format!("{whose} is valid until {until} only"), fix);
        }
        Standing::Valid => findings.good(WHAT, format!("{whose} is valid until {until}")),
        Standing::Expired => findings.bad(WHAT, format!("{whose} expired at {until}"), fix),
        Standing::Early => findings.bad(
            WHAT,
            format!("{whose} is not valid before {from}"),
            "set this host's clock, or wait",
        ),
    }
}

fn key_permissions(path: &Path, findings: &mut Findings) {
    // One that cannot be looked at is told of already.
    let Ok(file) = std::fs::metadata(path) else {
        return;
    };
    let mode = file.permissions().mode() & 0o7777;
    if mode & EVERYBODY != 0 {
        findings.bad(
            WHAT,
            format!(
                "its key {} may be used by everybody (mode {mode:04o})",
                path.display()
            ),
            "take it from the others: `chmod o-rwx`",
        );
    }
}
