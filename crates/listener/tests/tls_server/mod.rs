//! A certificate for `localhost`, and a client that trusts it.

use std::io;
use std::sync::Arc;

use longwire_listener::{Certificate, ServerTls, ShownCertificate};
use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) struct TlsServer {
    pub(crate) tls: ServerTls,
    pub(crate) shown: Arc<ShownCertificate>,
    connector: TlsConnector,
}

impl TlsServer {
    pub(crate) fn new() -> Self {
        let (certificate, root) = made();
        let shown = Arc::new(ShownCertificate::new(certificate));
        let mut roots = RootCertStore::empty();
        roots.add(root).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        // A session that is resumed shows no certificate.
        client.resumption = Resumption::disabled();
        Self {
            tls: ServerTls::new(Arc::clone(&shown)),
            shown,
            connector: TlsConnector::from(Arc::new(client)),
        }
    }

    pub(crate) async fn connect(&self, tcp: TcpStream) -> TlsStream<TcpStream> {
        let connected = self.try_connect(tcp).await;
        connected.expect("the handshake succeeds")
    }

    pub(crate) async fn try_connect(&self, tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from("localhost").expect("a name");
        self.connector.connect(name, tcp).await
    }
}

/// A certificate, and itself as the root that vouches for it.
pub(crate) fn made() -> (Certificate, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
    let made = made.expect("a certificate");
    let root = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let certificate = Certificate::from_der(vec![root.clone()], key);
    (certificate.expect("the key is its own"), root)
}
