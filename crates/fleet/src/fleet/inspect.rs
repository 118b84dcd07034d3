//! Asking one actor for its state, by its path.

use super::Fleet;
use crate::installation::{InspectChild, InspectSender};
use crate::kind::FleetActor;
use crate::view::{DispatchState, Inspection, InstallationState, SupervisorState};
use longwire_actor::{Asked, Inspect};
use std::time::Duration;

/// The installation waits for its child, and answers if that does not.
const CHILD_LIMIT: Duration = Inspect::<()>::LIMIT.saturating_add(Duration::from_millis(100));

fn of_child(asked: Asked<Inspection>) -> Inspection {
    match asked {
        Asked::Answered(inspection) => inspection,
        Asked::NoAnswer => Inspection::NoAnswer,
        Asked::Gone => Inspection::Absent,
    }
}

impl Fleet {
    /// Asks one actor, by its path, for its state; 500 ms at most.
    pub async fn inspect(&self, path: &str) -> Inspection {
        match path.trim_end_matches('/') {
            "/fleet" => Inspection::of::<_, SupervisorState>(Some(&self.supervisor)).await,
            "/fleet/dispatch" => Inspection::of::<_, DispatchState>(self.dispatch().as_ref()).await,
            path => self.inspect_bot(path).await.unwrap_or(Inspection::Absent),
        }
    }

    async fn inspect_bot(&self, path: &str) -> Option<Inspection> {
        let rest = path.strip_prefix("/fleet/bots/")?;
        let (bot, actor) = match rest.split_once('/') {
            Some((bot, label)) => (bot, FleetActor::from_label(label)?),
            None => (rest, FleetActor::Installation),
        };
        let installation = self.bots.find(bot)?.installation?;
        let inspection = match actor {
            FleetActor::Connection(actor) => {
                of_child(installation.ask(InspectChild(actor), CHILD_LIMIT).await)
            }
            FleetActor::Sender => of_child(installation.ask(InspectSender, CHILD_LIMIT).await),
            FleetActor::Installation => {
                Inspection::of::<_, InstallationState>(Some(&installation)).await
            }
            // Neither is a bot's.
            FleetActor::Supervisor | FleetActor::Dispatch => return None,
        };
        Some(inspection)
    }
}
