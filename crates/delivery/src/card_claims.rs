//! Which consumers claim the clicks of which installation. Read on the threads that record, several times per read of each bot;
//! written when a consumer changes.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use longwire_access::Space;
use longwire_consumer::ConsumerDefinition;
use longwire_installation::InstallationId;
use longwire_store::{ConsumerId, ConsumerState};

use crate::index::ConsumerIndex;
use crate::settings::{InstallationFacts, InstallationNames};

/// Which consumers claim clicks.
pub(crate) struct CardClaims {
    names: Arc<dyn InstallationNames>,
    /// Whether there is any.
    any: AtomicBool,
    claimers: RwLock<Arc<[Claimer]>>,
}

/// A consumer that claims clicks.
#[derive(Clone)]
pub(crate) struct Claimer {
    pub(crate) id: ConsumerId,
    space: Space,
    definition: Arc<ConsumerDefinition>,
}

impl Claimer {
    /// Whether it may receive clicks of this installation.
    pub(crate) fn concerns(&self, facts: &InstallationFacts) -> bool {
        let filter = &self.definition.filter;
        self.space == facts.space && filter.concerns(facts.public_id, facts.platform)
    }

    pub(crate) fn definition(&self) -> &ConsumerDefinition {
        &self.definition
    }
}

impl CardClaims {
    pub(crate) fn new(names: Arc<dyn InstallationNames>) -> Self {
        Self {
            names,
            any: AtomicBool::new(false),
            claimers: RwLock::new(Arc::from([])),
        }
    }

    /// Consumers came, went or changed.
    pub(crate) fn update(&self, index: &ConsumerIndex) {
        let entries = index.all();
        let claimers = entries.iter().filter_map(|entry| {
            let (record, definition) = (entry.record(), entry.definition());
            let claims = definition.claims_cards && record.state == ConsumerState::Active;
            claims.then_some(Claimer {
                id: record.id,
                space: record.space,
                definition,
            })
        });
        let claimers: Arc<[Claimer]> = claimers.collect();
        self.any.store(!claimers.is_empty(), Relaxed);
        let mut known = self
            .claimers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *known = claimers;
    }

    /// Whether a consumer claims clicks of this installation.
    pub(crate) fn claims(&self, installation: InstallationId) -> bool {
        if !self.any.load(Relaxed) {
            return false;
        }
        let facts = self.names.facts(installation);
        facts.is_some_and(|facts| self.claimers().iter().any(|one| one.concerns(&facts)))
    }

    /// All claimers, in the order in which they were made.
    pub(crate) fn claimers(&self) -> Arc<[Claimer]> {
        let claimers = self.claimers.read();
        Arc::clone(&claimers.unwrap_or_else(PoisonError::into_inner))
    }
}
