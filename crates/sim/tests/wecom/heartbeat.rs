//! Heartbeats and their faults, silence, RFC 6455 pings.

use std::time::Duration;

use longwire_sim::wecom::{Behaviour, CommandKind, ConnectionFault, ScriptedAnswer, Sim, Target};
use serde_json::{Value, json};

use crate::client::{BOT, Client, start, until, wait};

fn strike(sim: &Sim, fault: ConnectionFault) {
    assert_eq!(sim.control().fault(Target::Bot(BOT.into()), fault), 1);
}

#[test]
fn a_ping_is_answered_under_its_id_and_one_with_a_body_is_noticed() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    let pong = client.ping();
    assert_eq!(
        (&pong["errcode"], &pong["errmsg"]),
        (&json!(0), &json!("ok"))
    );
    assert_eq!(client.ask("ping", json!({}))["errcode"], 0);
    let ledger = sim.control().ledger();
    assert_eq!((ledger.pings, ledger.pings_with_body), (2, 1));
    assert_eq!(sim.control().connections(None)[0].pings, 2);
}

#[test]
fn pongs_can_be_silent_late_or_refusals() {
    let sim = start(|_| ());
    let control = sim.control();
    let mut client = Client::subscribed(&sim);
    strike(&sim, ConnectionFault::SilentPong);
    client.command("ping", Value::Null);
    wait(&control, |ledger| ledger.pings == 1);
    strike(&sim, ConnectionFault::Recover);
    strike(&sim, ConnectionFault::PongCode(846609));
    assert_eq!(
        client.ping()["errcode"],
        846609,
        "the silent one stays unanswered"
    );
    strike(&sim, ConnectionFault::Recover);
    strike(&sim, ConnectionFault::SlowPong(Duration::from_millis(30)));
    assert_eq!(client.ping()["errcode"], 0);
    control.behaviour(
        None,
        Behaviour::answer(CommandKind::Ping, ScriptedAnswer::Twice).times(1),
    );
    strike(&sim, ConnectionFault::Recover);
    let first = client.ping();
    assert_eq!(client.frame(), first);
}

#[test]
fn a_silent_client_is_hung_up_on_and_one_that_pings_is_not() {
    let sim = start(|settings| settings.idle_close = Some(Duration::from_secs(3)));
    let mut silent = Client::dial(&sim).expect("101");
    let mut lively = Client::subscribed(&sim);
    until(|| {
        lively.ping();
        sim.control().ledger().idle_closed == 1
    });
    silent.ends();
    assert_eq!(lively.ping()["errcode"], 0);
}

/// S197: WeCom is said to send such pings; the simulator sends them when it is asked to.
#[test]
fn protocol_pings_go_both_ways_and_are_counted() {
    let sim = start(|settings| settings.protocol_pings = Some(Duration::from_millis(20)));
    let mut client = Client::dial(&sim).expect("101");
    let ping = client.message().expect("a ping");
    assert_eq!(
        (ping.opcode, ping.payload.as_slice()),
        (9, b"longwire".as_slice())
    );
    client.send(10, &ping.payload);
    until(|| sim.control().connections(None)[0].protocol_pongs == 1);
    client.send(9, b"mine");
    loop {
        let message = client.message().expect("a pong");
        if message.opcode == 10 {
            assert_eq!(message.payload, b"mine");
            break;
        }
    }
    assert_eq!(sim.control().ledger().protocol_pings, 1);
}
