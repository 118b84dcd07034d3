//! Connects to whichever of a host's addresses answers first.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use actix_rt::net::TcpStream;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

/// How long an address is tried alone before the next one joins in (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Tries `addresses` one after the other, the next one as soon as the last failed or lingers, with the
/// families taking turns so that a broken IPv6 costs one head start.
pub(crate) async fn connect(addresses: Vec<IpAddr>, port: u16) -> io::Result<TcpStream> {
    let mut waiting = in_turns(addresses).into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        match waiting.next() {
            Some(address) => attempts.push(TcpStream::connect(SocketAddr::new(address, port))),
            None if attempts.is_empty() => return Err(failure),
            None => {}
        }
        tokio::select! {
            Some(outcome) = attempts.next() => match outcome {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            },
            () = tokio::time::sleep(HEAD_START), if waiting.len() > 0 => {}
        }
    }
}

/// The resolver's order within each family, families alternating, its favourite first.
fn in_turns(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let favourite = addresses.first().is_some_and(IpAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv4() == favourite);
    let mut turns = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    while first.len() + second.len() > 0 {
        turns.extend(first.next());
        turns.extend(second.next());
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let parse = |list: &[&str]| -> Vec<IpAddr> {
            list.iter()
                .map(|text| text.parse().expect("an address"))
                .collect()
        };
        let (mixed, expected) = (
            ["::1", "::2", "::3", "1.1.1.1"],
            ["::1", "1.1.1.1", "::2", "::3"],
        );
        assert_eq!(in_turns(parse(&mixed)), parse(&expected));
        assert_eq!(in_turns(Vec::new()), Vec::<IpAddr>::new());
    }

    #[actix_rt::test]
    async fn a_refusing_address_is_passed_over() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let addresses = ["127.0.0.2", "127.0.0.1"].map(|text| text.parse().expect("an address"));
        connect(addresses.to_vec(), port)
            .await
            .expect("the second one listens");
        connect(addresses[..1].to_vec(), port)
            .await
            .expect_err("the first one does not");
        connect(Vec::new(), port)
            .await
            .expect_err("there is nobody");
    }
}
