//! Card callbacks of the old generation: a flat object without envelope, id and time.

use super::Clear;
use crate::identity::Identity;

/// The type under which an old card's callback is recorded. Its bytes have none; this is the name in the documentation.
pub const OLD_CARD_TYPE: &str = "card.action.trigger_v1";

/// The key of an old card's callback.
///
/// Its `token` is the credential to update the card, which the platform gives out anew with every click. So the token and
/// what was done are the same in a repeat and in nothing else. Without a token the bytes alone say nothing, because a user may
/// do the same thing twice; the request's nonce then tells a request that somebody sends again.
pub(super) fn identity(clear: &Clear<'_>, nonce: Option<&[u8]>) -> Identity {
    let action = clear.body.action.map_or("", |action| action.get());
    match clear.body.token.0.as_str() {
        Some(token) => Identity::of_old_card(token, action),
        None => Identity::unparsed_callback(nonce, clear.payload),
    }
}
