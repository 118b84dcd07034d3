//! Pongs and their faults, broken connections, and RFC 6455 pings.

mod support;

use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use longwire_sim::{Behaviour, ConnectionFault, Push, Sim, SimTls, Target};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use support::{APP, Client, bootstrap, start, until, wait};

fn connected(sim: &Sim) -> Client {
    let client = Client::new(sim);
    wait(&sim.control(), |ledger| ledger.connections_opened == 1);
    client
}

fn strike(sim: &Sim, fault: ConnectionFault) {
    assert_eq!(sim.control().fault(Target::App(APP.into()), fault), 1);
}

#[test]
fn a_ping_is_answered_with_the_configuration() {
    let sim = start(|settings| settings.client_config.ping_interval = Some(77));
    let mut client = connected(&sim);
    client.ping();
    let pong = client.frame();
    assert_eq!((pong.header("type"), pong.method), (Some("pong"), 0));
    let config: serde_json::Value =
        serde_json::from_slice(&pong.payload.expect("config")).expect("json");
    assert_eq!(config["PingInterval"], 77);
    assert_eq!(config.as_object().expect("object").len(), 4);
    assert_eq!(sim.control().ledger().wrong_service_pings, 0);
    assert_eq!(sim.control().connections(None)[0].pings, 1);
}

#[test]
fn pongs_can_be_hostile_silent_and_late() {
    let sim = start(|_| ());
    let control = sim.control();
    let mut client = connected(&sim);
    control.behaviour(
        None,
        Behaviour::PongConfig {
            raw: r#"{"ReconnectNonce":1}"#.into(),
        }
        .times(1),
    );
    control.behaviour(None, Behaviour::PongNoPayload.times(1));
    client.ping();
    assert_eq!(
        client.frame().payload.as_deref(),
        Some(br#"{"ReconnectNonce":1}"#.as_slice())
    );
    client.ping();
    assert_eq!(client.frame().payload, None);
    strike(&sim, ConnectionFault::SilentPong);
    client.ping();
    wait(&control, |ledger| ledger.pings == 3);
    strike(&sim, ConnectionFault::Recover);
    strike(&sim, ConnectionFault::SlowPong(Duration::from_millis(30)));
    strike(&sim, ConnectionFault::PongConfig("late".into()));
    client.ping();
    assert_eq!(
        client.frame().payload.as_deref(),
        Some(b"late".as_slice()),
        "the silent one stays unanswered"
    );
    wait(&control, |ledger| ledger.hasty_pings >= 1);
}

#[test]
fn protocol_pings_are_answered_and_extensions_are_not_agreed() {
    let sim = start(|_| ());
    let mut client = connected(&sim);
    client.send(9, b"hello");
    let pong = client.message().expect("a pong");
    assert_eq!(
        (pong.opcode, pong.payload.as_slice()),
        (10, b"hello".as_slice())
    );
    strike(&sim, ConnectionFault::ProtocolPing);
    assert_eq!(client.message().expect("a ping").opcode, 9);
    client.send(10, b"longwire");
    until(|| sim.control().connections(None)[0].protocol_pongs == 1);
}

#[test]
fn odd_messages_arrive_as_asked() {
    let sim = start(|_| ());
    let mut client = connected(&sim);
    strike(&sim, ConnectionFault::Text("hi".into()));
    assert_eq!(client.message().expect("text").opcode, 1);
    strike(
        &sim,
        ConnectionFault::Garbage(Bytes::from_static(b"\xff\xff")),
    );
    assert_eq!(client.message().expect("garbage").payload, b"\xff\xff");
    strike(&sim, ConnectionFault::ServerPing);
    assert_eq!(client.frame().header("type"), Some("ping"));
    strike(&sim, ConnectionFault::Method2);
    assert_eq!(client.frame().method, 2);
    strike(&sim, ConnectionFault::CardFrame);
    let card = client.frame();
    assert_eq!(card.header("type"), Some("card"));
    client.ack(&card);
    strike(&sim, ConnectionFault::Continuation(3));
    sim.control().push(APP, Push::made_up(900));
    assert_eq!(client.message().expect("an event").frames, 3);
    strike(&sim, ConnectionFault::Raw(Bytes::from_static(b"\x82\x01x")));
    assert_eq!(client.message().expect("raw").payload, b"x");
    assert_eq!(
        sim.control().ledger().bad_acks.total(),
        0,
        "an answer to a stray card is nobody's fault"
    );
    strike(&sim, ConnectionFault::OversizedFrame(1 << 40));
    let mut head = [0; 10];
    client.tcp.read_exact(&mut head).expect("a header");
    assert_eq!(head, [0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0]);
}

/// Payload of the close frame, or how the stream ends without one.
type Expected = Result<&'static [u8], ErrorKind>;

#[test]
fn connections_end_in_every_way() {
    let sim = start(|_| ());
    let ends: [(ConnectionFault, Expected); 4] = [
        (ConnectionFault::Drop, Err(ErrorKind::ConnectionReset)),
        (ConnectionFault::Hangup, Err(ErrorKind::UnexpectedEof)),
        (ConnectionFault::Close(1011), Ok(&[3, 0xf3])),
        (ConnectionFault::CloseWithoutCode, Ok(&[])),
    ];
    for (index, (fault, expected)) in (1..).zip(ends) {
        let mut client = Client::new(&sim);
        until(|| sim.control().connections(None).len() == 1);
        strike(&sim, fault.clone());
        assert!(sim.control().connections(None).is_empty(), "{fault:?}");
        match expected {
            Ok(payload) => {
                let message = client.message().expect("a close frame");
                assert_eq!((message.opcode, message.payload.as_slice()), (8, payload));
                client.send(8, payload);
                assert_eq!(
                    client.message().expect_err("fin").kind(),
                    ErrorKind::UnexpectedEof
                );
            }
            Err(error) => {
                let got = client.message().expect_err("no message").kind();
                assert_eq!(got, error, "{fault:?}");
            }
        }
        drop(client);
        wait(&sim.control(), |ledger| ledger.connections_ended == index);
    }
}

#[test]
fn a_clients_close_is_answered() {
    let sim = start(|_| ());
    let mut client = connected(&sim);
    client.send(8, &[3, 0xe8]);
    assert_eq!(client.message().expect("the echo").payload, [3, 0xe8]);
    assert_eq!(
        client.message().expect_err("fin").kind(),
        ErrorKind::UnexpectedEof
    );
    drop(client);
    wait(&sim.control(), |ledger| {
        ledger.closed_by_client == 1 && ledger.connections_ended == 1
    });
}

#[test]
fn a_half_open_connection_is_still_chosen_until_the_platform_gives_it_up() {
    let sim = start(|settings| settings.time_factor = 300.0);
    let mut client = connected(&sim);
    strike(&sim, ConnectionFault::HalfOpen);
    client.ping();
    sim.control().push(APP, Push::made_up(700));
    let ledger = wait(&sim.control(), |ledger| ledger.timed_out >= 1);
    assert_eq!(ledger.pings, 0, "nothing is read");
    assert_eq!(
        client.message().expect_err("given up").kind(),
        ErrorKind::ConnectionReset
    );
}

#[test]
fn a_connection_that_is_not_read_keeps_its_acks_until_recovery() {
    let sim = start(|_| ());
    let control = sim.control();
    let mut client = connected(&sim);
    strike(&sim, ConnectionFault::StopReading);
    control.push(APP, Push::made_up(700));
    let (_, frame) = client.event();
    client.ack(&frame);
    assert_eq!(control.ledger().acked, 0);
    strike(&sim, ConnectionFault::Recover);
    wait(&control, |ledger| ledger.acked == 1);
}

#[test]
fn silence_is_kicked_after_its_periods() {
    let sim = start(|settings| settings.time_factor = 1_000.0);
    let mut client = connected(&sim);
    strike(&sim, ConnectionFault::KickWithoutPing(2));
    assert_eq!(
        client.message().expect_err("kicked").kind(),
        ErrorKind::UnexpectedEof
    );
}

#[test]
fn events_can_share_the_packet_with_the_101() {
    let sim = start(|settings| settings.events_with_upgrade = true);
    let control = sim.control();
    control.push(APP, Push::made_up(700));
    let mut client = Client::new(&sim);
    let (_, frame) = client.event();
    client.ack(&frame);
    wait(&control, |ledger| ledger.acked == 1);
}

/// The Node SDK loses what is pushed before its first ping.
#[test]
fn a_quiet_connection_gets_its_events_behind_its_first_pong() {
    let sim = start(|settings| settings.quiet_until_ping = Duration::from_secs(3_600));
    let control = sim.control();
    control.push(APP, Push::made_up(700));
    let mut client = Client::new(&sim);
    control.push(APP, Push::made_up(700));
    wait(&control, |ledger| ledger.waiting_for_connection == 2);
    client.ping();
    assert_eq!(client.frame().header("type"), Some("pong"));
    for _ in 0..2 {
        let (_, frame) = client.event();
        client.ack(&frame);
    }
    wait(&control, |ledger| ledger.acked == 2);
}

#[test]
fn a_quiet_connection_that_never_pings_gets_its_events_in_the_end() {
    let sim = start(|settings| {
        settings.quiet_until_ping = Duration::from_millis(50);
        settings.connections_per_app = 1;
    });
    let control = sim.control();
    control.push(APP, Push::made_up(700));
    let mut client = Client::new(&sim);
    let refusal = bootstrap(&sim);
    assert_eq!(refusal["code"], 1_000_040_350, "it counts as a connection");
    let (_, frame) = client.event();
    client.ack(&frame);
    wait(&control, |ledger| ledger.acked == 1);
}

#[test]
fn a_masking_breach_closes_with_1002() {
    let sim = start(|_| ());
    let mut client = connected(&sim);
    client.tcp.write_all(&[0x82, 0x00]).expect("sent");
    assert_eq!(
        client.message().expect("close").payload,
        1002_u16.to_be_bytes()
    );
    wait(&sim.control(), |ledger| ledger.protocol_errors == 1);
}

#[test]
fn with_tls_the_authority_is_handed_out_and_trusted() {
    let sim = start(|settings| settings.tls = Some(SimTls::default()));
    let mut roots = rustls::RootCertStore::empty();
    let pem = sim.ca_pem().expect("a pem").as_bytes();
    let authority = CertificateDer::from_pem_slice(pem).expect("a certificate");
    roots.add(authority).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "127.0.0.1".try_into().expect("a name");
    let tls = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
    let tcp = std::net::TcpStream::connect(sim.address()).expect("listening");
    let mut stream = rustls::StreamOwned::new(tls, tcp);
    let body = r#"{"AppID":"a","AppSecret":"b"}"#;
    write!(
        stream,
        "POST /callback/ws/endpoint HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{body}",
        sim.address(),
        body.len()
    )
    .expect("request sent");
    let mut answer = Vec::new();
    while !answer.ends_with(b"}}}") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("answer");
        answer.push(byte[0]);
    }
    let url = format!("\"URL\":\"wss://{}/ws/v2?", sim.address());
    assert!(String::from_utf8_lossy(&answer).contains(&url));
}
