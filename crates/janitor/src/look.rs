//! One look at the store: its state, and where in the log the bounds of age lie.

use longwire_consumer::Moment;
use longwire_installation::InstallationId;
use longwire_store::{ReadError, RetentionState, Store};

use crate::moment;
use crate::policy::RetentionPolicy;

/// What was found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Look {
    /// The state of the store.
    pub(crate) state: RetentionState,
    /// Events up to here are older than all events are kept; `None` without a bound of age.
    pub(crate) aged_through: Option<i64>,
    /// Events up to here are so old that their journeys go.
    pub(crate) journeys_through: i64,
    /// Events up to here are older than those of the installation are kept, for installations with a bound of age.
    pub(crate) aged_of: Vec<(InstallationId, i64)>,
    /// When the newest event was received, in milliseconds since 1970.
    pub(crate) newest_ms: Option<i64>,
}

impl Look {
    /// Looks. Blocks.
    pub(crate) fn read(
        store: &Store,
        policy: &RetentionPolicy,
        now: Moment,
    ) -> Result<Self, ReadError> {
        let state = store.retention()?;
        let reader = store.reader();
        let through = |before_ms: i64| -> Result<i64, ReadError> {
            let first = reader.first_at(before_ms)?;
            Ok(first.map_or(state.newest, |first| first.0 - 1))
        };
        let aged_through = match policy.keep.age_ms {
            Some(age_ms) => Some(through(now.unix_ms.saturating_sub(age_ms))?),
            None => None,
        };
        let mut aged_of = Vec::new();
        for listed in &state.listed {
            if let Some(age_ms) = listed.rules.keep.age_ms {
                let through = through(now.unix_ms.saturating_sub(age_ms))?;
                aged_of.push((listed.installation, through));
            }
        }
        let journeys_through = through(moment::before(now, policy.journeys))?;
        let newest = reader.event(longwire_wire::event::Seq(state.newest))?;
        Ok(Self {
            aged_through,
            journeys_through,
            aged_of,
            newest_ms: newest.map(|event| event.received_ms),
            state,
        })
    }
}
