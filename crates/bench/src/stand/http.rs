//! Asks the processes of a run over HTTP, with JSON in both directions.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use awc::http::Method;
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::{BenchError, Role, StandError};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Both are asked while they are as busy as they can be.
const DEADLINE: Duration = Duration::from_secs(30);
/// The ids of a million events.
const MAX_ANSWER_BYTES: usize = 256 << 20;

/// One of them.
pub(super) struct JsonClient {
    role: Role,
    base: String,
    client: awc::Client,
    /// What the gateway wants to be shown.
    token: Option<SecretString>,
}

impl JsonClient {
    /// `ca_file` holds the certificate authority of an https `base`.
    pub(super) fn new(
        role: Role,
        base: String,
        ca_file: Option<&Path>,
    ) -> Result<Self, BenchError> {
        let mut connector = awc::Connector::new();
        if let Some(path) = ca_file {
            let read = BenchError::io(format!("read {}", path.display()));
            connector = connector.rustls_0_23(trusting(path).map_err(read)?);
        }
        let client = awc::Client::builder()
            .connector(connector)
            .timeout(DEADLINE)
            .disable_redirects()
            .finish();
        Ok(Self {
            role,
            base,
            client,
            token: None,
        })
    }

    /// Asks with this token.
    pub(super) fn with_token(mut self, token: SecretString) -> Self {
        self.token = Some(token);
        self
    }

    /// One that is kept may have been ended by the other side while this thread was busy with something else.
    fn request(&self, method: Method, path: &str) -> awc::ClientRequest {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request.force_close();
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, StandError> {
        let request = self.request(Method::GET, path);
        self.read(path, request.send().await).await
    }

    /// Asks and looks at the status alone.
    pub(super) async fn touch(&self, path: &str) -> Result<(), StandError> {
        let deaf = |reason: String| StandError::Deaf {
            role: self.role,
            path: path.to_owned(),
            reason,
        };
        let answer = self.request(Method::GET, path).send().await;
        let status = answer.map_err(|error| deaf(error.to_string()))?.status();
        if !status.is_success() {
            return Err(deaf(status.to_string()));
        }
        Ok(())
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, StandError> {
        let request = self.request(Method::POST, path);
        self.read(path, request.send_json(body).await).await
    }

    async fn read<S, T>(
        &self,
        path: &str,
        answer: Result<awc::ClientResponse<S>, awc::error::SendRequestError>,
    ) -> Result<T, StandError>
    where
        S: futures_util::Stream<Item = Result<bytes::Bytes, awc::error::PayloadError>> + Unpin,
        T: DeserializeOwned,
    {
        let deaf = |reason: String| StandError::Deaf {
            role: self.role,
            path: path.to_owned(),
            reason,
        };
        let answer = answer.map_err(|error| deaf(error.to_string()))?;
        let status = answer.status();
        let body = answer
            .timeout(DEADLINE)
            .body()
            .limit(MAX_ANSWER_BYTES)
            .await
            .map_err(|error| deaf(error.to_string()))?;
        if !status.is_success() {
            let said = String::from_utf8_lossy(&body);
            return Err(deaf(format!("{status} {said}")));
        }
        serde_json::from_slice(&body).map_err(|error| deaf(error.to_string()))
    }
}

/// TLS that trusts the authorities of this file and no others.
fn trusting(ca_file: &Path) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_file).map_err(io::Error::other)? {
        let certificate = certificate.map_err(io::Error::other)?;
        roots.add(certificate).map_err(io::Error::other)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(tls))
}
