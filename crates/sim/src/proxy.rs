//! A `CONNECT` proxy on loopback, for tests of clients that have to use one.
//!
//! It runs on threads of its own, which end with the process. It records every request, and opens the tunnel or answers
//! as configured. Names below `.test`, which RFC 2606 reserves, resolve to loopback, and only this proxy can reach them.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The proxy's answer to requests.
#[derive(Debug, Clone)]
pub enum ProxyAnswer {
    /// Opens the tunnel for everyone.
    Open,
    /// Opens the tunnel for requests with this `Proxy-Authorization`, and answers 407 to others.
    Authorized(String),
    /// Opens the tunnel to the address that stands beside the `host:port` that was asked for, and answers 502 to other targets.
    /// So a public name can lead to a platform on loopback.
    Routes(Vec<(String, SocketAddr)>),
    /// Answers with this status line, such as `HTTP/1.1 503 No`, and closes.
    Answer(String),
    /// Never answers, and keeps the connection open.
    Hang,
}

/// A `CONNECT` request as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// `host:port` of the target.
    pub authority: String,
    /// The value of `Proxy-Authorization`.
    pub authorization: Option<String>,
}

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    tunnels: Arc<Mutex<Vec<Tunnel>>>,
}

impl Proxy {
    /// Starts a proxy on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// If the host has no free port.
    pub fn start(answer: ProxyAnswer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let tunnels = Arc::<Mutex<Vec<Tunnel>>>::default();
        let seen = Arc::clone(&tunnels);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (answer, seen) = (answer.clone(), Arc::clone(&seen));
                // A client reports a broken connection itself.
                thread::spawn(move || serve(client, &answer, &seen).ok());
            }
        });
        Self { address, tunnels }
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far.
    pub fn tunnels(&self) -> Vec<Tunnel> {
        self.tunnels.lock().expect("no thread panicked").clone()
    }
}

fn serve(mut client: TcpStream, answer: &ProxyAnswer, seen: &Mutex<Vec<Tunnel>>) -> io::Result<()> {
    let head = read_head(&mut client)?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some("CONNECT"), Some(authority), Some("HTTP/1.1")) =
        (words.next(), words.next(), words.next())
    else {
        return client.write_all(b"HTTP/1.1 405 Only CONNECT\r\n\r\n");
    };
    let authorization = lines
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"))
        .map(|(_, value)| value.to_owned());
    seen.lock().expect("no thread panicked").push(Tunnel {
        authority: authority.to_owned(),
        authorization: authorization.clone(),
    });
    match answer {
        ProxyAnswer::Open => tunnel(client, authority),
        ProxyAnswer::Routes(routes) => {
            match routes.iter().find(|(target, _)| target == authority) {
                Some((_, address)) => tunnel(client, &address.to_string()),
                None => client.write_all(b"HTTP/1.1 502 Nobody there\r\n\r\n"),
            }
        }
        ProxyAnswer::Authorized(wanted) if Some(wanted) == authorization.as_ref() => {
            tunnel(client, authority)
        }
        ProxyAnswer::Authorized(_) => client.write_all(
            b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm=\"test\"\r\n\r\n",
        ),
        ProxyAnswer::Answer(status) => client.write_all(format!("{status}\r\n\r\n").as_bytes()),
        ProxyAnswer::Hang => client.read(&mut [0]).map(drop),
    }
}

fn tunnel(mut client: TcpStream, authority: &str) -> io::Result<()> {
    let connected = match authority.rsplit_once(':') {
        Some((name, port)) if name.ends_with(".test") => {
            TcpStream::connect(format!("127.0.0.1:{port}"))
        }
        _ => TcpStream::connect(authority),
    };
    let Ok(mut target) = connected else {
        return client.write_all(b"HTTP/1.1 502 Nobody there\r\n\r\n");
    };
    client.write_all(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")?;
    let (mut from_client, mut to_target) = (client.try_clone()?, target.try_clone()?);
    let up = thread::spawn(move || {
        io::copy(&mut from_client, &mut to_target).ok();
        to_target.shutdown(Shutdown::Write).ok();
    });
    io::copy(&mut target, &mut client).ok();
    client.shutdown(Shutdown::Write).ok();
    up.join().ok();
    Ok(())
}

/// Reads up to the empty line, byte by byte, because the bytes after it belong to the tunnel.
fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    String::from_utf8(head).map_err(io::Error::other)
}
