//! Posts of 1 KiB to a server on loopback that answers each at once, over kept connections.
//!
//! `cargo bench -p longwire-egress`; the server takes a thread per connection of the same cores.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use futures_util::future::join_all;
use longwire_egress::endpoint::{EndpointClient, EndpointSettings, HeaderLines, PostLimits};
use longwire_egress::{AddressFilter, Egress, EgressSettings, ProxyEnvironment, tls_config};

const BODY_BYTES: usize = 1024;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

fn main() {
    divan::main();
}

/// The posts that run at once: one, as of one chat, and as many as a busy endpoint may have.
#[divan::bench(args = [1, 16])]
fn posts(bencher: divan::Bencher<'_, '_>, at_once: usize) {
    let port = serve();
    let system = actix_rt::System::new();
    let client = client(port, at_once);
    let mut headers = HeaderLines::default();
    headers
        .push("webhook-id", "evt_00000000000000000000000000")
        .expect("a header");
    let body = [b'x'; BODY_BYTES];
    let post = || async {
        let parts: [&[u8]; 3] = [&body[..100], &body[100..900], &body[900..]];
        let answer = client.post(&headers, &parts, PostLimits::default());
        answer.await.expect("an answer").status
    };
    bencher
        .counter(divan::counter::ItemsCount::new(at_once))
        .bench_local(|| system.block_on(join_all((0..at_once).map(|_| post()))));
}

fn client(port: u16, max_idle: usize) -> EndpointClient {
    let (tls, _) = tls_config(None).expect("a configuration");
    let egress = Egress::new(&EgressSettings::new(tls, ProxyEnvironment::default()));
    let url = format!("http://127.0.0.1:{port}/hook");
    let filter = AddressFilter::from_entries(["loopback"]).expect("a known word");
    egress.endpoint(&EndpointSettings {
        max_idle,
        ..EndpointSettings::new(url.parse().expect("an address"), Arc::new(filter))
    })
}

fn serve() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            std::thread::spawn(move || answer_all(connection));
        }
    });
    port
}

/// Answers when head and body of a post are there.
fn answer_all(mut connection: TcpStream) {
    connection.set_nodelay(true).expect("an open socket");
    let mut buffer = [0; 8 * 1024];
    let mut filled = 0;
    while let Ok(count @ 1..) = connection.read(&mut buffer[filled..]) {
        filled += count;
        let received = &buffer[..filled];
        let head = received.windows(4).position(|it| it == b"\r\n\r\n");
        if head.is_some_and(|head| filled == head + 4 + BODY_BYTES) {
            filled = 0;
            if connection.write_all(ANSWER).is_err() {
                return;
            }
        }
    }
}
