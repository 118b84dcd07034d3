//! What the running server says, if there is one: `check` asks it instead of guessing.

use longwire_admin::document::StatusDocument;
use longwire_fleet::setback::chain;

use super::findings::Findings;
use crate::cli::ServerArgs;
use crate::client::{Client, ClientError, ask};
use crate::config::Loaded;

/// Whether a server of this configuration runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    Runs,
    Away,
}

/// Tells of the server, and of each group of bots that it does not have connected.
pub(super) fn tell(loaded: &Loaded, server: &ServerArgs, findings: &mut Findings) -> Server {
    let client = match Client::of(loaded, server) {
        Ok(client) => client,
        // Without a token nobody can be asked. Before the first start there is none.
        Err(ClientError::Token(_)) => return Server::Away,
        // None has to run, but one that was named has to.
        Err(ClientError::Unreachable { .. }) if server.admin_url.is_none() => {
            findings.good("server", "none runs".to_owned());
            return Server::Away;
        }
        Err(error) => return refused(&error, findings),
    };
    match ask(client.get::<StatusDocument>("/admin/v1/status", &[])) {
        Ok(status) => {
            bots(&status, findings);
            Server::Runs
        }
        Err(ClientError::Unreachable { .. }) => {
            findings.good("server", "none runs".to_owned());
            Server::Away
        }
        Err(error) => refused(&error, findings),
    }
}

/// A server is there and does not say how it fares.
fn refused(error: &ClientError, findings: &mut Findings) -> Server {
    let advice = error.advice().unwrap_or("see what it says");
    findings.bad("server", chain(error), advice);
    Server::Away
}

fn bots(status: &StatusDocument, findings: &mut Findings) {
    let bots = &status.installations;
    let connected = bots.live + bots.webhook;
    findings.good(
        "server",
        format!(
            "runs, version {}, {connected} of {} wanted bots are served",
            status.version, bots.wanted
        ),
    );
    for group in &bots.groups {
        let named: Vec<&str> = group
            .installations
            .iter()
            .take(3)
            .map(|bot| bot.name.as_str())
            .collect();
        let more = group.count.saturating_sub(named.len() as u64);
        let more = match more {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        let reason = group.reason_text.as_deref().unwrap_or(&group.state);
        findings.bad(
            "bots",
            format!(
                "the server has not connected {}{more}: {reason}",
                named.join(", ")
            ),
            group.next_step.as_deref().unwrap_or(
                "wait: it is being connected. `longwire status --wait 1m` waits for all",
            ),
        );
    }
}
