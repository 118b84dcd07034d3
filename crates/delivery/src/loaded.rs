//! Consumers and replays as their rows say. All functions here block.
//!
//! A replay is a row beside those of consumers. Its definition says whose it is, how far it goes and what it lets through, and its
//! position is kept like a consumer's: so a replay goes on after a restart.

use std::sync::Arc;

use longwire_consumer::{ConsumerDefinition, EventFilter, Position};
use longwire_store::{
    ConsumerId, ConsumerRecord, OpenedWebhookSecrets, ReadError, SealError, Store,
};
use longwire_wire::event::Seq;
use longwire_wire::webhook::{WebhookSecret, WebhookSecretError, WebhookSecrets};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A consumer as its actor begins with it.
pub(crate) struct LoadedConsumer {
    pub(crate) record: ConsumerRecord,
    pub(crate) definition: Arc<ConsumerDefinition>,
    pub(crate) secrets: Option<WebhookSecrets>,
    pub(crate) position: Position,
    pub(crate) replays: Vec<LoadedReplay>,
}

/// A stretch of the log that a consumer receives again.
pub(crate) struct LoadedReplay {
    pub(crate) id: ConsumerId,
    pub(crate) position: Position,
    pub(crate) until: Seq,
    pub(crate) filter: EventFilter,
}

/// The definition of a replay.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReplayText {
    pub(crate) replay: ReplayOf,
    /// That of the consumer, with the filter of the replay.
    pub(crate) definition: Value,
}

/// Whose it is, and how far it goes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReplayOf {
    pub(crate) consumer: i64,
    pub(crate) until: i64,
}

/// What a row is.
pub(crate) enum Row {
    Consumer(ConsumerRecord, Arc<ConsumerDefinition>),
    Replay {
        id: ConsumerId,
        of: ConsumerId,
        until: Seq,
        filter: EventFilter,
    },
}

/// Why a consumer cannot run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("its row cannot be read")]
    Read(#[from] ReadError),
    #[error("its definition is none that this version knows")]
    Definition,
    #[error("its position is none that this version knows")]
    Position,
    #[error("it was removed")]
    Removed,
    #[error("its signing secret cannot be opened")]
    Seal(#[from] SealError),
    #[error("its signing secret is none")]
    Secret(#[from] WebhookSecretError),
}

impl Row {
    /// What the row says.
    pub(crate) fn read(record: ConsumerRecord) -> Result<Self, LoadError> {
        let json: Value =
            serde_json::from_str(&record.definition).map_err(|_| LoadError::Definition)?;
        if json.get("replay").is_some() {
            let text: ReplayText =
                serde_json::from_value(json).map_err(|_| LoadError::Definition)?;
            let definition = ConsumerDefinition::parse(&text.definition);
            let definition = definition.map_err(|_| LoadError::Definition)?;
            return Ok(Self::Replay {
                id: record.id,
                of: ConsumerId(text.replay.consumer),
                until: Seq(text.replay.until),
                filter: definition.filter,
            });
        }
        let definition = ConsumerDefinition::parse(&json).map_err(|_| LoadError::Definition)?;
        Ok(Self::Consumer(record, Arc::new(definition)))
    }
}

/// Everything of one consumer.
pub(crate) fn load(store: &Store, id: ConsumerId) -> Result<LoadedConsumer, LoadError> {
    let mut found = None;
    let mut replays = Vec::new();
    for record in store.reader().consumers()? {
        let is_it = record.id == id;
        match Row::read(record) {
            Ok(Row::Consumer(record, definition)) if is_it => found = Some((record, definition)),
            Ok(Row::Replay {
                id: row,
                of,
                until,
                filter,
            }) if of == id => replays.push(LoadedReplay {
                id: row,
                position: position(store, row)?,
                until,
                filter,
            }),
            Err(error) if is_it => return Err(error),
            Ok(Row::Consumer(..) | Row::Replay { .. }) | Err(_) => {}
        }
    }
    let (record, definition) = found.ok_or(LoadError::Removed)?;
    Ok(LoadedConsumer {
        secrets: secrets(store, &record)?,
        position: position(store, id)?,
        record,
        definition,
        replays,
    })
}

fn position(store: &Store, id: ConsumerId) -> Result<Position, LoadError> {
    let saved = store.reader().position(id)?.ok_or(LoadError::Removed)?;
    Position::from_bytes(&saved.state).map_err(|_| LoadError::Position)
}

/// What its webhooks are signed with.
pub(crate) fn secrets(
    store: &Store,
    record: &ConsumerRecord,
) -> Result<Option<WebhookSecrets>, LoadError> {
    let Some(OpenedWebhookSecrets { current, former }) = store.open_webhook_secrets(record)? else {
        return Ok(None);
    };
    let current = WebhookSecret::parse(current.expose_secret())?;
    Ok(Some(match former {
        Some((former, until_ms)) => {
            let former = WebhookSecret::parse(former.expose_secret())?;
            WebhookSecrets::with_replaced(current, former, until_ms / 1_000)
        }
        None => WebhookSecrets::new(current),
    }))
}
