//! The second step of every platform: the upgrade, and what a refused one says.

use std::time::Duration;

use longwire_egress::{Egress, UpgradeError, WebSocketIo};
use longwire_wire::endpoint::{ConnectionUrl, HandshakeRefusal};

use crate::explanation;

/// Why the connection did not open.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The platform refused the handshake.
    #[error("the platform refused the handshake with http status {}", .0.http_status)]
    Refused(HandshakeRefusal),
    /// It did not come to an answer.
    #[error("the connection could not be opened")]
    Upgrade(#[source] UpgradeError),
}

/// Opens the connection. `deadline` covers everything up to the platform's 101.
pub async fn dial(
    egress: &Egress,
    url: &ConnectionUrl,
    deadline: Duration,
) -> Result<WebSocketIo, DialError> {
    egress
        .websocket(url.expose(), deadline)
        .await
        .map_err(|error| match error {
            UpgradeError::Refused(refused) => {
                let mut refusal =
                    HandshakeRefusal::read(refused.http_status, |name| refused.header(name));
                let message = refusal.message.as_deref();
                refusal.message =
                    message.map(|text| explanation::without_query(url.expose(), text));
                DialError::Refused(refusal)
            }
            error => DialError::Upgrade(error),
        })
}
