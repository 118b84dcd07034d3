//! What an idle connection of an application costs the gateway: the growth of its memory from a tenth of them to all.

use std::time::Duration;

use super::figures::IdleConnections;
use crate::cli::BenchRelay;
use crate::error::BenchError;
use crate::program::Program;
use crate::stand::{ApplicationSettings, PlatformSettings, RunVerdict, TestStand};

/// Each bot has so many connections.
const CONNECTIONS_PER_BOT: u32 = 50;
/// After it, first pings are answered and the allocator has given back what it can do without.
const REST: Duration = Duration::from_secs(3);

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
    let few = (idle / 10).div_ceil(bots).max(1);
    let tenth = ApplicationSettings {
        base_url: gateway.api_url().await?,
        bots,
        connections: few,
        token_file: stand.keep_token(&token)?,
        notes: None,
    };
    let rest = ApplicationSettings {
        connections: (idle / bots).saturating_sub(few).max(1),
        ..tenth.clone()
    };
    let mut first = stand.spawn_application(&tenth)?;
    tenth.all_connected(&mut first).await?;
    tokio::time::sleep(REST).await;
    let of_tenth = gateway.process.resident()?.now;
    let mut second = stand.spawn_application(&rest)?;
    rest.all_connected(&mut second).await?;
    tokio::time::sleep(REST).await;
    let of_all = gateway.process.resident()?.now;
    drop((first, second));
    let weighed = IdleConnections {
        few: bots * tenth.connections,
        all: bots * (tenth.connections + rest.connections),
        few_bytes: of_tenth,
        all_bytes: of_all,
    };
    Ok((weighed, stand.verdict(gateway).await?))
}
