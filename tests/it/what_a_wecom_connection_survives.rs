//! A WeCom connection that breaks, freezes or sends nonsense costs a bot at most this connection.

mod attempts;
mod breaks;
mod nonsense;

use longwire_sim::wecom::Target;
use longwire_tests::{Gateway, bot_id};
use serde_json::Value;

fn bot(name: &str) -> Target {
    Target::Bot(bot_id(name))
}

fn wait_generation(gateway: &Gateway, generation: u64) -> Value {
    gateway.wait_installation(
        "a",
        &format!("live again, generation {generation}"),
        |view| view["state"] == "live" && view["generation"].as_u64() >= Some(generation),
    )
}
