//! Broken connections, strange frames, strange upgrades, TLS.

use std::io::{ErrorKind, Read as _};
use std::time::Duration;

use bytes::Bytes;
use longwire_sim::SimTls;
use longwire_sim::wecom::{Behaviour, ConnectionFault, Push, Sim, Target};

use crate::client::{BOT, Client, start, wait};

fn strike(sim: &Sim, fault: ConnectionFault) {
    assert_eq!(sim.control().fault(Target::Bot(BOT.into()), fault), 1);
}

#[test]
fn connections_end_in_every_way() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    strike(&sim, ConnectionFault::Drop);
    let error = client.message().expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let mut client = Client::subscribed(&sim);
    strike(&sim, ConnectionFault::Hangup);
    let error = client.message().expect_err("the end");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    drop(client);
    for (fault, payload) in [
        (
            ConnectionFault::Close(1000),
            1000_u16.to_be_bytes().to_vec(),
        ),
        (ConnectionFault::CloseWithoutCode, Vec::new()),
    ] {
        let mut client = Client::subscribed(&sim);
        strike(&sim, fault);
        assert_eq!(client.message().expect("a close frame").payload, payload);
        client.send(8, &payload);
        client.ends();
    }
    wait(&sim.control(), |ledger| ledger.connections_ended == 4);
    assert_eq!(sim.control().ledger().displacements, 0);
}

#[test]
fn whoever_does_not_answer_an_end_is_reset() {
    let sim = start(|settings| settings.close_patience = Duration::from_millis(50));
    let mut client = Client::subscribed(&sim);
    strike(&sim, ConnectionFault::Close(1000));
    client.message().expect("a close frame");
    let error = client.message().expect_err("the answer did not come");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_half_open_connection_recovers_or_is_aborted() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    strike(&sim, ConnectionFault::HalfOpen);
    sim.control().push(BOT, Push::text("later"));
    assert_eq!(sim.control().ledger().unwritten, 1);
    strike(&sim, ConnectionFault::Recover);
    assert_eq!(client.frame()["body"]["text"]["content"], "later");

    let impatient = start(|settings| settings.half_open_kept = Duration::from_millis(30));
    let mut client = Client::subscribed(&impatient);
    strike(&impatient, ConnectionFault::HalfOpen);
    client.ends();
}

#[test]
fn a_subscription_can_go_away_without_a_word() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    strike(&sim, ConnectionFault::Unsubscribe);
    assert_eq!(client.ping()["errcode"], 0);
    assert_eq!(client.send_markdown("zhangsan")["errcode"], 846609);
    sim.control().push(BOT, Push::text("waits"));
    assert_eq!(sim.control().ledger().waiting, 1);
    let body = serde_json::json!({"bot_id": BOT, "secret": "any"});
    client.command("aibot_subscribe", body);
    assert_eq!(client.frame()["errcode"], 0);
    assert_eq!(client.frame()["body"]["text"]["content"], "waits");
    strike(&sim, ConnectionFault::Displace);
    let event = client.frame();
    assert_eq!(event["body"]["event"]["eventtype"], "disconnected_event");
    client.ends();
}

#[test]
fn strange_frames_arrive_as_asked() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    strike(&sim, ConnectionFault::Text("null".into()));
    assert_eq!(client.text(), "null");
    strike(
        &sim,
        ConnectionFault::Garbage(Bytes::from_static(b"\xff\xfe")),
    );
    let garbage = client.message().expect("garbage");
    assert_eq!(
        (garbage.opcode, garbage.payload.as_slice()),
        (2, b"\xff\xfe".as_slice())
    );
    strike(&sim, ConnectionFault::MaskedFrame);
    let masked = client.message().expect("a pong");
    assert_eq!((masked.opcode, masked.masked), (10, true));
    strike(&sim, ConnectionFault::ProtocolPing);
    assert_eq!(client.message().expect("a ping").opcode, 9);
    strike(&sim, ConnectionFault::Continuation(3));
    for push in [Push::made_up(900), Push::text("split")] {
        sim.control().push(BOT, push);
        assert_eq!(client.message().expect("a callback").frames, 3);
    }
    strike(&sim, ConnectionFault::Raw(Bytes::from_static(b"\x81\x01x")));
    assert_eq!(client.text(), "x");
    strike(&sim, ConnectionFault::OversizedFrame(1 << 40));
    let mut head = [0; 10];
    client.tcp.read_exact(&mut head).expect("a header");
    assert_eq!(head, [0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0]);
}

#[test]
fn breaches_of_the_protocol_end_the_connection() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    client.send(3, b"");
    let close = client.message().expect("a close frame");
    assert_eq!(close.payload, 1002_u16.to_be_bytes());
    assert_eq!(sim.control().ledger().protocol_errors, 1);
}

#[test]
fn upgrades_can_be_refused_reset_dropped_or_wrong() {
    let sim = start(|_| ());
    let control = sim.control();
    control.behaviour(None, Behaviour::UpgradeRefuse { http: 503 }.times(1));
    control.behaviour(None, Behaviour::UpgradeReset.times(1));
    control.behaviour(None, Behaviour::UpgradeThenDrop.times(1));
    control.behaviour(None, Behaviour::UpgradeWrongAccept.times(1));
    let refusal = Client::dial(&sim).err().expect("a refusal");
    assert!(refusal.starts_with("HTTP/1.1 503"), "{refusal}");
    assert!(Client::dial(&sim).is_err(), "a reset");
    Client::dial(&sim).expect("101").ends();
    assert!(
        Client::dial(&sim).is_ok(),
        "who does not look at the key gets through"
    );
    wait(&control, |ledger| ledger.connections_opened == 1);
}

#[test]
fn it_is_served_over_tls_too() {
    let sim = start(|settings| settings.tls = Some(SimTls::default()));
    assert!(sim.base_url().starts_with("wss://"));
    assert!(
        sim.ca_pem()
            .expect("an authority")
            .contains("BEGIN CERTIFICATE")
    );
}
