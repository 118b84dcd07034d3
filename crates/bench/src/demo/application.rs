//! The application of the demo: it takes every event over a webhook, and replies to some messages.

use longwire_store::Reader;
use longwire_terminal::{Ink, Palette, grouped, ms};
use serde_json::{Value, json};

use crate::deliver::account::{DeliveryAccount, recorded_from};
use crate::error::BenchError;
use crate::program::Program;
use crate::receiver::{ReceivedCounts, ReceiverBehaviour};
use crate::stand::{ReceiverProcess, ReceivingApplication};

/// Width of the names of rows in the verdict.
pub(super) const KEY: usize = 15;
/// It replies to one message in so many: WeCom takes thirty replies a minute in a chat.
const ONE_IN: u64 = 10;

/// A process of its own, as the applications of users are.
pub struct DemoApplication {
    receiver: ReceiverProcess,
    webhook: ReceivingApplication,
}

impl DemoApplication {
    /// Starts it.
    ///
    /// # Errors
    /// When the process does not start.
    pub async fn start(program: &Program) -> Result<Self, BenchError> {
        let receiver = ReceiverProcess::start(program).await?;
        let webhook = receiver.add(1).await?.remove(0);
        let echo = ReceiverBehaviour::Echo { one_in: ONE_IN };
        receiver.behave(webhook.number, echo).await?;
        Ok(Self { receiver, webhook })
    }

    /// The consumer that the gateway has to have for it.
    #[must_use]
    pub fn consumer(&self) -> Value {
        json!({
            "name": "echo-bot",
            "road": { "kind": "webhook", "url": self.webhook.url },
            "filter": { "types": ["feishu.*", "wecom.*"] },
        })
    }

    /// The secret of that consumer; signatures are verified from now on.
    ///
    /// # Errors
    /// When the process does not answer.
    pub async fn verify(&self, secret: &str) -> Result<(), BenchError> {
        Ok(self.receiver.verify(self.webhook.number, secret).await?)
    }

    /// What it has received so far; nothing while it does not answer.
    pub(super) async fn counts(&self) -> ReceivedCounts {
        let counts = self.receiver.counts(self.webhook.number).await;
        counts.unwrap_or_default()
    }

    /// Everything it received, held against the log after the gateway has drained; `said` stand in the chats of its replies.
    pub(super) async fn deliveries(
        &self,
        reader: &Reader,
        said: u64,
    ) -> Result<DemoDeliveries, BenchError> {
        let recorded = recorded_from(reader, 0)?;
        let number = self.webhook.number;
        let received = self.receiver.counts(number).await?;
        let seqs = self.receiver.received(number).await?;
        Ok(DemoDeliveries {
            account: DeliveryAccount::reach(&recorded, &seqs, &received),
            received,
            said,
        })
    }
}

/// What became of the recorded events, and of the replies to them.
#[derive(Debug, Default)]
pub(super) struct DemoDeliveries {
    account: DeliveryAccount,
    received: ReceivedCounts,
    /// Replies in the chats.
    said: u64,
}

impl DemoDeliveries {
    /// The application has all that is recorded, and nothing came again unnoticed.
    pub(super) fn is_good(&self) -> bool {
        self.account.is_good()
    }

    /// Lines of the verdict.
    pub(super) fn tell(&self, palette: Palette) -> String {
        let Self {
            account,
            received,
            said,
        } = self;
        let line = |key: &str, value: String| format!("  {key:<KEY$}{value}\n");
        let found = if account.is_good() {
            palette.paint(Ink::Green, "each of them, and each chat in its order")
        } else {
            palette.paint(Ink::Red, account.tell())
        };
        let came = format!(
            "{} of {} recorded events   {found}",
            grouped(account.received),
            grouped(account.recorded)
        );
        let latency = format!(
            "p50 {}, p99 {}   {}",
            ms(received.latency.p50_us),
            ms(received.latency.p99_us),
            palette.paint(Ink::Dim, "from push to application, the record included"),
        );
        let replies = format!(
            "{} given, {} in the chats   {}",
            grouped(received.replies),
            grouped(*said),
            palette.paint(
                Ink::Dim,
                "a reply over WeCom's connection goes with it when it breaks"
            ),
        );
        line("application", came) + &line("", latency) + &line("replies", replies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_without_an_event_makes_the_verdict_bad() {
        let deliveries = |missing| DemoDeliveries {
            account: DeliveryAccount {
                recorded: 9,
                received: 9 - missing,
                missing,
                ..DeliveryAccount::default()
            },
            ..DemoDeliveries::default()
        };
        let plain = Palette::of(&tempfile::tempfile().expect("a temporary file"));
        let text = deliveries(0).tell(plain);
        assert!(deliveries(0).is_good() && text.contains("9 of 9 recorded events   each"));
        let text = deliveries(1).tell(plain);
        assert!(
            !deliveries(1).is_good() && text.contains("missing 1"),
            "{text}"
        );
    }
}
