//! The TLS configuration of every outgoing connection.
//!
//! It is rustls with ring, and HTTP/1.1 only, because the WebSocket upgrade needs it. Trusted roots are the system's,
//! which honour `SSL_CERT_FILE` and `SSL_CERT_DIR`, and those of a CA file. A system without any roots gets Mozilla's,
//! which are compiled in. Verification cannot be turned off.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject as _};

/// The sources of the trusted roots. The gateway logs it at start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RootsReport {
    /// Roots of the system's store.
    pub system: usize,
    /// Roots of the configured CA file.
    pub ca_file: usize,
    /// Compiled-in roots: 0 unless the system's store was empty, which deserves a warning.
    pub compiled_in: usize,
    /// Files or certificates of the system's store that could not be used.
    pub ignored: usize,
}

/// Why there is no TLS configuration.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The CA file cannot be read, or is not PEM.
    #[error("cannot read the ca file {}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: pem::Error,
    },
    /// The CA file holds no certificate.
    #[error("the ca file {} holds no certificate", path.display())]
    CaFileEmpty {
        /// The file.
        path: PathBuf,
    },
    /// A certificate of the CA file cannot serve as a root.
    #[error("a certificate of the ca file {} cannot be a root", path.display())]
    CaFileRefused {
        /// The file.
        path: PathBuf,
        /// Why the certificate was refused.
        #[source]
        source: rustls::Error,
    },
    /// The provider supports none of the protocol versions.
    #[error("no usable tls version")]
    Versions(#[source] rustls::Error),
}

/// Why a server's certificate was not accepted, in as many cases as have a remedy of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsProblem {
    /// No trusted root has signed it.
    Untrusted,
    /// It is the certificate of a certificate authority, which a server cannot use. Self-signed certificates often are.
    AuthorityAsServer,
    /// It is for other names.
    WrongName,
    /// It has expired, or is not valid yet.
    OutOfTime,
    /// Another problem, or none of the certificate.
    Other,
}

impl TlsProblem {
    /// Classifies the source of an error `Tls`.
    pub fn of(error: &io::Error) -> Self {
        let error = error.get_ref().and_then(|inner| inner.downcast_ref());
        let Some(rustls::Error::InvalidCertificate(certificate)) = error else {
            return Self::Other;
        };
        match certificate {
            CertificateError::UnknownIssuer => Self::Untrusted,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongName
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::OutOfTime,
            CertificateError::Other(other) => match other.0.downcast_ref() {
                Some(webpki::Error::CaUsedAsEndEntity) => Self::AuthorityAsServer,
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }
}

/// Builds the configuration that all arbiters share. It reads files, so call it at start only.
pub fn tls_config(ca_file: Option<&Path>) -> Result<(Arc<ClientConfig>, RootsReport), TlsError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    let (added, refused) = roots.add_parsable_certificates(system.certs);
    let mut report = RootsReport {
        system: added,
        ignored: refused + system.errors.len(),
        ..RootsReport::default()
    };
    if added == 0 {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        report.compiled_in = webpki_roots::TLS_SERVER_ROOTS.len();
    }
    if let Some(path) = ca_file {
        report.ca_file = add_ca_file(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Versions)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((Arc::new(config), report))
}

fn add_ca_file(roots: &mut RootCertStore, path: &Path) -> Result<usize, TlsError> {
    let unreadable = |source| TlsError::CaFile {
        path: path.to_owned(),
        source,
    };
    let mut added = 0;
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        roots
            .add(certificate.map_err(unreadable)?)
            .map_err(|source| TlsError::CaFileRefused {
                path: path.to_owned(),
                source,
            })?;
        added += 1;
    }
    if added == 0 {
        return Err(TlsError::CaFileEmpty {
            path: path.to_owned(),
        });
    }
    Ok(added)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_always_roots() {
        let (config, report) = tls_config(None).expect("a configuration");
        assert_eq!(config.alpn_protocols, [b"http/1.1".to_vec()]);
        assert!(report.system > 0 || report.compiled_in > 0);
        assert!(report.system == 0 || report.compiled_in == 0);
        assert_eq!(report.ca_file, 0);
    }

    #[test]
    fn a_ca_file_that_helps_nobody() {
        let missing = tls_config(Some(Path::new("no/such/file.pem"))).expect_err("refused");
        assert!(matches!(missing, TlsError::CaFile { .. }));
        let empty = tls_config(Some(Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/Cargo.toml"
        ))));
        assert!(matches!(
            empty.expect_err("refused"),
            TlsError::CaFileEmpty { .. }
        ));
    }
}
