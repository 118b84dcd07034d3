//! The platform ends the connection, or the gateway gives it up.

use longwire_sim::ConnectionId;
use longwire_sim::wecom::{ConnectionFault, Control, Target};
use longwire_tests::{Gateway, Setup, bot_id, holder, wait_until};
use serde_json::json;

use super::comparison::settle;
use super::{burst, flood, until_more_are_recorded, wecom};

/// The platform ends the connection in the middle of a flood, in each of its ways.
#[test]
fn an_end_by_the_platform_in_a_flood_loses_nothing_that_tcp_delivered() {
    let sim = wecom();
    let control = sim.control();
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    gateway.wait_live("a");
    flood(&control);
    let ends = [
        (ConnectionFault::Hangup, true),
        (ConnectionFault::Close(1000), true),
        (ConnectionFault::Drop, false),
        (ConnectionFault::CloseWithoutCode, true),
        (ConnectionFault::Hangup, true),
    ];
    for (fault, _) in &ends {
        until_more_are_recorded(&gateway, 300);
        let before = holder(&control, "a").id;
        control.fault(Target::Bot(bot_id("a")), fault.clone());
        wait_until("another connection holds it", || {
            match holder(&control, "a").id {
                id if id == before => Err(format!("{fault:?}")),
                _ => Ok(()),
            }
        });
    }
    until_more_are_recorded(&gateway, 300);
    let missing = settle(&control, &gateway);
    for ((fault, carries), missing) in ends.iter().zip(missing) {
        assert!(
            !carries || missing == 0,
            "{missing} missing after {fault:?}"
        );
    }
}

/// Messages before a displacement or a violation of the protocol are kept.
#[test]
fn what_came_before_a_violation_or_a_displacement_is_kept() {
    let sim = wecom();
    let control = sim.control();
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    gateway.wait_live("a");
    burst(&control, 50);
    control.fault(Target::Bot(bot_id("a")), ConnectionFault::MaskedFrame);
    gateway.wait_installation("a", "back", |view| {
        view["state"] == "live" && view["generation"] == 2
    });
    burst(&control, 50);
    // In the same packet as a burst that comes behind it.
    control.fault(Target::Bot(bot_id("a")), ConnectionFault::Displace);
    gateway.expect_error("another program has taken the bot");
    gateway.wait_installation("a", "displaced", |view| view["state"] == "displaced");
    assert_eq!(settle(&control, &gateway), [0]);
}

/// Writes a message to a connection that the gateway has given up already, and waits until it is recorded.
fn late_message(gateway: &Gateway, control: &Control, over: ConnectionId, msgid: &str) {
    let message = json!({
        "cmd": "aibot_msg_callback", "headers": { "req_id": msgid },
        "body": {
            "msgid": msgid, "aibotid": bot_id("a"), "chattype": "single", "from": { "userid": "zhangsan" },
            "msgtype": "text", "text": { "content": "late" },
        },
    });
    let fault = ConnectionFault::Text(message.to_string());
    assert_eq!(control.fault(Target::Connection(over), fault), 1);
    wait_until("what came late is recorded", || {
        gateway
            .event(msgid)
            .map(drop)
            .ok_or_else(|| gateway.log().tail())
    });
}

#[test]
fn what_comes_over_a_connection_that_was_given_up_is_kept() {
    let sim = wecom();
    let control = sim.control();
    let gateway = Setup::without_platform()
        .wecom_bot("a", &sim)
        .set("timing.pong_grace", "500ms")
        .start();
    gateway.wait_live("a");
    // It answers no ping and takes no goodbye, but it still sends.
    let silent = holder(&control, "a").id;
    control.fault(Target::Connection(silent), ConnectionFault::StopReading);
    gateway.wait_installation("a", "connected anew", |view| {
        view["state"] == "live" && view["generation"] == 2
    });
    late_message(&gateway, &control, silent, "after-the-silence");

    let displaced = holder(&control, "a").id;
    control.fault(Target::Connection(displaced), ConnectionFault::StopReading);
    control.fault(Target::Connection(displaced), ConnectionFault::Displace);
    gateway.expect_error("another program has taken the bot");
    gateway.wait_installation("a", "displaced", |view| view["state"] == "displaced");
    late_message(&gateway, &control, displaced, "after-the-displacement");
}
