//! `longwire bench relay`: the official SDKs behind the gateway, beside the same programs straight at the platform.
//!
//! ```text
//! straight  platform ──────────────────────────▶ application on an SDK
//! behind    platform ─▶ longwire ─▶ its record ─▶ application on an SDK
//! ```
//! Both are asked the same: how many events a second their handlers take when there is always more, and how late a handler is
//! called at an even pace. Straight, the platform keeps a window of unanswered events; behind, the gateway has as many events
//! recorded, and what it delivers is measured without the platform's part. Ratios are taken within a round. Then idle connections
//! are weighed, and calls of the Open API are timed, straight and through the gateway.

mod calls;
mod figures;
mod idle;
mod run;

use crate::cli::{BenchRelay, PeerClient};
use crate::error::{BenchError, INSTALL, StandError};
use crate::outcome::RunOutcome;
use crate::program::Program;
use crate::report::{HostFacts, Report};
use crate::stand::{ProgressLine, RunVerdict, Sdks, parent};
use figures::{RelayFigures, SdkFacts, SdkRun};
use longwire_terminal::say;

const SDKS: [PeerClient; 2] = [PeerClient::Node, PeerClient::Python];

pub(super) async fn run(command: &BenchRelay, program: &Program) -> Result<RunOutcome, BenchError> {
    let progress = ProgressLine::new();
    let sdks = Sdks::find(program, command.sdks.as_deref());
    let (clients, skipped) = choose(command, &sdks)?;
    let mut verdict = RunVerdict::default();
    let mut runs: Vec<SdkRun> = Vec::new();
    for round in 1..=command.rounds {
        for client in turn(&clients, round) {
            progress.say(&format!(
                "round {round} of {}: {}",
                command.rounds,
                client.name()
            ));
            let pair = run::carry(command, program, &sdks, client, round, &progress).await?;
            verdict.add(&pair.verdict);
            runs.push(pair.run);
        }
    }
    let idle = match command.idle {
        0 => None,
        idle => {
            progress.say("idle connections");
            let (weighed, own) = idle::weigh(command, program, idle).await?;
            verdict.add(&own);
            Some(weighed)
        }
    };
    let calls = match command.callers {
        0 => None,
        callers => {
            progress.say("calls");
            let (timed, own) = calls::time(command, program, callers, &progress).await?;
            verdict.add(&own);
            Some(timed)
        }
    };
    drop(progress);
    let facts = |client: &PeerClient| SdkFacts {
        client: *client,
        version: sdks.version(*client).unwrap_or_default().to_owned(),
    };
    Report {
        command: "bench relay",
        asked: format!(
            "{} rounds, {} events in {} chats, then {} events/s for {} s; 1 024 bytes",
            command.rounds, command.events, command.chats, command.rate, command.seconds
        ),
        ground: HostFacts::of(program, &parent(command.ground.directory.as_deref())),
        figures: RelayFigures {
            sdks: clients.iter().map(facts).collect(),
            skipped,
            runs,
            idle,
            calls,
        },
        verdict,
    }
    .print(command.ground.json)
}

/// Those that can be run, and those that cannot. One that was asked for by name has to be there.
fn choose(
    command: &BenchRelay,
    sdks: &Sdks,
) -> Result<(Vec<PeerClient>, Vec<PeerClient>), BenchError> {
    if let Some(other) = command.only.iter().find(|client| !SDKS.contains(client)) {
        let words = format!("{} is no SDK: node and python are", other.name());
        return Err(BenchError::Usage(words));
    }
    let wanted = |client: &PeerClient| command.only.is_empty() || command.only.contains(client);
    let there = |client: &PeerClient| sdks.version(*client).is_some();
    let (clients, skipped): (Vec<_>, Vec<_>) = SDKS.into_iter().filter(wanted).partition(there);
    for client in &skipped {
        let peer = client.name();
        if !command.only.is_empty() {
            return Err(StandError::NoSdk { peer }.into());
        }
        say(format_args!(
            "SKIPPED: the SDK of {peer} is not installed; {INSTALL}"
        ));
    }
    Ok((clients, skipped))
}

/// All of them, beginning one further in each round.
fn turn(clients: &[PeerClient], round: u32) -> Vec<PeerClient> {
    let mut clients = clients.to_vec();
    let count = clients.len().max(1);
    clients.rotate_left((round as usize - 1) % count);
    clients
}
