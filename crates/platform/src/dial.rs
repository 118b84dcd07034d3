//! Opens a WebSocket at a platform, and reads the reason of a refused handshake. All platforms are dialled alike.

use std::time::Duration;

use longwire_egress::{Egress, UpgradeError, WebSocketIo};
use longwire_wire::endpoint::{ConnectionUrl, HandshakeRefusal};

use longwire_wire::explanation;

/// Why a connection was not opened.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The platform refused the handshake.
    #[error("the platform refused the handshake with http status {}", .0.http_status)]
    Refused(HandshakeRefusal),
    /// The platform did not answer.
    #[error("the connection could not be opened")]
    Upgrade(#[source] UpgradeError),
}

/// Opens the connection. `deadline` covers lookup, proxy, TLS and the handshake up to the platform's 101.
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
