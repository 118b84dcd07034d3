//! Whether the server can listen where the configuration says.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use longwire_store::ProcessUser;

use super::findings::Findings;
use super::port_owner::owner_of;
use super::server::Server;
use crate::config::Config;

/// Tells of both listeners. A port that the running server has is as it should be.
pub(super) fn tell(config: &Config, server: Server, findings: &mut Findings) {
    listener(config.server.listen, "server.listen", server, findings);
    let admin = config.server.admin_listen;
    listener(admin, "server.admin_listen", server, findings);
}

fn listener(address: SocketAddr, setting: &str, server: Server, findings: &mut Findings) {
    // Port 0 takes a free one at each start. The listener that is made here is closed at once.
    let error = match TcpListener::bind(address) {
        Ok(_) => return findings.good("port", format!("{address} is free ({setting})")),
        Err(error) => error,
    };
    let (finding, fix) = match (error.kind(), server) {
        (ErrorKind::AddrInUse, Server::Runs) => {
            let finding = format!("{address} is taken by the running server ({setting})");
            return findings.good("port", finding);
        }
        (ErrorKind::AddrInUse, Server::Away) => (
            match owner_of(address.port()) {
                Some(owner) => format!("{address} is taken by {owner} ({setting})"),
                None => format!("{address} is taken by a process of another user ({setting})"),
            },
            "end that process, or choose another address; port 0 takes a free one",
        ),
        (ErrorKind::PermissionDenied, _) => (
            format!(
                "user {} may not listen on {address} ({setting})",
                ProcessUser::now()
            ),
            "ports below 1024 need CAP_NET_BIND_SERVICE; choose one above",
        ),
        _ => (
            format!("cannot listen on {address} ({setting}): {error}"),
            "choose an address of this host",
        ),
    };
    findings.bad("port", finding, fix);
}
