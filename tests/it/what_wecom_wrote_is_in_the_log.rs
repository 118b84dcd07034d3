//! WeCom never resends a message. So everything that the platform wrote to a connection is compared with the log, in
//! order: in floods, over stops, kills, ends from either side, a full disk and a locked store.
//!
//! If the connection carries its bytes to the end (FIN, or a close frame from either side), all messages are in the
//! log. Otherwise (a reset, a killed process) the log has the earlier messages without a gap.

mod comparison;
mod ends;
mod losses;
mod stops;
mod store_in_trouble;

use std::time::Duration;

use longwire_sim::wecom::{Control, Flood, Push, Sim};
use longwire_tests::{Gateway, bot_id, wait_until, wecom_platform};

/// A WeCom that waits long before it resets a connection, so that all bytes arrive.
fn wecom() -> Sim {
    wecom_platform(|settings| {
        settings.keep_records = 2_000_000;
        settings.close_patience = Duration::from_secs(60);
    })
}

fn flood(control: &Control) {
    control.push_flood(Flood {
        payload_bytes: 700,
        ..Flood::default()
    });
}

/// Pushes messages that come in one packet.
fn burst(control: &Control, count: usize) {
    let push = |number: usize| Push::text(&number.to_string());
    control.push_burst(&bot_id("a"), (0..count).map(push).collect());
}

fn recorded(gateway: &Gateway) -> u64 {
    let recorded = gateway.overview()["events"]["recorded"].take();
    recorded.as_u64().expect("a number")
}

/// Waits until this many events more are in the log than now.
#[track_caller]
fn until_more_are_recorded(gateway: &Gateway, more: u64) {
    let wanted = recorded(gateway) + more;
    wait_until("events are recorded", || match recorded(gateway) {
        now if now >= wanted => Ok(()),
        now => Err(now.to_string()),
    });
}
