//! Who receives events during a run, beside the record: applications over each road, and programs of the relay.

use super::applications::TortureApplications;
use super::relay::{RelayPlan, RelayedApplications};
use super::run::TortureRun;
use super::schedule::GatewayLife;
use super::suffered::Suffered;
use crate::cli::Torture;
use crate::error::BenchError;
use crate::program::Program;
use crate::stand::{GatewayProcess, ProgressLine, TestStand};

/// Those that the command asks for.
pub(super) struct Receivers<'a> {
    applications: Option<TortureApplications>,
    relayed: Option<RelayedApplications<'a>>,
}

impl<'a> Receivers<'a> {
    pub(super) async fn start(
        command: &Torture,
        program: &'a Program,
        stand: &'a TestStand,
        gateway: &mut GatewayProcess,
        plan: RelayPlan,
    ) -> Result<Self, BenchError> {
        let applications = match command.deliver {
            true => Some(TortureApplications::start(program, gateway).await?),
            false => None,
        };
        let bots = command.connections;
        let relayed = match command.relay {
            true => Some(RelayedApplications::start(stand, gateway, bots, plan).await?),
            false => None,
        };
        Ok(Self {
            applications,
            relayed,
        })
    }

    /// One life of the gateway, and of a program of the relay at the same time.
    pub(super) async fn live_and_die(
        &mut self,
        run: &mut TortureRun<'_>,
        life: &GatewayLife,
        kill: u32,
    ) -> Result<(), BenchError> {
        match &mut self.relayed {
            None => run.live_and_die(life).await?,
            Some(relayed) => {
                let (gateway, program) =
                    tokio::join!(run.live_and_die(life), relayed.live_and_die());
                gateway.and(program)?;
            }
        }
        match &mut self.applications {
            Some(applications) => applications.look(kill).await,
            None => Ok(()),
        }
    }

    /// Waits until they have everything.
    pub(super) async fn catch_up(
        &mut self,
        stand: &TestStand,
        progress: &ProgressLine,
    ) -> Result<(), BenchError> {
        if let Some(applications) = &self.applications {
            progress.say("waiting for the applications");
            applications.catch_up(stand).await?;
        }
        if let Some(relayed) = &mut self.relayed {
            progress.say("waiting for the handlers");
            relayed.catch_up().await?;
        }
        Ok(())
    }

    /// Holds what they received against the store.
    pub(super) async fn account(
        self,
        stand: &TestStand,
        suffered: &mut Suffered,
    ) -> Result<(), BenchError> {
        if let Some(applications) = self.applications {
            suffered.deliveries = applications.account(stand).await?;
        }
        if let Some(relayed) = self.relayed {
            suffered.relayed = Some(relayed.account()?);
        }
        Ok(())
    }
}
