//! Connects to the first of a host's addresses that answers (RFC 8305). Attempts overlap; the others are dropped.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use actix_rt::net::TcpStream;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::sockets::{CountedStream, DialPermits, SocketPermit, out_of_files};

/// Time from one attempt to the next (the "Connection Attempt Delay" of RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Tries `addresses` in order. The next attempt starts when the last one failed or after [`ATTEMPT_DELAY`]. IPv4 and IPv6
/// alternate, so that a broken IPv6 costs one delay. Each attempt takes a permit; without a free permit it waits for an
/// earlier attempt to fail. The returned stream holds the dial's own permit, whichever address it leads to.
pub(crate) async fn connect(
    addresses: Vec<IpAddr>,
    port: u16,
    mut permits: DialPermits<'_>,
) -> io::Result<CountedStream> {
    let mut waiting = alternating(addresses).into_iter().peekable();
    let mut attempts = FuturesUnordered::new();
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        if waiting.peek().is_some() {
            match permits.take() {
                Some(permit) => {
                    let address = waiting.next().expect("it was just seen");
                    attempts.push(open(SocketAddr::new(address, port), permit));
                }
                None if attempts.is_empty() => return Err(out_of_files()),
                None => {}
            }
        } else if attempts.is_empty() {
            return Err(failure);
        }
        tokio::select! {
            Some(outcome) = attempts.next() => match outcome {
                (Ok(tcp), permit) => {
                    return Ok(CountedStream::new(tcp, permits.keep(permit)));
                }
                (Err(error), permit) => {
                    failure = error;
                    permits.give_back(permit);
                }
            },
            () = tokio::time::sleep(ATTEMPT_DELAY), if waiting.len() > 0 => {}
        }
    }
}

async fn open(address: SocketAddr, permit: SocketPermit) -> (io::Result<TcpStream>, SocketPermit) {
    (TcpStream::connect(address).await, permit)
}

/// Alternates IPv4 and IPv6, beginning with the family of the first address. The order within a family stays.
pub(crate) fn alternating(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
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
    use tokio::net::{TcpListener, TcpSocket};
    use tokio::time::timeout;

    use super::*;
    use crate::sockets::SocketBudget;

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
        assert_eq!(alternating(parse(&mixed)), parse(&expected));
        assert_eq!(alternating(Vec::new()), Vec::<IpAddr>::new());
    }

    #[actix_rt::test]
    async fn a_refusing_address_is_passed_over() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let addresses = ["127.0.0.2", "127.0.0.1"].map(|text| text.parse().expect("an address"));
        // One socket at a time is enough: the second address takes the permit of the first.
        let budget = SocketBudget::new(1);
        let permits = || DialPermits::new(None, &budget);
        let stream = connect(addresses.to_vec(), port, permits())
            .await
            .expect("the second one listens");
        let refused = connect(addresses.to_vec(), port, permits()).await;
        let refused = refused.expect_err("its one socket is open").raw_os_error();
        assert_eq!(refused, out_of_files().raw_os_error());
        drop(stream);
        connect(addresses[..1].to_vec(), port, permits())
            .await
            .expect_err("the first one does not listen");
        connect(Vec::new(), port, permits())
            .await
            .expect_err("there is nobody");
    }

    /// An address that does not answer: its listener's queue of connections to accept is full.
    async fn lingering(port: u16) -> (TcpListener, Vec<TcpStream>) {
        let socket = TcpSocket::new_v4().expect("a socket");
        let address = SocketAddr::from(([127, 0, 0, 2], port));
        socket.bind(address).expect("the port is free there");
        let listener = socket.listen(1).expect("it listens");
        let mut queue = Vec::new();
        while let Ok(queued) = timeout(ATTEMPT_DELAY, TcpStream::connect(address)).await {
            queue.push(queued.expect("it listens"));
            assert!(queue.len() < 64, "its queue has no end");
        }
        (listener, queue)
    }

    /// A connection lives for hours. If it held a permit for calls, that permit would be missing for as long.
    #[actix_rt::test]
    async fn a_connection_beside_a_lingering_address_holds_no_permit_of_a_call() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let _lingers = lingering(port).await;
        let addresses = ["127.0.0.2", "127.0.0.1"].map(|text| text.parse().expect("an address"));
        // One for a connection, one for a call.
        let budget = SocketBudget::new(2);
        let permits = DialPermits::new(budget.connection(), &budget);
        let stream = connect(addresses.to_vec(), port, permits)
            .await
            .expect("the second one answers");
        assert!(budget.call().is_some(), "it holds the permit of a call");
        assert_eq!(budget.connections(), 1);
        drop(stream);
        assert_eq!(budget.connections(), 0);
    }
}
