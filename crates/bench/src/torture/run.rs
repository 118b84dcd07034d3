//! The lives of the gateways, one after the other.

use std::time::Duration;

use longwire_terminal::grouped;
use rustix::process::Signal;

use super::schedule::{GatewayLife, LifeTrouble};
use super::suffered::Suffered;
use crate::disk::{Frozen, Volume};
use crate::error::{BenchError, StandError};
use crate::stand::{Breakage, GatewayProcess, TestStand};

/// How often the gateway is asked how it does.
const LOOK: Duration = Duration::from_millis(100);
/// How long a gateway that starts on a full disk is left alone with it.
const BORN_IN_TROUBLE: Duration = Duration::from_millis(300);

/// What a gateway says that ends because it starts on a full disk: the store does not open, or takes no change.
const NO_ROOM: [&str; 2] = ["no space left for", "the disk is full"];

/// A stall of this length shows, also on a slow host: three seconds after it began, and the gateway has to look.
const SHOWS: Duration = Duration::from_secs(8);

/// A run, as far as it has come.
pub(super) struct TortureRun<'a> {
    stand: &'a TestStand,
    installations: u32,
    gateway: GatewayProcess,
    suffered: Suffered,
    acked: u64,
    /// Of the gateway that lives: the repeats it told of, and whether it ever answered.
    repeats: u64,
    served: bool,
}

impl<'a> TortureRun<'a> {
    pub(super) fn new(
        stand: &'a TestStand,
        installations: u32,
        gateway: GatewayProcess,
        suffered: Suffered,
    ) -> Self {
        Self {
            stand,
            installations,
            gateway,
            suffered,
            acked: 0,
            repeats: 0,
            served: false,
        }
    }

    pub(super) fn end(self) -> (GatewayProcess, Suffered) {
        (self.gateway, self.suffered)
    }

    /// How far it is.
    pub(super) fn line(&self) -> String {
        format!(
            "{} acknowledged, {} were under way at kills",
            grouped(self.acked),
            grouped(self.suffered.unanswered_at_kills)
        )
    }

    /// One life, its death, and the start of the next one.
    pub(super) async fn live_and_die(&mut self, life: &GatewayLife) -> Result<(), BenchError> {
        self.watch(life.before).await;
        match life.trouble {
            None => {
                self.watch(life.after).await;
                self.kill().await
            }
            Some(LifeTrouble::Stop { length, dropped }) => {
                self.gateway.process.check()?;
                self.stop(length, dropped, life).await
            }
            Some(LifeTrouble::FullDisk(length)) => self.full_disk(length, life).await,
            Some(LifeTrouble::Stall(length)) => self.stall(length, life).await,
        }
    }

    async fn stop(
        &mut self,
        length: Duration,
        dropped: bool,
        life: &GatewayLife,
    ) -> Result<(), BenchError> {
        self.suffered.stops += 1;
        self.gateway.process.signal(Signal::STOP);
        if dropped {
            self.stand.platform.break_all(Breakage::Drop).await?;
        }
        tokio::time::sleep(length).await;
        if life.dies_in_it {
            self.suffered.kills_in_trouble += 1;
        } else {
            self.gateway.process.signal(Signal::CONT);
            self.watch(life.after).await;
        }
        self.kill().await
    }

    async fn full_disk(&mut self, length: Duration, life: &GatewayLife) -> Result<(), BenchError> {
        let refused = |source| StandError::Untroubled { source };
        let volume = self.volume()?;
        self.suffered.full_disks += 1;
        volume.fill().map_err(refused)?;
        self.watch(length).await;
        if life.dies_in_it {
            self.suffered.kills_in_trouble += 1;
            self.revive()?;
            self.kill().await?;
            self.watch(BORN_IN_TROUBLE).await;
            volume.empty().map_err(refused)?;
            return self.revive();
        }
        volume.empty().map_err(refused)?;
        self.revive()?;
        self.watch(life.after).await;
        self.revive()?;
        self.kill().await
    }

    /// A gateway that starts on a full disk may end, as long as it says why; a service manager would start it again.
    fn revive(&mut self) -> Result<(), BenchError> {
        match self.gateway.process.check() {
            Ok(()) => Ok(()),
            Err(StandError::Ended { last_words, .. })
                if NO_ROOM.iter().any(|words| last_words.contains(words)) =>
            {
                self.suffered.starts_refused += 1;
                self.start()
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn stall(&mut self, length: Duration, life: &GatewayLife) -> Result<(), BenchError> {
        self.suffered.stalls += 1;
        // One that has yet to come up has nothing under way.
        self.suffered.stalls_to_tell += u32::from(self.served && length >= SHOWS);
        let volume = self.volume()?;
        let frozen: Frozen = volume
            .freeze()
            .map_err(|source| StandError::Untroubled { source })?;
        self.watch(length).await;
        if self.says_stalled().await {
            self.suffered.stalls_told += 1;
        }
        if life.dies_in_it {
            self.suffered.kills_in_trouble += 1;
            // It ends when the kernel lets go of its writer.
            self.gateway.process.signal(Signal::KILL);
            drop(frozen);
            return self.kill().await;
        }
        drop(frozen);
        self.watch(life.after).await;
        self.gateway.process.check()?;
        self.kill().await
    }

    async fn says_stalled(&mut self) -> bool {
        let view = tokio::time::timeout(10 * LOOK, self.gateway.view()).await;
        matches!(view, Ok(Ok(view)) if view.store.cause.as_deref() == Some("stalled"))
    }

    fn volume(&self) -> Result<&'a Volume, StandError> {
        let missing = || std::io::Error::other("the store has none of its own");
        self.stand
            .volume()
            .ok_or_else(|| StandError::Untroubled { source: missing() })
    }

    async fn kill(&mut self) -> Result<(), BenchError> {
        self.suffered.kills += 1;
        self.suffered.kills_in_start_up += u32::from(!self.served);
        self.gateway.process.end_now();
        let ledger = self.stand.platform.ledger().await?;
        let unanswered = ledger.pending - ledger.waiting_for_connection;
        self.suffered.kills_under_load += u32::from(unanswered > 0);
        self.suffered.unanswered_at_kills += unanswered;
        self.acked = ledger.acked;
        self.start()
    }

    fn start(&mut self) -> Result<(), BenchError> {
        self.suffered.repeats_recognized += std::mem::take(&mut self.repeats);
        self.served = false;
        self.gateway = self.stand.spawn(self.installations)?;
        Ok(())
    }

    /// Lets it live for a while, and keeps the repeats it tells of. It may not be up yet: then it tells of none.
    async fn watch(&mut self, length: Duration) {
        let Self {
            gateway,
            repeats,
            served,
            ..
        } = self;
        let watching = async {
            while let Ok(view) = gateway.view().await {
                *served = true;
                *repeats = view.repeats();
                tokio::time::sleep(LOOK).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = watching => {}
            () = tokio::time::sleep(length) => {}
        }
    }
}
