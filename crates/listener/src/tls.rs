//! Makes TLS of an accepted connection.
//!
//! The client has [`Timeouts::request`](crate::Timeouts::request) for its handshake. One that speaks HTTP in the clear is
//! answered in the clear: 400, and what to change.

mod certificate;
mod validity;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::http::StatusCode;
use actix_web::rt::net::TcpStream;
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::problem::Problem;
use crate::transport::Transport;
use crate::upgrade::last_answer;

pub use certificate::{Certificate, CertificateError, ShownCertificate};
pub use validity::{Standing, Validity};

/// What the first record of a handshake begins with (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;
/// How long what a client still sends is read, so that it sees its answer instead of a reset.
const LINGER: Duration = Duration::from_secs(1);
/// Between two lines of the log about clients that speak without TLS: one that tries for ever is told of, and does not fill it.
const TOLD_EACH_S: u64 = 600;

/// What a listener shows of itself to clients that come by TLS.
#[derive(Clone)]
pub struct ServerTls {
    acceptor: TlsAcceptor,
    /// When a client without TLS was last told of, in seconds since 1970.
    told_s: Arc<AtomicU64>,
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

impl ServerTls {
    /// TLS 1.2 and 1.3 with this certificate, whatever it is at the time. Clients show none; only HTTP/1.1 is offered.
    pub fn new(certificate: Arc<ShownCertificate>) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has ciphers for both versions")
            .with_no_client_auth()
            .with_cert_resolver(certificate);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            told_s: Arc::default(),
        }
    }

    /// Carries the handshake out, within this time.
    ///
    /// # Errors
    /// The client is late, gone, does not speak TLS or does not take the certificate.
    pub(crate) async fn accept(&self, tcp: TcpStream, limit: Duration) -> io::Result<Transport> {
        let accepted = timeout(limit, async {
            let mut first = [0];
            if tcp.peek(&mut first).await? == 1 && first[0] != HANDSHAKE {
                self.answer_in_the_clear(tcp).await;
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.acceptor.accept(tcp).await
        });
        let accepted = accepted.await.unwrap_or_else(|_| {
            // Its own words: a deadline says nothing else.
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the handshake took too long",
            ))
        });
        if let Err(error) = &accepted {
            tracing::debug!(%error, "a client's TLS handshake came to nothing");
        }
        Ok(Transport::Tls(Box::new(accepted?)))
    }

    /// The client's request is not looked at: what it holds went over the network in the clear already.
    async fn answer_in_the_clear(&self, mut tcp: TcpStream) {
        if self.is_to_be_told() {
            let peer = tcp.peer_addr().map(|peer| peer.ip().to_string());
            tracing::warn!(
                peer = peer.unwrap_or_default(),
                "a client speaks plain HTTP to a listener with TLS: its address has to begin with https:// or wss://"
            );
        }
        let problem = Problem::new(
            StatusCode::BAD_REQUEST,
            "tls_required",
            "this port speaks TLS: use https:// or wss://",
        );
        let answered = async {
            tcp.write_all(&last_answer(&problem)).await?;
            tcp.shutdown().await?;
            let mut rest = [0; 1024];
            while tcp.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        // The client is gone or does not read: nothing is left to do for it.
        let _ = timeout(LINGER, answered).await;
    }

    fn is_to_be_told(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_secs();
        let told = self.told_s.load(Ordering::Relaxed);
        now.saturating_sub(told) >= TOLD_EACH_S
            && self
                .told_s
                .compare_exchange(told, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}
