//! Events that are made up, to try an application.

use bytes::Bytes;
use longwire_access::Space;
use longwire_consumer::{EventId, Road};
use longwire_egress::endpoint::PostAnswer;
use tokio::sync::oneshot;

use super::{Deliveries, SimulateError};
use crate::consumer::ForwardSimulation;
use crate::endpoint::Simulate;

impl Deliveries {
    /// Posts an envelope to the webhook of a consumer, signed as any other, and waits for the answer. The event is not in the log:
    /// nothing is retried, counted or noted, and a reply in the answer goes nowhere.
    pub async fn simulate(
        &self,
        space: &Space,
        name: &str,
        id: EventId,
        envelope: Bytes,
    ) -> Result<PostAnswer, SimulateError> {
        let entry = self.inner.index.find(space, name);
        let entry = entry.ok_or(SimulateError::Unknown)?;
        match entry.definition().road {
            Road::Webhook(_) => {}
            Road::Pull | Road::Stream { .. } | Road::Relay(_) => {
                return Err(SimulateError::OtherRoad);
            }
        }
        let gone = || SimulateError::NotRunning {
            why: entry.why_not(),
        };
        let mailbox = entry.running().await.ok_or_else(gone)?;
        let (answer, posted) = oneshot::channel();
        mailbox.send(ForwardSimulation(Simulate {
            id,
            envelope,
            answer,
        }));
        Ok(posted.await.map_err(|_| gone())??)
    }
}
