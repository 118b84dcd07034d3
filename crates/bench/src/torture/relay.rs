//! `torture --relay`: two instances of an application, connected as the official SDKs connect, while the gateway and they
//! themselves are killed again and again.
//!
//! Both write what their handlers took into one file. That file is held against the whole log.

mod account;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::schedule::{Plan, Schedule};
use crate::application::{Note, NotesReader};
use crate::error::BenchError;
use crate::stand::{ApplicationSettings, GatewayProcess, Process, TestStand};

pub(super) use account::RelayAccount;

/// How often the notes are looked at in the end.
const LOOK: Duration = Duration::from_millis(200);
/// How long nothing may arrive at the end: retries of a life before have their time.
const STUCK: Duration = Duration::from_secs(120);
/// The instances of one application.
const INSTANCES: usize = 2;

/// Both instances, and what they wrote so far.
pub(super) struct RelayedApplications<'a> {
    stand: &'a TestStand,
    settings: ApplicationSettings,
    instances: [Process; INSTANCES],
    schedule: Schedule,
    kills: u32,
    notes: NotesReader,
    taken: Vec<Note>,
}

impl<'a> RelayedApplications<'a> {
    /// Starts them, and waits until they are connected: their consumers begin then.
    pub(super) async fn start(
        stand: &'a TestStand,
        gateway: &mut GatewayProcess,
        bots: u32,
        plan: RelayPlan,
    ) -> Result<Self, BenchError> {
        let token = gateway.add_token("torture", &["relay"]).await?;
        let path = stand.directory().join("application.notes");
        let settings = ApplicationSettings {
            base_url: gateway.api_url().await?,
            bots,
            connections: 1,
            token_file: stand.keep_token(&token)?,
            notes: Some(path.clone()),
        };
        let mut instances = [
            stand.spawn_application(&settings)?,
            stand.spawn_application(&settings)?,
        ];
        for instance in &mut instances {
            settings.all_connected(instance).await?;
        }
        let open = BenchError::io(format!("read {}", path.display()));
        Ok(Self {
            stand,
            settings,
            instances,
            schedule: Schedule::new(
                // Other instants than those of the gateway's kills.
                !plan.seed,
                plan.longest,
                Plan {
                    lives: plan.kills,
                    stops: 0,
                    full_disks: 0,
                    stalls: 0,
                    stall: Duration::ZERO,
                },
            ),
            kills: 0,
            notes: NotesReader::open(&path).map_err(open)?,
            taken: Vec::new(),
        })
    }

    /// One instance lives for a while, dies, and is started again at once. They take turns.
    pub(super) async fn live_and_die(&mut self) -> Result<(), BenchError> {
        let life = self.schedule.next_life();
        tokio::time::sleep(life.before + life.after).await;
        let instance = &mut self.instances[self.kills as usize % INSTANCES];
        instance.check()?;
        instance.end_now();
        *instance = self.stand.spawn_application(&self.settings)?;
        self.kills += 1;
        Ok(())
    }

    fn read(&mut self) -> Result<(), BenchError> {
        let read = BenchError::io("read the notes");
        self.taken.append(&mut self.notes.next().map_err(read)?);
        Ok(())
    }

    /// Waits until each recorded event was taken, or nothing has come for too long. What is missing then, the account tells.
    pub(super) async fn catch_up(&mut self) -> Result<(), BenchError> {
        let recorded = account::recorded_events(&self.stand.reader()?)?.len();
        let mut news = (0, Instant::now());
        let mut distinct: HashSet<String> = HashSet::new();
        loop {
            let known = self.taken.len();
            self.read()?;
            distinct.extend(self.taken[known..].iter().map(|note| note.event_id.clone()));
            // The last line is read when the applications have ended.
            if distinct.len() + 1 >= recorded || news.1.elapsed() >= STUCK {
                return Ok(());
            }
            if distinct.len() > news.0 {
                news = (distinct.len(), Instant::now());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Holds the notes against the log, after the last gateway has ended.
    pub(super) fn account(self) -> Result<RelayAccount, BenchError> {
        drop(self.instances);
        let mut taken = self.taken;
        let read = BenchError::io("read the notes");
        taken.append(&mut self.notes.last().map_err(read)?);
        let recorded = account::recorded_events(&self.stand.reader()?)?;
        Ok(RelayAccount::reach(self.kills, &recorded, &taken))
    }
}

/// When instances are killed.
#[derive(Debug, Clone, Copy)]
pub(super) struct RelayPlan {
    pub(super) seed: u64,
    pub(super) longest: Duration,
    pub(super) kills: u32,
}
