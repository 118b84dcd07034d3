//! A certificate with its key, and the one that a listener shows at present.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::validity::Validity;

/// A chain of certificates, the server's own first, with the key of that one.
#[derive(Clone)]
pub struct Certificate {
    certified: Arc<CertifiedKey>,
    validity: Validity,
}

/// They cannot be shown to clients. Never holds any part of a key.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The file of the certificate is no PEM.
    #[error("the certificate's file is no PEM")]
    ChainNotPem(#[source] pem::Error),
    /// There is no certificate in it.
    #[error("the certificate's file has no certificate in it")]
    NoCertificate,
    /// The first of them cannot be read.
    #[error("the first certificate cannot be read")]
    NotReadable,
    /// The file of the key has no key in it that is not encrypted.
    #[error("the key's file has no private key in clear in it, as PEM")]
    NoKey,
    /// The key is of a kind that is not used for TLS, or broken.
    #[error("the key cannot be used")]
    KeyUnusable(#[source] Error),
    /// It is the key of another certificate.
    #[error("the key does not belong to the first certificate of the file")]
    KeyMismatch,
}

impl CertificateError {
    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::ChainNotPem(_) | Self::NoCertificate | Self::NotReadable => {
                "give the chain as PEM (`-----BEGIN CERTIFICATE-----`), the server's certificate first"
            }
            Self::NoKey => {
                "give the key as PEM (`-----BEGIN PRIVATE KEY-----`); `openssl pkey` takes a passphrase off"
            }
            Self::KeyUnusable(_) => {
                "use an RSA key of 2048 bits or more, an ECDSA key of P-256 or P-384, or Ed25519"
            }
            Self::KeyMismatch => {
                "name the key that was made for this certificate, and put the server's certificate first in its file"
            }
        }
    }
}

impl Certificate {
    /// Of a chain and a key as PEM.
    ///
    /// # Errors
    /// They are none, or do not belong together. Whether they are valid now is not looked at: [`Certificate::validity`].
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
        let chain = chain.map_err(CertificateError::ChainNotPem)?;
        // Its own words may repeat what the file holds.
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| CertificateError::NoKey)?;
        Self::from_der(chain, key)
    }

    /// Of a chain and a key in DER.
    ///
    /// # Errors
    /// As [`Certificate::from_pem`].
    pub fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, CertificateError> {
        let first = chain.first().ok_or(CertificateError::NoCertificate)?;
        let validity = Validity::of(first).ok_or(CertificateError::NotReadable)?;
        let provider = rustls::crypto::ring::default_provider();
        let certified =
            CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
                Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                    CertificateError::KeyMismatch
                }
                Error::InvalidCertificate(_) => CertificateError::NotReadable,
                other => CertificateError::KeyUnusable(other),
            })?;
        Ok(Self {
            certified: Arc::new(certified),
            validity,
        })
    }

    /// For how long the server's own certificate is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}

/// The certificate that a listener shows. Connections that are open keep the one they began with.
pub struct ShownCertificate(RwLock<Certificate>);

impl ShownCertificate {
    /// This one at first.
    pub fn new(certificate: Certificate) -> Self {
        Self(RwLock::new(certificate))
    }

    /// From now on this one.
    pub fn replace(&self, certificate: Certificate) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = certificate;
    }
}

impl fmt::Debug for ShownCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShownCertificate").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for ShownCertificate {
    /// Whatever name the client asks for: it decides whether the certificate suffices.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&shown.certified))
    }
}

#[cfg(test)]
mod tests {
    use rcgen::KeyPair;

    use super::*;

    fn made() -> (String, KeyPair) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
        let made = made.expect("a certificate");
        (made.cert.pem(), made.signing_key)
    }

    #[test]
    fn what_is_wrong_is_told() {
        let (chain, key) = made();
        let key = key.serialize_pem();
        let (other_chain, other_key) = made();
        let other_key = other_key.serialize_pem();
        let broken = chain.replacen("MII", "M!I", 1);
        let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (chain, key, wrong) in [
            (chain.as_str(), key.as_str(), None),
            (&format!("{chain}{other_chain}"), &key, None),
            ("", &key, Some("no certificate")),
            (&key, &key, Some("no certificate")),
            (&broken, &key, Some("no PEM")),
            (no_certificate, &key, Some("cannot be read")),
            (&chain, "", Some("no private key")),
            (&chain, &chain, Some("no private key")),
            (&chain, &other_key, Some("does not belong")),
            (
                &format!("{other_chain}{chain}"),
                &key,
                Some("does not belong"),
            ),
        ] {
            let found = Certificate::from_pem(chain.as_bytes(), key.as_bytes());
            match (found, wrong) {
                (Ok(_), None) => {}
                (Err(error), Some(wrong)) => {
                    assert!(error.to_string().contains(wrong), "{wrong}: {error}");
                }
                (found, wrong) => panic!("{wrong:?}: {found:?}"),
            }
        }
    }
}
