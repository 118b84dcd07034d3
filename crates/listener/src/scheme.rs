//! Whether a request came by https.

use actix_web::HttpRequest;

/// That this listener has decrypted the connection. Among the data of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decrypted;

/// Whether the client wrote `https://`: this listener has decrypted its request, or a reverse proxy says that it has
/// (`Forwarded`, `X-Forwarded-Proto`). A client can claim the latter, so nothing but addresses that are told to that same client
/// may follow from it.
pub fn came_by_https(request: &HttpRequest) -> bool {
    request.conn_data::<Decrypted>().is_some() || request.connection_info().scheme() == "https"
}
