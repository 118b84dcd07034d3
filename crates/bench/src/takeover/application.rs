//! The application of a run: a webhook that gets every event.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::deliver::account::{DeliveryAccount, recorded_from};
use crate::error::BenchError;
use crate::program::Program;
use crate::stand::{GatewayProcess, ReceiverProcess, TestStand};

/// How often the receiver is asked at the end.
const LOOK: Duration = Duration::from_millis(100);
/// How long nothing may arrive at the end.
const STUCK: Duration = Duration::from_secs(60);

pub(super) struct TakeoverApplication {
    receiver: ReceiverProcess,
    number: usize,
}

impl TakeoverApplication {
    /// Starts it, and adds its consumer before any event comes.
    pub(super) async fn start(
        program: &Program,
        gateway: &mut GatewayProcess,
    ) -> Result<Self, BenchError> {
        let receiver = ReceiverProcess::start(program).await?;
        // None of longwire's own events: what the platforms sent is counted.
        let filter = json!({ "types": ["feishu.*", "wecom.*"] });
        let number = gateway.add_webhook(&receiver, &filter).await?;
        Ok(Self { receiver, number })
    }

    /// Waits until it has everything that is recorded, or nothing has arrived for too long.
    pub(super) async fn catch_up(&self, stand: &TestStand) -> Result<(), BenchError> {
        let recorded = recorded_from(&stand.reader()?, 0)?.len() as u64;
        let mut news = (0, Instant::now());
        loop {
            let distinct = self.receiver.counts(self.number).await?.distinct;
            if distinct >= recorded || news.1.elapsed() >= STUCK {
                return Ok(());
            }
            if distinct > news.0 {
                news = (distinct, Instant::now());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Holds what it received against the store, after the last gateway has ended.
    pub(super) async fn account(self, stand: &TestStand) -> Result<DeliveryAccount, BenchError> {
        let recorded = recorded_from(&stand.reader()?, 0)?;
        let counts = self.receiver.counts(self.number).await?;
        let received = self.receiver.received(self.number).await?;
        Ok(DeliveryAccount::reach(&recorded, &received, &counts))
    }
}
