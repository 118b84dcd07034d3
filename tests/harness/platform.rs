//! Starts the simulated platforms of a story, and makes the ids of its bots.

use std::net::SocketAddr;

use longwire_sim::{Sim, SimSettings, wecom};
use longwire_wire::endpoint::ClientConfig;
use tokio::net::TcpSocket;

/// Starts a Feishu platform that asks for a ping every second and for no pause before a reconnect, the shortest values
/// that the protocol allows. `change` may change its settings.
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

/// The secret of every declared bot. Tests for leaks search for it.
pub const SECRET: &str = "a-secret-nobody-may-print";

/// Starts a WeCom platform. `change` may change its settings.
pub fn wecom_platform(change: impl FnOnce(&mut wecom::SimSettings)) -> wecom::Sim {
    let mut settings = wecom::SimSettings::default();
    change(&mut settings);
    wecom::Sim::start(settings).expect("a simulator starts on a free port")
}

/// The address of a platform that is started later. The port is reserved by the socket, and nothing listens on it until
/// the socket is dropped and the platform is started.
#[must_use]
pub fn absent_platform() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().expect("a socket");
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(free).expect("a free port");
    let address = socket.local_addr().expect("it is bound");
    (socket, address)
}

/// The id of the WeCom bot with this name.
#[must_use]
pub fn bot_id(bot: &str) -> String {
    format!("aib{:016x}", hash(bot))
}

/// The app id of the bot with this name, in the platform's form: `cli_` and 16 hex digits.
#[must_use]
pub fn app_id(bot: &str) -> String {
    format!("cli_{:016x}", hash(bot))
}

/// FNV-1a: the same name has the same id in every run.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
