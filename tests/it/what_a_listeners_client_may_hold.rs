//! A client of the listeners may ask much, send nothing and read nothing. It does not affect the bots, and costs the
//! process little.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use longwire_sim::{ConnectionFault, Target};
use longwire_tests::{Gateway, Setup, platform, wait_until};

/// Clients that the two listeners serve at once, and what else may be opened meanwhile.
const CLIENTS: usize = 64 + 32;
const SLACK: usize = 24;

fn connect(gateway: &Gateway) -> TcpStream {
    let address = gateway.public().address();
    TcpStream::connect(address).expect("the kernel takes it")
}

/// As many bytes as are taken without waiting; `false` once the connection is gone.
fn write_all_it_takes(client: &mut TcpStream, bytes: &[u8]) -> bool {
    loop {
        match client.write(bytes) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
            Err(_) => return false,
        }
    }
}

#[test]
fn requests_whose_answers_nobody_reads_take_little_memory_and_end() {
    const READERS: usize = 8;
    /// 190 MiB before there was a bound.
    const GROWTH_KIB: u64 = 24 * 1024;
    let sim = platform(|_| {});
    let gateway = Setup::new(&sim).bot("a").start();
    gateway.wait_live("a");
    gateway.public().get("/metrics").expect("it answers");
    let before = gateway.memory_kib("VmHWM");
    let request = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    let mut clients: Vec<_> = (0..READERS).map(|_| connect(&gateway)).collect();
    for client in &clients {
        client.set_nonblocking(true).expect("a socket");
    }
    wait_until("they are let go", || {
        clients.retain_mut(|client| write_all_it_takes(client, &request));
        // Behind all that was asked before, on the same thread.
        let probe = gateway.public().get("/livez").expect("it answers");
        assert_eq!(probe.status, 200);
        match clients.len() {
            0 => Ok(()),
            some => Err(some.to_string()),
        }
    });
    // The kernel sums its counts per thread late: the highest use may seem to have fallen by some pages.
    let grown = gateway.memory_kib("VmHWM").saturating_sub(before);
    assert!(grown < GROWTH_KIB, "{grown} KiB for {READERS} clients");
    assert_eq!(gateway.installation("a")["generation"], 1);
}

#[test]
fn clients_take_no_file_from_bots() {
    const LIMIT: u32 = 256;
    const BOTS: usize = 40;
    let sim = platform(|_| {});
    let setup = (0..BOTS).fold(Setup::new(&sim), |setup, number| {
        setup.bot(&format!("bot-{number}"))
    });
    let gateway = setup.open_files(LIMIT).set("fleet.arbiters", 1).start();
    gateway.wait_overview("all are live", |now| now["by_state"]["live"] == BOTS);
    let before = gateway.open_files();
    // More than there are files, and not one of them says a word.
    let mut clients: Vec<_> = (0..180).map(|_| connect(&gateway)).collect();
    clients[0].set_nonblocking(true).expect("a socket");
    let mut most = 0;
    wait_until("the first is not waited for any longer", || {
        most = most.max(gateway.open_files());
        let read = clients[0].read(&mut [0; 1024]);
        read.map_err(|error| error.to_string())
    });
    assert!(most >= before + 60, "it served {}", most - before);
    assert!(most <= before + CLIENTS + SLACK, "and {}", most - before);
    // Every bot needs two, one after the other.
    assert_eq!(
        sim.control().fault(Target::All, ConnectionFault::Drop),
        BOTS
    );
    gateway.wait_overview("all are live again", |now| {
        now["by_state"]["live"] == BOTS && now["connections"]["reconnects"] == BOTS
    });
    drop(clients);
    let ready = gateway
        .public()
        .get("/readyz")
        .expect("there is a place again");
    assert_eq!(ready.status, 200, "{}", ready.body);
}

/// The checks at the end of the story fail for every error in the log.
#[test]
fn what_is_no_request_is_no_error_of_ours() {
    let gateway = Setup::without_platform().start();
    for nonsense in [
        &b"\x16\x03\x01\x02\x00\x01\r\n\r\n"[..],
        b"GET /livez HTTP/9.9\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        &[b"GET /".as_slice(), &[b'a'; 200_000]].concat(),
    ] {
        let mut client = connect(&gateway);
        // It may be refused before it is whole.
        let _ = client.write_all(nonsense);
        let _ = client.read(&mut [0; 4096]);
    }
    let before = gateway.log().entries().len();
    let probe = gateway.public().get("/livez").expect("it answers");
    assert_eq!(probe.status, 200);
    assert_eq!(before, gateway.log().entries().len());
    assert!(before <= 3, "{}", gateway.log().tail());
}

/// A client that sends the beginning of something is not waited for without end, whatever it was the beginning of.
#[test]
fn half_a_request_is_not_waited_for() {
    let gateway = Setup::without_platform().start();
    let halves: [&[u8]; 4] = [
        b"GET /livez HTTP/1.1\r\nHos",
        b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /livez HTTP/1.1\r\nHos",
        b"GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{",
        b"GET /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    ];
    let mut clients: Vec<_> = halves
        .iter()
        .map(|half| {
            let mut client = connect(&gateway);
            client.write_all(half).expect("it is taken");
            client.set_nonblocking(true).expect("a socket");
            (String::from_utf8_lossy(half).into_owned(), client)
        })
        .collect();
    wait_until("all are let go", || {
        clients.retain_mut(|(_, client)| {
            let mut answer = [0; 4096];
            !matches!(client.read(&mut answer), Ok(0))
        });
        let held: Vec<_> = clients.iter().map(|(half, _)| half).collect();
        if held.is_empty() {
            Ok(())
        } else {
            Err(format!("{held:?}"))
        }
    });
}
