//! The certificate of the listener of applications: where it comes from, and that it is the present one.
//!
//! ```text
//! [api] tls = { cert, key }    files that somebody else renews ──┐
//!             "self-signed"    authority ──▶ a certificate of    ├──▶ watch ──▶ ShownCertificate of the listener
//!                              its own for each start            ┘
//! ```

mod authority;
mod watch;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use longwire_listener::{
    Certificate, CertificateError, ServerTls, ShownCertificate, Standing, Validity,
};
use longwire_store::ProcessUser;
use time::OffsetDateTime;

use crate::config::{ApiTls, Loaded};
use crate::moment;

pub(crate) use authority::{Authority, AuthorityError};

/// There is no certificate to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateFailure {
    /// A file cannot be read.
    #[error("cannot read {} (api.tls){}", path.display(), ProcessUser::behind(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        #[source]
        source: io::Error,
    },
    /// The files hold something else.
    #[error("the certificate of {} cannot be used (api.tls)", cert.display())]
    Unusable {
        /// The file of the certificate.
        cert: PathBuf,
        /// What is wrong.
        #[source]
        source: CertificateError,
    },
    /// The authority of our own.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

impl CertificateFailure {
    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Read { .. } => {
                "name files that are there, relative to the configuration, readable by the user that runs longwire"
            }
            Self::Unusable { source, .. } => source.advice(),
            Self::Authority(error) => error.advice(),
        }
    }
}

/// Where the certificate comes from.
pub(crate) enum CertificateSource {
    /// From these files.
    Files { cert: PathBuf, key: PathBuf },
    /// From an authority of our own, for these names.
    Own {
        authority: Box<Authority>,
        names: Vec<String>,
    },
}

impl CertificateSource {
    /// As the configuration says; `None` without TLS. An authority that is not there yet is made.
    pub(crate) fn of(loaded: &Loaded) -> Result<Option<Self>, CertificateFailure> {
        Ok(match &loaded.config.api.tls {
            None => None,
            Some(ApiTls::Files(files)) => Some(Self::Files {
                cert: loaded.path(&files.cert),
                key: loaded.path(&files.key),
            }),
            Some(ApiTls::SelfSigned) => Some(Self::Own {
                authority: Box::new(Authority::open_or_make(&authority_path(loaded)?)?),
                names: own_names(loaded),
            }),
        })
    }

    /// The present certificate.
    pub(crate) fn load(&self) -> Result<Certificate, CertificateFailure> {
        match self {
            Self::Files { cert, key } => {
                let read = |path: &Path| {
                    let bytes = std::fs::read(path).map(secrecy::zeroize::Zeroizing::new);
                    bytes.map_err(|source| CertificateFailure::Read {
                        path: path.to_owned(),
                        source,
                    })
                };
                let read = (read(cert)?, read(key)?);
                Certificate::from_pem(&read.0, &read.1).map_err(|source| {
                    CertificateFailure::Unusable {
                        cert: cert.clone(),
                        source,
                    }
                })
            }
            Self::Own { authority, names } => {
                Ok(authority.issue(names, OffsetDateTime::now_utc())?)
            }
        }
    }
}

/// Where the authority of our own lies.
pub(crate) fn authority_path(loaded: &Loaded) -> Result<PathBuf, AuthorityError> {
    let path = loaded.store_settings().authority_file();
    path.ok_or(AuthorityError::NoPlace)
}

/// The names that clients may reach this host by.
fn own_names(loaded: &Loaded) -> Vec<String> {
    let mut names = loaded.config.api.names.clone();
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy().into_owned();
    let listen = loaded.config.server.listen.ip();
    let listen = (!listen.is_unspecified()).then(|| listen.to_string());
    let others = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    for name in others.into_iter().chain([host]).chain(listen) {
        // A host may be called what no certificate can be for.
        let is_name = rustls_pki_types::ServerName::try_from(name.as_str()).is_ok();
        if is_name && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// TLS as the configuration says, with a certificate that is kept up to date; `None` without. Inside an actix system.
pub(crate) fn start(loaded: &Loaded) -> Result<Option<ServerTls>, CertificateFailure> {
    let Some(source) = CertificateSource::of(loaded)? else {
        return Ok(None);
    };
    let watcher = watch::Watcher::begin(&source);
    let certificate = source.load()?;
    let validity = certificate.validity();
    tell_standing(validity);
    let shown = Arc::new(ShownCertificate::new(certificate));
    let source = Arc::new(source);
    actix_rt::spawn(watch::run(watcher, source, Arc::clone(&shown), validity));
    Ok(Some(ServerTls::new(shown)))
}

/// Clients refuse a certificate that is not valid; we show it all the same, since nothing else is there.
fn tell_standing(validity: Validity) {
    let valid = match validity.at(moment::now_ms() / 1_000) {
        Standing::Valid => return,
        Standing::Early => "not yet",
        Standing::Expired => "no longer",
    };
    tracing::error!(
        valid,
        from = moment::rfc3339(validity.from_s * 1_000),
        until = moment::rfc3339(validity.until_s * 1_000),
        "the certificate of api.tls is not valid, and clients refuse it; renew it: its files are read again by themselves"
    );
}
