//! A scripted server on loopback, plain or TLS, in tasks of the test's own arbiter.

use std::future::Future;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use longwire_egress::{Egress, EgressSettings, ProxyEnvironment, tls_config};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// One accepted connection.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}
/// Plain or TLS.
pub type Stream = Box<dyn Duplex>;

/// A certificate for `localhost`, and the file that a client trusts it by.
pub struct Identity {
    /// What accepts TLS with it.
    pub acceptor: TlsAcceptor,
    /// PEM of the certificate.
    pub ca_file: PathBuf,
}

impl Identity {
    /// A fresh self-signed certificate for `names`.
    pub fn new(names: &[&str]) -> Self {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = rcgen::CertificateParams::new(names).expect("names");
        Self::made_of(params)
    }

    /// A certificate authority's for `localhost`, which the server shows as its own.
    pub fn of_an_authority() -> Self {
        let names = vec!["localhost".to_owned()];
        let mut params = rcgen::CertificateParams::new(names).expect("names");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self::made_of(params)
    }

    /// A certificate for `localhost` that was valid a long time ago.
    pub fn of_the_past() -> Self {
        let names = vec!["localhost".to_owned()];
        let mut params = rcgen::CertificateParams::new(names).expect("names");
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        Self::made_of(params)
    }

    fn made_of(params: rcgen::CertificateParams) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let key = rcgen::KeyPair::generate().expect("a key");
        let made = params.self_signed(&key).expect("a certificate");
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let ca_file = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("ca-{}-{number}.pem", std::process::id()));
        std::fs::write(&ca_file, made.pem()).expect("a writable directory");
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.der().clone()], key)
            .expect("a usable certificate");
        Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            ca_file,
        }
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        std::fs::remove_file(&self.ca_file).ok();
    }
}

/// Serves every connection with `script`, which gets the stream and the request's head. Returns the port.
pub async fn serve<F, R>(identity: Option<&Identity>, script: F) -> u16
where
    F: Fn(Stream, String) -> R + 'static,
    R: Future<Output = ()> + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    let acceptor = identity.map(|identity| identity.acceptor.clone());
    let script = Rc::new(script);
    actix_rt::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (script, acceptor) = (Rc::clone(&script), acceptor.clone());
            actix_rt::spawn(async move {
                let mut stream: Stream = match acceptor {
                    None => Box::new(tcp),
                    Some(acceptor) => match acceptor.accept(tcp).await {
                        Ok(tls) => Box::new(tls),
                        // The client did not trust us, which is what some tests want.
                        Err(_) => return,
                    },
                };
                if let Some(head) = read_head(&mut stream).await {
                    script(stream, head).await;
                }
            });
        }
    });
    port
}

/// Up to the empty line and not beyond.
pub async fn read_head(stream: &mut Stream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// The 101 to this upgrade request.
pub fn switching(head: &str) -> String {
    let key = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
        .map_or("", |(_, key)| key);
    let accept = actix_http::ws::hash_key(key.as_bytes());
    let accept = std::str::from_utf8(&accept).expect("base64");
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

/// Sends all of `bytes`. If the client has closed, the test itself notices.
pub async fn say(stream: &mut Stream, bytes: impl AsRef<[u8]>) {
    if stream.write_all(bytes.as_ref()).await.is_ok() {
        stream.flush().await.ok();
    }
}

/// Grants the upgrade and echoes raw bytes.
pub async fn echo(mut stream: Stream, head: String) {
    say(&mut stream, switching(&head)).await;
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        say(&mut stream, &buffer[..count]).await;
    }
}

/// Settings that trust `identity` and have no proxy variables.
pub fn settings(identity: Option<&Identity>) -> EgressSettings {
    let ca_file = identity.map(|identity| identity.ca_file.as_path());
    let (tls, _) = tls_config(ca_file).expect("a configuration");
    EgressSettings::new(tls, ProxyEnvironment::default())
}

/// An egress that trusts `identity` and uses no proxy.
pub fn egress(identity: Option<&Identity>) -> Egress {
    Egress::new(&settings(identity))
}
