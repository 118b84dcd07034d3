//! `torture --deliver`: an application on each road, which receives while the gateway is killed again and again.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;

use crate::deliver::account::{DeliveryAccount, recorded_from};
use crate::error::{BenchError, Role, StandError};
use crate::program::Program;
use crate::receiver::ReaderRoad;
use crate::report::ReportRow;
use crate::stand::{GatewayProcess, ReceiverProcess, TestStand};

/// How often the receiver is asked at the end.
const LOOK: Duration = Duration::from_millis(100);
/// How long nothing may arrive at the end: claims and retries of a life before have their time.
const STUCK: Duration = Duration::from_secs(120);

/// The applications, each a consumer of its road's name.
pub(super) struct TortureApplications {
    receiver: ReceiverProcess,
    /// Names and numbers.
    roads: [(&'static str, usize); 3],
    first_wrong_life: Option<u32>,
}

/// What they received in the end.
#[derive(Debug, Default, Serialize)]
pub(super) struct RoadAccounts {
    roads: Vec<RoadAccount>,
    /// The first life after which something was wrong already.
    first_wrong_life: Option<u32>,
}

#[derive(Debug, Serialize)]
struct RoadAccount {
    road: &'static str,
    #[serde(flatten)]
    account: DeliveryAccount,
}

impl TortureApplications {
    /// Starts them, and adds their consumers to the first gateway.
    pub(super) async fn start(
        program: &Program,
        gateway: &mut GatewayProcess,
    ) -> Result<Self, BenchError> {
        let receiver = ReceiverProcess::start(program).await?;
        let filter = json!({ "types": ["feishu.*"] });
        let webhook = gateway.add_webhook(&receiver, &filter).await?;
        let mut roads = [("webhook", webhook), ("pull", 0), ("stream", 0)];
        for ((name, number), (kind, road)) in roads[1..].iter_mut().zip([
            (json!({ "kind": "pull" }), ReaderRoad::Pull),
            (
                json!({ "kind": "stream", "ack": "post" }),
                ReaderRoad::Stream,
            ),
        ]) {
            let definition = json!({ "name": *name, "road": kind, "filter": filter });
            gateway.add_consumer(&definition).await?;
            *number = receiver.read(gateway.reader(name, road).await?).await?;
        }
        Ok(Self {
            receiver,
            roads,
            first_wrong_life: None,
        })
    }

    /// Looks at the ledgers after a life.
    pub(super) async fn look(&mut self, life: u32) -> Result<(), BenchError> {
        let wrongs: u64 = self
            .receiver
            .ledger()
            .await?
            .iter()
            .map(|it| it.wrongs())
            .sum();
        if wrongs > 0 {
            self.first_wrong_life.get_or_insert(life);
        }
        Ok(())
    }

    /// Waits until everybody has everything that is recorded, or nothing has arrived for too long. What is missing then, the
    /// accounts tell.
    pub(super) async fn catch_up(&self, stand: &TestStand) -> Result<(), BenchError> {
        let recorded = recorded_from(&stand.reader()?, 0)?.len() as u64;
        let mut news = (0, Instant::now());
        loop {
            let counts = self.receiver.ledger().await?;
            if counts.iter().all(|one| one.distinct >= recorded) || news.1.elapsed() >= STUCK {
                return Ok(());
            }
            let all = counts.iter().map(|one| one.distinct).sum();
            if all > news.0 {
                news = (all, Instant::now());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Holds the ledgers against the store, after the last gateway has ended.
    pub(super) async fn account(self, stand: &TestStand) -> Result<RoadAccounts, BenchError> {
        let recorded = recorded_from(&stand.reader()?, 0)?;
        let counts = self.receiver.ledger().await?;
        let mut roads = Vec::new();
        for (road, number) in self.roads {
            let received = self.receiver.received(number).await?;
            let counts = counts.get(number).ok_or(StandError::Deaf {
                role: Role::Receiver,
                path: "/receiver/v1/ledger".to_owned(),
                reason: format!("no ledger {number}"),
            })?;
            let account = DeliveryAccount::reach(&recorded, &received, counts);
            roads.push(RoadAccount { road, account });
        }
        Ok(RoadAccounts {
            roads,
            first_wrong_life: self.first_wrong_life,
        })
    }
}

impl RoadAccounts {
    /// Each application received each event, and no repeat came without its label.
    pub(super) fn are_good(&self) -> bool {
        self.roads.iter().all(|road| road.account.is_good())
    }

    /// Lines of the table.
    pub(super) fn rows(&self) -> Vec<ReportRow> {
        let lines = self.roads.iter().map(|RoadAccount { road, account }| {
            ReportRow::new(
                road,
                format!("{} of {} received", account.received, account.recorded),
                format!("{} came again; {}", account.repeats, account.tell()),
            )
        });
        let wrong = self.first_wrong_life.map(|life| {
            let after = format!("after life {life}");
            ReportRow::new("", after, "the first time that something was wrong")
        });
        lines.chain(wrong).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_road_that_is_wrong_makes_all_wrong() {
        let road = |road, missing| RoadAccount {
            road,
            account: DeliveryAccount {
                recorded: 3,
                received: 3 - missing,
                missing,
                ..DeliveryAccount::default()
            },
        };
        let accounts = |missing| RoadAccounts {
            roads: vec![road("webhook", 0), road("pull", missing)],
            first_wrong_life: None,
        };
        assert!(accounts(0).are_good() && !accounts(1).are_good());
        let rows = format!("{:?}", accounts(1).rows());
        assert!(rows.contains("2 of 3 received"), "{rows}");
    }
}
