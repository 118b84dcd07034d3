//! The certificate authority of this gateway, which vouches for nothing else.
//!
//! It is made once and kept beside the database, its certificate and its key in one file. Those who connect are told to trust
//! it; the certificates that it issues are kept nowhere.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use longwire_listener::{Certificate, CertificateError, Validity};
use longwire_store::ProcessUser;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use secrecy::zeroize::Zeroizing;
use time::{Duration, OffsetDateTime};

use crate::owner_file;

/// It is put into other hosts' trust by hand, which nobody wants to do again soon.
const AUTHORITY_DAYS: i64 = 3_650;
/// Of a certificate. Renewed long before, so that a clock which is a little wrong decides nothing.
const CERTIFICATE_DAYS: i64 = 90;
/// Clocks of clients may be behind.
const BEFORE: Duration = Duration::days(1);

/// The authority cannot be used. Never holds any part of its key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthorityError {
    /// The database is no file, so nothing lies beside it.
    #[error("this store has no file beside which a certificate authority could lie")]
    NoPlace,
    /// The operating system refuses its file.
    #[error("cannot use the certificate authority's file {}{}", path.display(), ProcessUser::behind(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error("the file {} holds no certificate authority", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
    },
    /// Something cannot be signed.
    #[error("a certificate cannot be made")]
    Sign(#[from] rcgen::Error),
    /// What was signed cannot be shown.
    #[error("a certificate of our own cannot be shown")]
    Show(#[from] CertificateError),
}

impl AuthorityError {
    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::NoPlace => {
                "name a certificate of yours: [api] tls = { cert = \"…\", key = \"…\" }"
            }
            Self::Io { .. } => {
                "run the command as the user that runs the server, in a directory that it may write to"
            }
            Self::Broken { .. } => {
                "bring it back from a backup, or remove it: then another is made at the next start, which clients have to trust anew"
            }
            Self::Sign(_) | Self::Show(_) => "correct api.names",
        }
    }
}

/// The certificate authority of this gateway.
pub(crate) struct Authority {
    pem: String,
    validity: Validity,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// The one that is kept at `path`, or a new one that is kept there from now on.
    pub(crate) fn open_or_make(path: &Path) -> Result<Self, AuthorityError> {
        if let Some(kept) = Self::open(path)? {
            return Ok(kept);
        }
        let made = Self::make(OffsetDateTime::now_utc())?;
        let key = Zeroizing::new(made.issuer.key().serialize_pem());
        let text = Zeroizing::new(format!("{}{}", made.pem, *key));
        match owner_file::save_new(text.as_bytes(), path) {
            Ok(()) => Ok(made),
            // Another process was faster; there is one authority.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Self::open(path)?.ok_or_else(|| AuthorityError::Broken {
                    path: path.to_owned(),
                })
            }
            Err(source) => Err(AuthorityError::Io {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// The one that is kept at `path`, if one is.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, AuthorityError> {
        let text = match fs::read(path).map(Zeroizing::new) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(AuthorityError::Io {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        let kept = CertificateDer::from_pem_slice(&text)
            .ok()
            .and_then(|certificate| {
                let key = PrivateKeyDer::from_pem_slice(&text).ok()?;
                // Says whether the two belong together.
                let both = Certificate::from_der(vec![certificate], key.clone_key()).ok()?;
                let key = KeyPair::try_from(&key).ok()?;
                Some(Self {
                    pem: pem_of(&text)?,
                    validity: both.validity(),
                    issuer: Issuer::new(params(&key).ok()?, key),
                })
            });
        kept.map(Some).ok_or_else(|| AuthorityError::Broken {
            path: path.to_owned(),
        })
    }

    fn make(now: OffsetDateTime) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate()?;
        let mut params = params(&key)?;
        params.not_before = now - BEFORE;
        params.not_after = now + Duration::days(AUTHORITY_DAYS);
        let validity = Validity {
            from_s: params.not_before.unix_timestamp(),
            until_s: params.not_after.unix_timestamp(),
        };
        Ok(Self {
            pem: params.self_signed(&key)?.pem(),
            validity,
            issuer: Issuer::new(params, key),
        })
    }

    /// Its certificate, for those who are to trust it.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// For how long those who trust it may.
    pub(crate) fn validity(&self) -> Validity {
        self.validity
    }

    /// A new certificate with a key of its own, for servers of these names and addresses.
    pub(crate) fn issue(
        &self,
        names: &[String],
        now: OffsetDateTime,
    ) -> Result<Certificate, AuthorityError> {
        let mut params = CertificateParams::new(names)?;
        let name = &mut params.distinguished_name;
        *name = rcgen::DistinguishedName::new();
        name.push(DnType::CommonName, "longwire");
        params.not_before = now - BEFORE;
        params.not_after = now + Duration::days(CERTIFICATE_DAYS);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Python since 3.13 refuses a certificate without it.
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let made = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(Certificate::from_der(vec![made.der().clone()], key)?)
    }
}

/// What an authority with this key says of itself. The name has a piece of the key, so that a host which trusts several tells
/// them apart, and follows from nothing else: an issuer is named in each certificate exactly as it names itself.
fn params(key: &KeyPair) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let id = params.key_identifier(key);
    let id: String = id
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let name = &mut params.distinguished_name;
    *name = rcgen::DistinguishedName::new();
    name.push(DnType::CommonName, format!("longwire authority {id}"));
    Ok(params)
}

/// The lines of the certificate alone.
fn pem_of(text: &[u8]) -> Option<String> {
    const END: &str = "-----END CERTIFICATE-----";
    let text = std::str::from_utf8(text).ok()?;
    let from = text.find("-----BEGIN CERTIFICATE-----")?;
    let until = from + text[from..].find(END)? + END.len();
    Some(format!("{}\n", text[from..until].replace('\r', "")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use longwire_listener::Standing;

    use super::*;

    #[test]
    fn it_is_made_once_and_its_key_is_for_its_owner_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.db.ca");
        assert!(Authority::open(&path).expect("nothing there").is_none());
        let made = Authority::open_or_make(&path).expect("made");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = Authority::open_or_make(&path).expect("opens");
        assert_eq!(made.pem(), again.pem());
        assert_eq!(made.validity(), again.validity());
        assert!(!again.pem().contains("PRIVATE"));
        let files = fs::read_dir(directory.path()).expect("a directory");
        assert_eq!(files.count(), 1, "a draft is left");
        for broken in ["", again.pem()] {
            fs::write(&path, broken).expect("written");
            let error = Authority::open_or_make(&path).err().expect("no authority");
            assert!(matches!(error, AuthorityError::Broken { .. }), "{error}");
        }
    }

    #[test]
    fn certificates_are_for_names_and_addresses() {
        let now = OffsetDateTime::now_utc();
        let authority = Authority::make(now).expect("made");
        let names = ["localhost", "127.0.0.1", "::1", "longwire.internal"].map(str::to_owned);
        let issued = authority.issue(&names, now).expect("issued").validity();
        assert_eq!(issued.at(now.unix_timestamp()), Standing::Valid);
        let last = now + Duration::days(CERTIFICATE_DAYS + 1);
        assert_eq!(issued.at(last.unix_timestamp()), Standing::Expired);
        let unfit = authority.issue(&["ä".to_owned()], now);
        assert!(matches!(unfit, Err(AuthorityError::Sign(_))));
    }
}
