//! The platform of a story.

use longwire_sim::{Sim, SimSettings};
use longwire_wire::endpoint::ClientConfig;

/// Starts a platform that asks for a ping every second and for no pause before a reconnect, the shortest values the
/// protocol allows. `change` has the last word on its settings.
pub fn platform(change: impl FnOnce(&mut SimSettings)) -> Sim {
    let mut settings = SimSettings {
        client_config: ClientConfig {
            reconnect_count: Some(-1),
            reconnect_interval: Some(1),
            reconnect_nonce: Some(0),
            ping_interval: Some(1),
        },
        ..SimSettings::default()
    };
    change(&mut settings);
    Sim::start(settings).expect("a simulator starts on a free port")
}

/// The app id of the bot of this name, in the platform's shape: `cli_` and 16 hex digits.
#[must_use]
pub fn app_id(bot: &str) -> String {
    // FNV-1a: the same name is the same app in every run.
    let hash = bot.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("cli_{hash:016x}")
}
