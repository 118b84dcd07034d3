//! The connection dies, is ended, or carries messages in odd packets.

use longwire_sim::wecom::{ConnectionFault, Push};
use longwire_tests::{Setup, Signal, bot_id, holder, live_wecom_bot, wait_until, wecom_platform};

use super::{bot, wait_generation};

/// S156 and S157: an unanswered heartbeat ends the connection, whatever the reason. The official clients wait for two or
/// three unanswered ones.
#[test]
fn a_dead_connection_is_found_and_redialled() {
    let (sim, gateway) = live_wecom_bot(|setup| setup.set("timing.pong_grace", "1s"));
    let control = sim.control();
    let dead = [
        ConnectionFault::SilentPong,
        ConnectionFault::HalfOpen,
        ConnectionFault::StopReading,
    ];
    for (generation, fault) in (2..).zip(dead) {
        assert_eq!(control.fault(bot("a"), fault.clone()), 1, "{fault:?}");
        wait_generation(&gateway, generation);
        let push = control.push(&bot_id("a"), Push::text("are you there?"));
        wait_until("the new connection serves", || {
            let record = control.record(push).expect("it is new");
            match gateway.event(&record.msgid) {
                Some(_) => Ok(()),
                None => Err(format!("{record:?}")),
            }
        });
    }
    let overview = gateway.overview();
    assert_eq!(overview["connections"]["silent"], 3, "{overview}");
    let ledger = control.ledger();
    assert_eq!(
        (ledger.pings_with_body, ledger.protocol_pings),
        (0, 0),
        "the platform ends connections over these"
    );
}

/// S182, S183 and S184: the bot connects again after every end, a close with 1000 or 1001 included, and without a tight
/// loop.
#[test]
fn whatever_ends_a_connection_the_bot_comes_back() {
    let (sim, gateway) = live_wecom_bot(|setup| setup.set("timing.pong_grace", "1s"));
    let control = sim.control();
    let ends = [
        ConnectionFault::Close(1000),
        ConnectionFault::Close(1001),
        ConnectionFault::Close(1011),
        ConnectionFault::CloseWithoutCode,
        ConnectionFault::Hangup,
        ConnectionFault::Drop,
        ConnectionFault::OversizedFrame(1 << 40),
        // As the platform did to clients that ping below their JSON (S181).
        ConnectionFault::MaskedFrame,
    ];
    let count = ends.len() as u64;
    for (generation, end) in (2..).zip(ends) {
        holder(&control, "a");
        assert_eq!(control.fault(bot("a"), end.clone()), 1, "{end:?}");
        wait_generation(&gateway, generation);
    }
    let ledger = control.ledger();
    assert_eq!(
        (ledger.subscribes, ledger.subscribed),
        (count + 1, count + 1),
        "one attempt each: {ledger:?}"
    );
    assert_eq!(gateway.overview()["connections"]["panics"], 0);
}

/// S194 and S195: messages in pieces, several in one packet, and pings of the WebSocket layer in between are no reason
/// to reconnect.
#[test]
fn messages_come_in_whatever_packets_they_come() {
    let sim = wecom_platform(|settings| settings.tls = None);
    let control = sim.control();
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    gateway.wait_live("a");
    let burst = |size: usize| (0..200).map(|_| Push::made_up(size)).collect::<Vec<_>>();
    control.push_burst(&bot_id("a"), burst(512));
    control.push_burst(&bot_id("a"), burst(9_000));
    control.fault(bot("a"), ConnectionFault::ProtocolPing);
    control.fault(bot("a"), ConnectionFault::Continuation(7));
    control.push_burst(&bot_id("a"), burst(2_000));
    gateway.wait_all_recorded(&control, 600);
    wait_until(
        "the ping of the layer below is answered (S181)",
        || match holder(&control, "a").protocol_pongs {
            1 => Ok(()),
            other => Err(other.to_string()),
        },
    );
    assert_eq!(gateway.wait_live("a")["generation"], 1);
}

/// S186, S187, S191 and S193: a stopped bot and an ending process send a close frame and leave no connection. Messages and
/// heartbeats do not appear in the log.
#[test]
fn a_stop_says_goodbye_and_leaves_nothing_behind() {
    let (sim, mut gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    control.push(&bot_id("a"), Push::text("between us"));
    gateway.wait_all_recorded(&control, 1);
    wait_until("a heartbeat passes", || match control.ledger().pings {
        0 => Err("none".to_owned()),
        _ => Ok(()),
    });
    let gone = |count: u64| {
        wait_until("the connection is gone, with a close frame", || {
            let ledger = control.ledger();
            if (ledger.closed_by_client, ledger.connections_ended) == (count, count) {
                Ok(())
            } else {
                Err(format!("{ledger:?}"))
            }
        });
    };
    gateway.tell("a", "stop");
    gone(1);
    gateway.tell("a", "start");
    gateway.wait_live("a");
    gateway.signal(Signal::Term);
    assert_eq!(gateway.wait_end().code(), Some(0));
    gone(2);
    // What a connection is told at its start is no heartbeat.
    let said = gateway.log().text().replace("ping_interval", "");
    for words in ["between us", "zhangsan", "ping", "aibot_"] {
        assert!(!said.contains(words), "{words}: {said}");
    }
}
