//! What is changed of consumers, each in a transaction that is waited for.

use std::sync::Arc;

use super::{Store, administer};
use crate::consumer;
use crate::consumer::{
    ConsumerChange, ConsumerRecord, ConsumerState, NewConsumer, OpenedWebhookSecrets,
};
use crate::ids::ConsumerId;
use crate::seal::SealError;
use crate::write_error::WriteError;

/// Rows of journeys that are taken away in one transaction: some ten milliseconds of the writer's time.
const ROWS: usize = 256;

impl Store {
    /// Adds a consumer under a name that is free in its space. Blocks until it is durable, for some seconds at most.
    pub fn add_consumer(&self, new: NewConsumer) -> Result<ConsumerRecord, WriteError> {
        let open = Arc::clone(&self.open);
        self.administer(administer::patience_for(1), move |tables| {
            let keys = match new.webhook_secret {
                Some(_) => open.keys.to_seal()?,
                None => open.keys.ring(),
            };
            consumer::add(tables.consumers(), &keys, new)
        })
    }

    /// Changes the definition of a consumer, its secret, or both. Blocks until it is durable, for some seconds at most.
    pub fn change_consumer(
        &self,
        id: ConsumerId,
        change: ConsumerChange,
    ) -> Result<ConsumerRecord, WriteError> {
        let open = Arc::clone(&self.open);
        self.administer(administer::patience_for(1), move |tables| {
            let keys = match change.webhook_secret {
                Some(_) => open.keys.to_seal()?,
                None => open.keys.ring(),
            };
            consumer::change(tables.consumers(), &keys, id, change)
        })
    }

    /// Sets whether a consumer is delivered to. Blocks until it is durable, for some seconds at most.
    pub fn set_consumer_state(
        &self,
        id: ConsumerId,
        state: ConsumerState,
    ) -> Result<ConsumerRecord, WriteError> {
        self.administer(administer::patience_for(1), move |tables| {
            consumer::set_state(tables.consumers(), id, state)
        })
    }

    /// Removes a consumer with its position and its part of all journeys. The journeys go first and in many transactions, so
    /// that events are recorded between them. If one of those fails, the consumer is still there, and this can be tried again.
    /// Blocks until it is durable: for some seconds at most, and the longer the more was delivered.
    pub fn remove_consumer(&self, id: ConsumerId) -> Result<(), WriteError> {
        // The entry of the audit, if there is one, belongs to the transaction that takes the consumer away.
        let unaudited = Self {
            open: Arc::clone(&self.open),
            audited: None,
        };
        let forget_journeys = || {
            unaudited.administer(administer::patience_for(1), move |tables| {
                consumer::forget_journeys(tables.consumers(), id, ROWS)
            })
        };
        while !forget_journeys()? {}
        self.administer(administer::patience_for(1), move |tables| {
            consumer::remove(tables.consumers(), id, ROWS)
        })
    }

    /// What the webhooks of a consumer are signed with, in clear; `None` for a consumer without a secret.
    pub fn open_webhook_secrets(
        &self,
        record: &ConsumerRecord,
    ) -> Result<Option<OpenedWebhookSecrets>, SealError> {
        consumer::open_secrets(&self.open.keys.ring(), record)
    }
}
