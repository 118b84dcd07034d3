//! The client that holds the connections in a run: the gateway, or a peer it is compared with.
//!
//! Both are measured in the same way: by the platform's counters, and by the process's own time and memory as the
//! operating system tells them. A gateway can be asked more than that.

use std::ffi::OsStr;
use std::path::Path;
use std::time::{Duration, Instant};

use super::process::Process;
use super::verdict::RunVerdict;
use super::{CONNECT, GatewayOverview, GatewayProcess, RecordedIds, TestStand, look};
use crate::cli::PeerClient;
use crate::error::{BenchError, Role, StandError};
use crate::stand::Sdks;

/// The database of the durable floor, in the directory of the run.
const FLOOR_LOG: &str = "bare.db";

/// A running one. Dropping it kills it.
pub(crate) enum MeasuredClient {
    Gateway(Box<GatewayProcess>),
    Peer { which: PeerClient, process: Process },
}

impl MeasuredClient {
    pub(crate) fn process(&self) -> &Process {
        match self {
            Self::Gateway(gateway) => &gateway.process,
            Self::Peer { process, .. } => process,
        }
    }

    /// What it says of itself; a peer says nothing.
    pub(crate) async fn view(&mut self) -> Result<GatewayOverview, BenchError> {
        match self {
            Self::Gateway(gateway) => gateway.view().await,
            Self::Peer { .. } => Ok(GatewayOverview::default()),
        }
    }

    fn check(&mut self) -> Result<(), StandError> {
        match self {
            Self::Gateway(gateway) => gateway.process.check(),
            Self::Peer { process, .. } => process.check(),
        }
    }
}

impl TestStand {
    /// Starts a client with so many bots, and does not wait for it.
    pub(crate) fn spawn_client(
        &self,
        which: PeerClient,
        bots: u32,
        sdks: &Sdks,
    ) -> Result<MeasuredClient, BenchError> {
        let (base_url, number) = (&self.platform.base_url, bots.to_string());
        let role = Role::Peer(which.name());
        let process = match which {
            PeerClient::Longwire => {
                return Ok(MeasuredClient::Gateway(Box::new(self.spawn(bots)?)));
            }
            PeerClient::Bare | PeerClient::BareDurable | PeerClient::BareAppend => {
                let arguments = ["bench", "floor", base_url, &number].map(OsStr::new);
                let log = self.floor_log();
                let record = [OsStr::new("--log"), log.as_os_str(), OsStr::new("--append")];
                let record = match which {
                    PeerClient::Bare => &record[..0],
                    PeerClient::BareAppend => &record[..],
                    _ => &record[..2],
                };
                Process::spawn(
                    &self.program,
                    role,
                    &[&arguments[..], record].concat(),
                    |_| None,
                )?
            }
            PeerClient::Node | PeerClient::Python => {
                let mut command = sdks.command(which, self.directory())?;
                command.args([base_url, &number]);
                Process::run(role, command, |_| None)?
            }
        };
        Ok(MeasuredClient::Peer { which, process })
    }

    /// Waits until the platform has so many connections.
    pub(crate) async fn all_connected(
        &self,
        client: &mut MeasuredClient,
        wanted: u32,
    ) -> Result<(), BenchError> {
        let limit = CONNECT + Duration::from_millis(u64::from(wanted) * 20);
        let wanted = u64::from(wanted);
        let until = Instant::now() + limit;
        loop {
            client.check()?;
            let ledger = self.platform.ledger().await?;
            let live = ledger.connections_opened - ledger.connections_ended;
            if live >= wanted {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(StandError::NotLive {
                    live,
                    wanted,
                    limit,
                }
                .into());
            }
            tokio::time::sleep(look(wanted)).await;
        }
    }

    /// Ends the client, then holds the ledger against what it recorded; `None` for one that records nothing.
    pub(crate) async fn verdict_of(
        &self,
        client: MeasuredClient,
    ) -> Result<Option<RunVerdict>, BenchError> {
        let (which, process) = match client {
            MeasuredClient::Gateway(gateway) => return self.verdict(*gateway).await.map(Some),
            MeasuredClient::Peer { which, process } => (which, process),
        };
        // Dropping it kills it.
        drop(process);
        if !matches!(which, PeerClient::BareDurable | PeerClient::BareAppend) {
            return Ok(None);
        }
        let ledger = self.platform.ledger().await?;
        let owed = self.platform.owed().await?;
        let events = longwire_bare::recorded_events(&self.floor_log())?;
        let recorded = RecordedIds::gather(events.into_iter().map(|event| event.event_id));
        Ok(Some(RunVerdict::reach(&ledger, &owed, &recorded)))
    }

    fn floor_log(&self) -> std::path::PathBuf {
        Path::join(self.directory(), FLOOR_LOG)
    }
}
