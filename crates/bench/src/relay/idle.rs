//! What an idle connection of an application costs the gateway: the growth of its memory from a tenth of them to all.
//!
//! Both are measured in one gateway that has been at rest before: what it gives back after its start is more than some hundred
//! connections take, and another process has another start.

use std::time::Duration;

use super::figures::IdleConnections;
use crate::cli::BenchRelay;
use crate::error::{BenchError, StandError};
use crate::program::Program;
use crate::stand::{ApplicationSettings, GatewayProcess, PlatformSettings, RunVerdict, TestStand};

/// Each bot has so many connections at most.
const CONNECTIONS_PER_BOT: u32 = 50;
/// After it, first pings are answered and the allocator has given back what it can do without.
const REST: Duration = Duration::from_secs(10);

/// Opens them from two processes: a tenth, and the rest.
pub(super) async fn weigh(
    command: &BenchRelay,
    program: &Program,
    idle: u32,
) -> Result<(IdleConnections, RunVerdict), BenchError> {
    let bots = idle.div_ceil(CONNECTIONS_PER_BOT);
    let directory = command.ground.directory.as_deref();
    let settings = PlatformSettings::default();
    let most = u64::from(idle + bots);
    let stand = TestStand::build(program, most, directory, 0, &settings).await?;
    let mut gateway = stand.spawn(bots)?;
    stand.all_live(&mut gateway, bots).await?;
    let token = gateway.add_token("idle", &["relay"]).await?;
    tokio::time::sleep(REST).await;
    let each = idle.div_ceil(bots);
    let tenth = ApplicationSettings {
        base_url: gateway.api_url().await?,
        bots,
        connections: each.div_ceil(10),
        token_file: stand.keep_token(&token)?,
        notes: None,
    };
    let rest = ApplicationSettings {
        connections: (each - each.div_ceil(10)).max(1),
        ..tenth.clone()
    };
    let few = bots * tenth.connections;
    let all = few + bots * rest.connections;
    let mut first = stand.spawn_application(&tenth)?;
    tenth.all_connected(&mut first).await?;
    let few_bytes = at_rest(&mut gateway, few).await?;
    let mut second = stand.spawn_application(&rest)?;
    rest.all_connected(&mut second).await?;
    let all_bytes = at_rest(&mut gateway, all).await?;
    drop((first, second));
    let weighed = IdleConnections {
        few,
        all,
        few_bytes,
        all_bytes,
    };
    Ok((weighed, stand.verdict(gateway).await?))
}

/// What the gateway has in memory with so many connections, after a while in which none of them ended.
async fn at_rest(gateway: &mut GatewayProcess, connections: u32) -> Result<u64, BenchError> {
    tokio::time::sleep(REST).await;
    let bytes = gateway.process.resident()?.now;
    let live = gateway.application_connections().await?;
    let (wanted, limit) = (u64::from(connections), REST);
    if live != wanted {
        return Err(StandError::NotLive {
            live,
            wanted,
            limit,
        }
        .into());
    }
    Ok(bytes)
}
