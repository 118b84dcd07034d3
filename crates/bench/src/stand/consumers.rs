//! The consumers of a gateway, added and steered over its public interface as applications do it.

use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{GatewayProcess, ReceiverProcess, ReceivingApplication};
use crate::error::BenchError;
use crate::receiver::{AddReader, ReaderRoad};

/// What a gateway says of a consumer, as far as the stand uses it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ObservedConsumer {
    pub(crate) status: ObservedConsumerStatus,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ObservedConsumerStatus {
    pub(crate) state: String,
    /// Numbers of the log behind its position.
    pub(crate) lag_events: u64,
}

/// What a new consumer gets, this once.
#[derive(Deserialize)]
struct AddedConsumer {
    #[serde(default)]
    secret: String,
}

impl GatewayProcess {
    /// Adds a consumer; returns the secret of its webhook, which is empty for other roads.
    pub(crate) async fn add_consumer(&mut self, definition: &Value) -> Result<String, BenchError> {
        let added: AddedConsumer = self.api().await?.post("/v1/consumers", definition).await?;
        Ok(added.secret)
    }

    /// Adds a consumer `webhook` for a new application of the receiver, which verifies its signatures; the application's number.
    pub(crate) async fn add_webhook(
        &mut self,
        receiver: &ReceiverProcess,
        filter: &Value,
    ) -> Result<usize, BenchError> {
        let ReceivingApplication { number, url } = receiver.add(1).await?.remove(0);
        let road = json!({ "kind": "webhook", "url": url });
        let definition = json!({ "name": "webhook", "road": road, "filter": filter });
        let secret = self.add_consumer(&definition).await?;
        receiver.verify(number, &secret).await?;
        Ok(number)
    }

    /// Delivers nothing to it.
    pub(crate) async fn pause_consumer(&mut self, name: &str) -> Result<(), BenchError> {
        self.steer(name, "pause", json!({})).await
    }

    /// Delivers to it again.
    pub(crate) async fn resume_consumer(&mut self, name: &str) -> Result<(), BenchError> {
        self.steer(name, "resume", json!({})).await
    }

    /// Moves it to the event with this number.
    pub(crate) async fn seek_consumer(&mut self, name: &str, seq: u64) -> Result<(), BenchError> {
        self.steer(name, "seek", json!({ "to": { "seq": seq } }))
            .await
    }

    async fn steer(&mut self, name: &str, verb: &str, body: Value) -> Result<(), BenchError> {
        let path = format!("/v1/consumers/{name}/{verb}");
        let _: Value = self.api().await?.post(&path, &body).await?;
        Ok(())
    }

    /// What a reader of this consumer needs to know.
    pub(crate) async fn reader(
        &mut self,
        consumer: &str,
        road: ReaderRoad,
    ) -> Result<AddReader, BenchError> {
        Ok(AddReader {
            base: self.api_url().await?,
            token: self.token()?.expose_secret().to_owned(),
            consumer: consumer.to_owned(),
            road,
        })
    }

    /// What it says of one.
    pub(crate) async fn consumer(&mut self, name: &str) -> Result<ObservedConsumer, BenchError> {
        let path = format!("/v1/consumers/{name}");
        Ok(self.api().await?.get(&path).await?)
    }
}
