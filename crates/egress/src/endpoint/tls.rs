//! The certificate authority of an endpoint that has its own.

use std::fmt;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject as _};

/// The most certificates of one endpoint's authority: a root, its successor, and some to spare.
const MAX_CERTIFICATES: usize = 16;

/// The authority of one endpoint. Nobody else's certificate is accepted there, not even the gateway's roots.
///
/// Cheap to clone. Clones share TLS sessions, so that a later connection resumes an earlier one's.
#[derive(Clone)]
pub struct EndpointCa {
    pub(super) config: Arc<ClientConfig>,
}

/// Why a text is not the certificate of an authority.
#[derive(Debug, thiserror::Error)]
pub enum EndpointCaError {
    /// The text is not PEM.
    #[error("the authority's certificate is not pem")]
    Pem(#[source] pem::Error),
    /// The text has no certificate.
    #[error("the text has no certificate")]
    Empty,
    /// The text has too many certificates.
    #[error("an endpoint's authority has at most {MAX_CERTIFICATES} certificates")]
    TooMany,
    /// A certificate cannot be a root.
    #[error("a certificate cannot be a root")]
    Refused(#[source] rustls::Error),
}

impl EndpointCa {
    /// Reads one or more certificates in PEM.
    pub fn from_pem(text: &[u8]) -> Result<Self, EndpointCaError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(text) {
            let certificate = certificate.map_err(EndpointCaError::Pem)?;
            roots.add(certificate).map_err(EndpointCaError::Refused)?;
            if roots.len() > MAX_CERTIFICATES {
                return Err(EndpointCaError::TooMany);
            }
        }
        if roots.is_empty() {
            return Err(EndpointCaError::Empty);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring supports rustls's default versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
        })
    }
}

impl fmt::Debug for EndpointCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointCa").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_authority() {
        let broken = b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
        let not_one = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(
            EndpointCa::from_pem(broken),
            Err(EndpointCaError::Pem(_))
        ));
        assert!(matches!(
            EndpointCa::from_pem(b"none"),
            Err(EndpointCaError::Empty)
        ));
        assert!(matches!(
            EndpointCa::from_pem(not_one),
            Err(EndpointCaError::Refused(_))
        ));
    }
}
