//! The end of a run: the last events settle, and what the platforms counted is held against the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use longwire_store::{Reader, StoreSettings};

use super::{GatewayProcess, PlatformCounts, RecordedIds, RunVerdict, TestStand};
use crate::error::{BenchError, StandError};

/// How long nothing may go on once the traffic has ended: the platform's first repeat, three times.
const SETTLE: Duration = Duration::from_secs(60);

impl TestStand {
    /// Waits until no platform waits for anything and the store has what it owes them, or nothing has gone on for too
    /// long. What a platform that asks for no ACK has written may be on its way to us when it waits for nothing more.
    pub(crate) async fn settle(&self) -> Result<PlatformCounts, BenchError> {
        let mut settled = 0;
        let mut since = Instant::now();
        let mut reader = None;
        loop {
            let ledger = self.ledger().await?;
            if reader.is_none() && ledger.delivered > 0 {
                reader = Some(Arc::new(self.reader()?));
            }
            let recorded = match &reader {
                Some(reader) => count(Arc::clone(reader)).await?,
                None => 0,
            };
            if ledger.acked + recorded != settled {
                (settled, since) = (ledger.acked + recorded, Instant::now());
            }
            // Every ACK has its row already; where both are owed, neither may stand for the other.
            let owed = if ledger.delivered > 0 {
                ledger.owed()
            } else {
                0
            };
            let done = ledger.pending == 0 && recorded >= owed;
            if done || since.elapsed() >= SETTLE {
                return Ok(ledger);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The counters of all platforms together, as far as they can be added.
    async fn ledger(&self) -> Result<PlatformCounts, StandError> {
        let mut ledger = self.platform.ledger().await?;
        if let Some(annex) = &self.annex {
            ledger.add_events(&annex.platform.ledger().await?);
        }
        Ok(ledger)
    }

    /// Ends the gateway, then holds the ledger against the store.
    pub(crate) async fn verdict(&self, gateway: GatewayProcess) -> Result<RunVerdict, BenchError> {
        gateway.end().await?;
        let ledger = self.ledger().await?;
        let mut owed = self.platform.owed().await?;
        if let Some(annex) = &self.annex {
            owed.extend(annex.platform.owed().await?);
        }
        Ok(RunVerdict::reach(
            &ledger,
            &owed,
            &RecordedIds::read(&self.reader()?)?,
        ))
    }

    /// Reads the log, also while the gateway runs.
    pub(crate) fn reader(&self) -> Result<Reader, BenchError> {
        let settings = StoreSettings::at(self.store().display().to_string());
        Ok(Reader::open(&settings)?)
    }
}

/// The rows of millions are counted for a while, and who waits for that does other things.
async fn count(reader: Arc<Reader>) -> Result<u64, BenchError> {
    let counted = tokio::task::spawn_blocking(move || reader.count_events()).await;
    // It neither panics nor is it given up.
    Ok(counted
        .map_err(|error| BenchError::io("count the events")(std::io::Error::other(error)))??)
}
