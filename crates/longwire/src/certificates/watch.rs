//! Keeps the certificate that is shown up to date: files that change are read again, one of our own is renewed.
//!
//! Files that cannot be used, or do not belong together, change nothing: the certificate from before is shown on. It is told
//! once, and not at the first look: whoever replaces two files does so one after the other.

use std::sync::Arc;
use std::time::Duration;

use longwire_fleet::setback::chain;
use longwire_listener::{Certificate, ShownCertificate, Standing, Validity};

use super::{CertificateFailure, CertificateSource, tell_standing};
use crate::file_stamp::FileStamp;
use crate::moment;

/// How often the files are looked at. Nobody waits for it, and a look costs two system calls.
const INTERVAL: Duration = Duration::from_secs(3);
/// A certificate of our own is replaced at this age, a third of the time that it is valid for.
const RENEW_AFTER_MS: i64 = 30 * 86_400_000;

/// What a certificate was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// Of files as they were.
    OfFiles(Option<FileStamp>, Option<FileStamp>),
    /// By ourselves, in this period.
    InPeriod(i64),
}

impl Made {
    fn now(source: &CertificateSource, now_ms: i64) -> Self {
        match source {
            CertificateSource::Files { cert, key } => {
                Self::OfFiles(FileStamp::of(cert), FileStamp::of(key))
            }
            CertificateSource::Own { .. } => Self::InPeriod(now_ms.div_euclid(RENEW_AFTER_MS)),
        }
    }
}

/// Files that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wrong {
    made: Made,
    is_told: bool,
}

/// What follows from a look.
#[derive(Debug)]
pub(super) enum Look {
    /// All is as it was, or as wrong as it was.
    Same,
    /// There is another certificate.
    Other(Certificate),
    /// There is none that can be used.
    Unusable(CertificateFailure),
}

/// Remembers what the shown certificate was made of.
#[derive(Debug)]
pub(super) struct Watcher {
    shown: Made,
    wrong: Option<Wrong>,
}

impl Watcher {
    /// Before the first certificate is loaded, so that no change is missed.
    pub(super) fn begin(source: &CertificateSource) -> Self {
        Self {
            shown: Made::now(source, moment::now_ms()),
            wrong: None,
        }
    }

    /// Looks once. Reads files.
    pub(super) fn look(&mut self, source: &CertificateSource, now_ms: i64) -> Look {
        let made = Made::now(source, now_ms);
        if made == self.shown {
            self.wrong = None;
            return Look::Same;
        }
        let before = self.wrong.filter(|wrong| wrong.made == made);
        if before.is_some_and(|wrong| wrong.is_told) {
            return Look::Same;
        }
        match source.load() {
            Ok(certificate) => {
                self.shown = made;
                self.wrong = None;
                Look::Other(certificate)
            }
            Err(failure) => {
                let is_told = before.is_some();
                self.wrong = Some(Wrong { made, is_told });
                if is_told {
                    Look::Unusable(failure)
                } else {
                    Look::Same
                }
            }
        }
    }
}

/// Looks for as long as the process runs.
pub(super) async fn run(
    mut watcher: Watcher,
    source: Arc<CertificateSource>,
    shown: Arc<ShownCertificate>,
    mut validity: Validity,
) {
    let mut standing = validity.at(moment::now_ms() / 1_000);
    loop {
        tokio::time::sleep(INTERVAL).await;
        let source = Arc::clone(&source);
        let looked = actix_rt::task::spawn_blocking(move || {
            let look = watcher.look(&source, moment::now_ms());
            (watcher, look)
        });
        let Ok((after, look)) = looked.await else {
            tracing::error!("the certificate of api.tls is not looked after any more");
            return;
        };
        watcher = after;
        match look {
            Look::Same => {}
            Look::Other(certificate) => {
                let until = moment::rfc3339(certificate.validity().until_s * 1_000);
                tracing::info!(until, "another certificate is shown from now on");
                tell_standing(certificate.validity());
                validity = certificate.validity();
                standing = validity.at(moment::now_ms() / 1_000);
                shown.replace(certificate);
            }
            Look::Unusable(failure) => tracing::error!(
                error = chain(&failure),
                next_step = failure.advice(),
                "the files of api.tls changed and cannot be used; the certificate from before is shown on"
            ),
        }
        // One that expires while it is shown is told of once.
        let now = validity.at(moment::now_ms() / 1_000);
        if now != standing && now == Standing::Expired {
            tell_standing(validity);
        }
        standing = now;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::certificates::Authority;

    fn write(source: &CertificateSource, certificate: Option<&str>, key: Option<&str>) {
        let CertificateSource::Files {
            cert,
            key: key_path,
        } = source
        else {
            panic!("files")
        };
        for (path, text) in [(cert, certificate), (key_path, key)] {
            if let Some(text) = text {
                // As renewing programs do: a new file takes the name of the old one.
                let draft = path.with_extension("new");
                fs::write(&draft, text).expect("written");
                fs::rename(&draft, path).expect("renamed");
            }
        }
    }

    fn made() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
        let made = made.expect("a certificate");
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn files_that_change_are_read_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let source = CertificateSource::Files {
            cert: directory.path().join("cert.pem"),
            key: directory.path().join("key.pem"),
        };
        let (first, second) = (made(), made());
        write(&source, Some(&first.0), Some(&first.1));
        let mut watcher = Watcher::begin(&source);
        source.load().expect("it is one");
        let mut look = |source: &CertificateSource| watcher.look(source, 0);
        assert!(matches!(look(&source), Look::Same));
        write(&source, Some(&second.0), Some(&second.1));
        assert!(matches!(look(&source), Look::Other(_)));
        assert!(matches!(look(&source), Look::Same));
        // One after the other: in between they do not belong together, which is no news.
        write(&source, Some(&first.0), None);
        assert!(matches!(look(&source), Look::Same));
        write(&source, None, Some(&first.1));
        assert!(matches!(look(&source), Look::Other(_)));
        // What stays wrong is told, once.
        write(&source, Some("nonsense"), None);
        assert!(matches!(look(&source), Look::Same));
        assert!(matches!(look(&source), Look::Unusable(_)));
        assert!(matches!(look(&source), Look::Same));
        write(&source, Some("other nonsense"), None);
        assert!(matches!(look(&source), Look::Same));
        assert!(matches!(look(&source), Look::Unusable(_)));
        write(&source, Some(&first.0), None);
        assert!(matches!(look(&source), Look::Other(_)));
    }

    #[test]
    fn one_of_our_own_is_renewed() {
        let directory = tempfile::tempdir().expect("a directory");
        let authority = Authority::open_or_make(&directory.path().join("x.ca")).expect("made");
        let source = CertificateSource::Own {
            authority: Box::new(authority),
            names: vec!["localhost".to_owned()],
        };
        let mut watcher = Watcher::begin(&source);
        let now_ms = moment::now_ms();
        assert!(matches!(watcher.look(&source, now_ms), Look::Same));
        let later_ms = now_ms + RENEW_AFTER_MS;
        assert!(matches!(watcher.look(&source, later_ms), Look::Other(_)));
        assert!(matches!(watcher.look(&source, later_ms), Look::Same));
    }
}
