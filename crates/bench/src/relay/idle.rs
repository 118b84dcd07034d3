//! What an idle connection of an application costs the gateway: the growth of its memory from a tenth of them to all.
//!
//! Each number has a gateway of its own with an empty store, which is measured at the same age, so that what a process gives
//! back after its start does not count.

use std::time::Duration;

use super::figures::IdleConnections;
use crate::cli::BenchRelay;
use crate::error::{BenchError, StandError};
use crate::program::Program;
use crate::stand::{ApplicationSettings, PlatformSettings, RunVerdict, TestStand};

/// Each bot has so many connections at most.
const CONNECTIONS_PER_BOT: u32 = 50;
/// After it, first pings are answered and the allocator has given back what it can do without.
const REST: Duration = Duration::from_secs(5);

/// Weighs them, and returns what became of the few events of these runs.
pub(super) async fn weigh(
    command: &BenchRelay,
    program: &Program,
    idle: u32,
) -> Result<(IdleConnections, RunVerdict), BenchError> {
    let bots = idle.div_ceil(CONNECTIONS_PER_BOT);
    let each = idle.div_ceil(bots);
    let (few, few_verdict) = resident(command, program, bots, each.div_ceil(10)).await?;
    let (all, all_verdict) = resident(command, program, bots, each).await?;
    let weighed = IdleConnections {
        few: bots * each.div_ceil(10),
        all: bots * each,
        few_bytes: few,
        all_bytes: all,
    };
    Ok((weighed, few_verdict.and(&all_verdict)))
}

/// What a gateway has in memory whose bots have so many connections each.
async fn resident(
    command: &BenchRelay,
    program: &Program,
    bots: u32,
    connections: u32,
) -> Result<(u64, RunVerdict), BenchError> {
    let directory = command.ground.directory.as_deref();
    let settings = PlatformSettings::default();
    let most = u64::from(bots * (connections + 1));
    let stand = TestStand::build(program, most, directory, 0, &settings).await?;
    let mut gateway = stand.spawn(bots)?;
    stand.all_live(&mut gateway, bots).await?;
    let token = gateway.add_token("idle", &["relay"]).await?;
    let asked = ApplicationSettings {
        base_url: gateway.api_url().await?,
        bots,
        connections,
        token_file: stand.keep_token(&token)?,
        notes: None,
    };
    let mut application = stand.spawn_application(&asked)?;
    asked.all_connected(&mut application).await?;
    tokio::time::sleep(REST).await;
    application.check()?;
    let bytes = gateway.process.resident()?.now;
    let (live, wanted) = (
        gateway.application_connections().await?,
        u64::from(bots * connections),
    );
    if live != wanted {
        let limit = REST;
        return Err(StandError::NotLive {
            live,
            wanted,
            limit,
        }
        .into());
    }
    drop(application);
    Ok((bytes, stand.verdict(gateway).await?))
}
