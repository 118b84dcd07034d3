//! Whom the sender trusts, and its handshake. The connection itself is [`SimSocket`].

use std::io;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::target::Target;
use crate::socket::SimSocket;

/// Whom the sender trusts behind `https`.
#[derive(Clone, Default)]
pub(crate) struct SenderTls {
    connector: Option<TlsConnector>,
}

impl std::fmt::Debug for SenderTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SenderTls").finish_non_exhaustive()
    }
}

impl SenderTls {
    /// Trusts the certificate authorities of this PEM text.
    pub(crate) fn trusting(pem: &str) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| error.to_string())?;
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            connector: Some(TlsConnector::from(Arc::new(config))),
        })
    }

    pub(crate) async fn wrap(&self, tcp: TcpStream, target: &Target) -> io::Result<SimSocket> {
        if !target.is_tls {
            return Ok(SimSocket::Plain(tcp));
        }
        let connector = self.connector.as_ref().ok_or_else(|| {
            io::Error::other("the simulator trusts no certificate authority; give it one for https")
        })?;
        let name = ServerName::try_from(target.host.clone()).map_err(io::Error::other)?;
        let tls = connector.connect(name, tcp).await?;
        Ok(SimSocket::Tls(Box::new(tls.into())))
    }
}
