//! What the fleet's handle says of the connections that a space may have.

use super::Fleet;
use crate::space_room::wants_connection;
use longwire_access::Space;
use longwire_installation::InstallationId;
use longwire_link::{Setback, State};

/// As many bots of the space are connected as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{limit} bots of this space are connected, which is as many as may be: stop another one, or have `connections_per_space` \
     raised"
)]
pub struct SpaceIsFull {
    /// How many may be.
    pub limit: u32,
}

impl Fleet {
    /// Whether one more bot of this space could be connected now. `bot` is the one it is about, if the fleet knows it. Asks
    /// no actor: of two that are started at the same moment, one may have to wait, and says so in its state.
    ///
    /// # Errors
    /// If the space has as many connections as it may have.
    pub fn has_room(&self, space: &Space, bot: Option<InstallationId>) -> Result<(), SpaceIsFull> {
        let Some(limit) = self.context.connections_per_space.get() else {
            return Ok(());
        };
        let bots = self.bots.bots();
        let others = bots.iter().filter(|other| Some(other.id) != bot);
        let connected = others.filter(|other| {
            let record = other.record();
            let waits = matches!(
                other.state(),
                State::Refused {
                    reason: Setback::SpaceLimit,
                    ..
                }
            );
            record.space == *space && wants_connection(&record) && !waits
        });
        let limit = limit.get();
        match connected.count() < limit as usize {
            true => Ok(()),
            false => Err(SpaceIsFull { limit }),
        }
    }
}
