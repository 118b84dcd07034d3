//! `longwire bench peers`: the gateway beside the floor and the official SDKs.
//!
//! ```text
//! round ▶ scenario ▶ client in turn, the order moved on by one each round ▶ a run with everything fresh
//! ```
//! A host's speed moves by tens of per cent within the hour, so figures of two clients compare only when they were
//! taken one after the other: ratios are taken within a round, and the median over the rounds is told. Whoever keeps
//! a record has it held against the platform's ledger after each run; a comparison with a lossy one would say nothing.

mod comparison;
mod run;

use longwire_terminal::{Table, grouped, ms, say};
use serde::Serialize;

pub(crate) use self::comparison::median;
use self::comparison::{Comparison, compare};
use self::run::{Measured, PeerRun, Scenario};
use super::report::{HostFacts, Report, ReportFigures, ReportRow, seconds};
use crate::cli::{BenchPeers, PeerClient};
use crate::error::{BenchError, INSTALL, StandError};
use crate::outcome::RunOutcome;
use crate::program::Program;
use crate::stand::{ProgressLine, RunVerdict, Sdks, allow_connections, parent};

const ALL: [PeerClient; 6] = [
    PeerClient::Longwire,
    PeerClient::BareDurable,
    PeerClient::BareAppend,
    PeerClient::Bare,
    PeerClient::Node,
    PeerClient::Python,
];

/// What all rounds found.
#[derive(Debug, Serialize)]
struct Peers {
    clients: Vec<ClientFacts>,
    /// Clients that were left out because their SDK is not installed.
    skipped: Vec<PeerClient>,
    medians: Vec<Median>,
    comparisons: Vec<Comparison>,
    runs: Vec<PeerRun>,
}

#[derive(Debug, Serialize)]
struct ClientFacts {
    client: PeerClient,
    /// Of the SDK and its interpreter.
    version: Option<String>,
    /// Every event is on disk before its ACK.
    durable: bool,
}

/// The middle of all rounds, each figure by itself.
#[derive(Debug, Serialize)]
struct Median {
    scenario: Scenario,
    client: PeerClient,
    figures: Measured,
}

pub(super) async fn run(command: &BenchPeers, program: &Program) -> Result<RunOutcome, BenchError> {
    let progress = ProgressLine::new();
    let sdks = Sdks::find(program, command.sdks.as_deref());
    let (clients, skipped) = choose(command, &sdks)?;
    let scenarios = scenarios(command);
    let most = scenarios.iter().map(|scenario| scenario.at_a_time()).max();
    allow_connections(program, most.unwrap_or(1))?;
    let mut runs: Vec<PeerRun> = Vec::new();
    let mut verdict = RunVerdict::default();
    for round in 1..=command.rounds {
        for scenario in &scenarios {
            let mut takers: Vec<PeerClient> = clients
                .iter()
                .copied()
                .filter(|client| scenario.takes(*client))
                .collect();
            let takers_count = takers.len().max(1);
            takers.rotate_left((round as usize - 1) % takers_count);
            for client in takers {
                progress.say(&format!(
                    "round {round} of {}: {}, {}",
                    command.rounds,
                    scenario.tell(),
                    client.name()
                ));
                let (figures, own) =
                    run::carry(command, program, *scenario, client, &sdks, &progress).await?;
                if let Some(own) = own {
                    verdict.add(&own);
                }
                runs.push(PeerRun {
                    round,
                    scenario: *scenario,
                    client,
                    figures,
                });
            }
        }
    }
    drop(progress);
    let facts = |client: &PeerClient| ClientFacts {
        client: *client,
        version: sdks.version(*client).map(str::to_owned),
        durable: matches!(
            client,
            PeerClient::Longwire | PeerClient::BareDurable | PeerClient::BareAppend
        ),
    };
    Report {
        command: "bench peers",
        asked: asked(command),
        ground: HostFacts::of(program, &parent(command.ground.directory.as_deref())),
        figures: Peers {
            clients: clients.iter().map(facts).collect(),
            skipped,
            medians: medians(&scenarios, &clients, &runs),
            comparisons: compare(&runs),
            runs,
        },
        verdict,
    }
    .print(command.ground.json)
}

/// Those that can be run, and those that cannot. One that was asked for by name has to be there.
fn choose(
    command: &BenchPeers,
    sdks: &Sdks,
) -> Result<(Vec<PeerClient>, Vec<PeerClient>), BenchError> {
    let wanted = |client: &PeerClient| command.only.is_empty() || command.only.contains(client);
    let there = |client: &PeerClient| {
        !matches!(client, PeerClient::Node | PeerClient::Python) || sdks.version(*client).is_some()
    };
    let (clients, skipped): (Vec<_>, Vec<_>) = ALL.into_iter().filter(wanted).partition(there);
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

fn scenarios(command: &BenchPeers) -> Vec<Scenario> {
    let saturation = command
        .connections
        .iter()
        .map(|connections| Scenario::Saturation(*connections));
    let storm = (command.storm > 0).then_some(Scenario::Storm(command.storm));
    saturation.chain([Scenario::Paced]).chain(storm).collect()
}

fn medians(scenarios: &[Scenario], clients: &[PeerClient], runs: &[PeerRun]) -> Vec<Median> {
    let mut medians = Vec::new();
    for scenario in scenarios {
        for client in clients {
            let own: Vec<&Measured> = runs
                .iter()
                .filter(|run| run.scenario == *scenario && run.client == *client)
                .map(|run| &run.figures)
                .collect();
            if own.is_empty() {
                continue;
            }
            let of = |figure: fn(&Measured) -> f64| median(own.iter().map(|run| figure(run)));
            medians.push(Median {
                scenario: *scenario,
                client: *client,
                figures: Measured {
                    acked_per_second: of(|run| run.acked_per_second),
                    p50_us: of(|run| run.p50_us),
                    p99_us: of(|run| run.p99_us),
                    client_us_per_event: of(|run| run.client_us_per_event),
                    platform_us_per_event: of(|run| run.platform_us_per_event),
                    platform_cpu_share: of(|run| run.platform_cpu_share),
                    all_back_seconds: of(|run| run.all_back_seconds),
                },
            });
        }
    }
    medians
}

fn asked(command: &BenchPeers) -> String {
    format!(
        "{} rounds, {} s each, 1 024 bytes, reconnect nonce 0, no budget of attempts",
        command.rounds, command.seconds
    )
}

impl ReportFigures for Peers {
    fn table(&self) -> Option<Table> {
        let mut table = Table::new([
            "SCENARIO",
            "CLIENT",
            "ACKS/S",
            "P50",
            "P99",
            "CLIENT µS/EVENT",
            "PLATFORM µS/EVENT",
            "ALL BACK",
        ]);
        for Median {
            scenario,
            client,
            figures,
        } in &self.medians
        {
            let name = client.name().to_owned();
            let row = if let Scenario::Storm(_) = scenario {
                let back = seconds(figures.all_back_seconds);
                let none = String::new;
                [
                    scenario.tell(),
                    name,
                    none(),
                    none(),
                    none(),
                    none(),
                    none(),
                    back,
                ]
            } else {
                [
                    scenario.tell(),
                    name,
                    grouped(figures.acked_per_second as u64),
                    ms(figures.p50_us as u64),
                    ms(figures.p99_us as u64),
                    format!("{:.2}", figures.client_us_per_event),
                    format!("{:.2}", figures.platform_us_per_event),
                    String::new(),
                ]
            };
            table.row(row);
        }
        Some(table)
    }

    fn rows(&self) -> Vec<ReportRow> {
        let mut rows: Vec<ReportRow> = self
            .clients
            .iter()
            .filter_map(|client| {
                let version = client.version.as_ref()?;
                Some(ReportRow::new(
                    client.client.name(),
                    version,
                    "stores nothing",
                ))
            })
            .collect();
        let skipped = |client: &PeerClient| ReportRow::new(client.name(), "SKIPPED", INSTALL);
        rows.extend(self.skipped.iter().map(skipped));
        rows.extend(self.comparisons.iter().map(Comparison::row));
        rows
    }
}
