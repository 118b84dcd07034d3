//! Consumers are changed, paused, resumed and moved.

use std::mem::discriminant;
use std::sync::Arc;
use std::time::Duration;

use longwire_access::Space;
use longwire_consumer::{ConsumerDefinition, Road, StartFrom};
use longwire_installation::Revision;
use longwire_store::{
    ConsumerChange, ConsumerRecord, ConsumerState, NewWebhookSecret, SealError, WriteError,
};
use longwire_wire::webhook::{ROTATION_OVERLAP_S, WebhookSecret, WebhookSecrets};
use secrecy::SecretString;
use tokio::sync::oneshot;

use super::administer::{begins_after, new_secret};
use super::{ChangeError, Deliveries, RotateError, SeekError, SteerError, blocking};
use crate::clock::unix_ms;
use crate::consumer::ConsumerEntry;
use crate::consumer::Seek;
use crate::loaded::{LoadError, secrets};
use crate::operational;
use crate::root::Changed;
use crate::view::ConsumerView;
use longwire_wire::view::Operation;

/// How long an answer waits for the disk.
pub(super) const DURABLE_WITHIN: Duration = Duration::from_secs(5);

impl Deliveries {
    /// Changes the definition of a consumer, but its name and its kind of road. It goes on where it is: `from` is not used. If
    /// `expected` is given, the change is refused if the consumer has another revision by now.
    pub async fn change(
        &self,
        space: &Space,
        name: &str,
        definition: ConsumerDefinition,
        expected: Option<Revision>,
    ) -> Result<ConsumerView, ChangeError> {
        let entry = self.inner.index.find(space, name);
        let entry = entry.ok_or(ChangeError::Unknown)?;
        let before = entry.definition();
        if definition.name != before.name {
            return Err(ChangeError::OtherName);
        }
        if discriminant(&definition.road) != discriminant(&before.road) {
            return Err(ChangeError::OtherRoad);
        }
        self.check_endpoint(&definition)?;
        self.check_relay(space, &definition)?;
        let definition = Arc::new(definition);
        let (store, id) = (self.store().clone(), entry.id);
        let change = ConsumerChange {
            expected,
            definition: Some(definition.to_json().to_string()),
            webhook_secret: None,
        };
        let changed = blocking(move || store.change_consumer(id, change)).await;
        let record = changed.map_err(|error| match error {
            WriteError::Outdated { found } => ChangeError::Outdated { found },
            WriteError::UnknownConsumer { .. } => ChangeError::Unknown,
            other => ChangeError::Store(other),
        })?;
        self.tell_changed(&entry, record, definition).await?;
        Ok(entry.view(self.head()))
    }

    /// Delivers nothing to a consumer until it is resumed. What is under way ends as it ends.
    pub async fn pause(
        &self,
        space: &Space,
        name: &str,
        reason: String,
    ) -> Result<ConsumerView, SteerError> {
        let state = ConsumerState::Paused { reason };
        self.steer(space, name, state, "longwire.consumer.paused")
            .await
    }

    /// Delivers again, also after a 410; an endpoint that fails is tried at once.
    pub async fn resume(&self, space: &Space, name: &str) -> Result<ConsumerView, SteerError> {
        let state = ConsumerState::Active;
        self.steer(space, name, state, "longwire.consumer.resumed")
            .await
    }

    async fn steer(
        &self,
        space: &Space,
        name: &str,
        state: ConsumerState,
        event_type: &'static str,
    ) -> Result<ConsumerView, SteerError> {
        let entry = self.inner.index.find(space, name);
        let entry = entry.ok_or(SteerError::Unknown)?;
        let (store, id) = (self.store().clone(), entry.id);
        let is_new = entry.record().state != state;
        let detail = state.reason().map(Into::into);
        let record = blocking(move || store.set_consumer_state(id, state)).await?;
        let definition = entry.definition();
        self.tell_changed(&entry, record, definition).await?;
        if is_new {
            let operation = Operation {
                consumer: Some(name.into()),
                reason: Some("operator".into()),
                detail,
                ..Operation::default()
            };
            let writer = self.store().writer();
            operational::record(&writer, space.as_str(), event_type, &operation);
        }
        Ok(entry.view(self.head()))
    }

    /// Gives the webhook of a consumer another secret; the former one signs beside it for a day. Returns the new one, to be shown
    /// to its owner once.
    pub async fn rotate_secret(
        &self,
        space: &Space,
        name: &str,
        secret: Option<WebhookSecret>,
    ) -> Result<SecretString, RotateError> {
        let entry = self.inner.index.find(space, name);
        let entry = entry.ok_or(RotateError::Unknown)?;
        let definition = entry.definition();
        match definition.road {
            Road::Webhook(_) => {}
            Road::Pull | Road::Stream { .. } | Road::Relay(_) => {
                return Err(RotateError::NoWebhook);
            }
        }
        let secret = secret.unwrap_or_else(new_secret);
        let secret = SecretString::from(secret.expose().as_str());
        let change = ConsumerChange {
            webhook_secret: Some(NewWebhookSecret {
                secret: secret.clone(),
                former_until_ms: Some(unix_ms() + ROTATION_OVERLAP_S * 1_000),
            }),
            ..ConsumerChange::default()
        };
        let (store, id) = (self.store().clone(), entry.id);
        let record = blocking(move || store.change_consumer(id, change)).await?;
        self.tell_changed(&entry, record, definition).await?;
        Ok(secret)
    }

    /// Tells the actor, and whoever looks, of a change.
    async fn tell_changed(
        &self,
        entry: &ConsumerEntry,
        record: ConsumerRecord,
        definition: Arc<ConsumerDefinition>,
    ) -> Result<(), SealError> {
        entry.changed(record.clone(), Arc::clone(&definition));
        self.inner.claims.update(&self.inner.index);
        let secrets = self.secrets_of(&record).await?;
        self.inner.root.send(Changed {
            record,
            definition,
            secrets,
        });
        Ok(())
    }

    /// The secrets of a webhook. One that is none any more shows where the consumer is shown.
    async fn secrets_of(
        &self,
        record: &ConsumerRecord,
    ) -> Result<Option<WebhookSecrets>, SealError> {
        let (store, record) = (self.store().clone(), record.clone());
        match blocking(move || secrets(&store, &record)).await {
            Ok(secrets) => Ok(secrets),
            Err(LoadError::Seal(error)) => Err(error),
            Err(
                LoadError::Read(_)
                | LoadError::Definition
                | LoadError::Position
                | LoadError::Removed
                | LoadError::Secret(_),
            ) => Ok(None),
        }
    }

    /// Moves the position of a consumer, forwards or backwards. What may have been sent before is sent again with `redelivered`.
    /// Returns the event behind which it goes on. Returned when that is on disk.
    pub async fn seek(
        &self,
        space: &Space,
        name: &str,
        to: StartFrom,
    ) -> Result<longwire_wire::event::Seq, SeekError> {
        let entry = self.inner.index.find(space, name);
        let entry = entry.ok_or(SeekError::Unknown)?;
        let store = self.store().clone();
        let after = blocking(move || begins_after::<SeekError>(&store, to)).await?;
        let mailbox = entry.running().await.ok_or_else(|| SeekError::NotRunning {
            why: entry.why_not(),
        })?;
        let (answer, moved) = oneshot::channel();
        mailbox.send(Seek { after, answer });
        match tokio::time::timeout(DURABLE_WITHIN, moved).await {
            Ok(Ok(_)) => Ok(after),
            Ok(Err(_)) => Err(SeekError::NotRunning {
                why: entry.why_not(),
            }),
            Err(_) => Err(SeekError::NotDurable),
        }
    }
}
