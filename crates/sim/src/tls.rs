//! Makes a certificate authority and a server certificate at every start.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::settings::{SimTls, StartError};

/// The server's TLS configuration, and the PEM of the authority that clients have to trust.
pub(crate) struct GeneratedTls {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) ca_pem: String,
}

pub(crate) fn generate(settings: &SimTls) -> Result<GeneratedTls, StartError> {
    let failed = |error: rcgen::Error| StartError::Certificate(error.to_string());
    let mut ca = CertificateParams::new(Vec::new()).map_err(failed)?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.distinguished_name
        .push(DnType::CommonName, "longwire simulator CA");
    let ca_key = KeyPair::generate().map_err(failed)?;
    let ca_pem = ca.self_signed(&ca_key).map_err(failed)?.pem();
    let issuer = Issuer::new(ca, ca_key);

    let mut server = CertificateParams::new(settings.names.clone()).map_err(failed)?;
    server
        .distinguished_name
        .push(DnType::CommonName, "longwire simulator");
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = server.signed_by(&key, &issuer).map_err(failed)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));

    let failed = |error: rustls::Error| StartError::Certificate(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .map_err(failed)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(GeneratedTls {
        config: Arc::new(config),
        ca_pem,
    })
}
