//! Asking one actor for its state, by its path.

use super::Fleet;
use crate::installation::InspectChild;
use crate::kind::FleetActor;
use crate::view::{DispatchState, Inspection, InstallationState, SupervisorState};
use longwire_actor::{Asked, Inspect};
use std::time::Duration;

impl Fleet {
    /// Asks one actor, by its path, for its state; 500 ms at most.
    pub async fn inspect(&self, path: &str) -> Inspection {
        let path = path.trim_end_matches('/');
        if path == "/fleet" {
            let question = Inspect::<SupervisorState>::new();
            return self
                .supervisor
                .ask(question, Inspect::<()>::LIMIT)
                .await
                .into();
        }
        if path == "/fleet/dispatch" {
            let Some(dispatch) = self.dispatch() else {
                return Inspection::Absent;
            };
            let question = Inspect::<DispatchState>::new();
            return dispatch.ask(question, Inspect::<()>::LIMIT).await.into();
        }
        self.inspect_bot(path).await.unwrap_or(Inspection::Absent)
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
                // The installation waits for its child, and answers if that does not.
                let limit = Inspect::<()>::LIMIT + Duration::from_millis(100);
                match installation.ask(InspectChild(actor), limit).await {
                    Asked::Answered(inspection) => inspection,
                    Asked::NoAnswer => Inspection::NoAnswer,
                    Asked::Gone => Inspection::Absent,
                }
            }
            FleetActor::Installation => {
                let question = Inspect::<InstallationState>::new();
                installation
                    .ask(question, Inspect::<()>::LIMIT)
                    .await
                    .into()
            }
            // Neither is a bot's.
            FleetActor::Supervisor | FleetActor::Dispatch => return None,
        };
        Some(inspection)
    }
}
