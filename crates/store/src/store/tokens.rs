//! Tokens, and who changed what.

use std::sync::Arc;

use longwire_access::{AuditEntry, NewToken, TokenId, TokenRecord, TokenText};

use super::{Store, administer};
use crate::token;
use crate::token_directory::TokenDirectory;
use crate::write_error::WriteError;

impl Store {
    /// All tokens, in memory.
    pub fn tokens(&self) -> TokenDirectory {
        self.open.tokens.clone()
    }

    /// Keeps a new token, of whose text only the digest is kept. Blocks until it is durable, for some seconds at most.
    pub fn create_token(&self, new: NewToken, text: &TokenText) -> Result<TokenRecord, WriteError> {
        let record = token::record_of(new, text);
        let directory = self.tokens();
        self.administer_and(
            administer::patience_for(1),
            move |tables| token::create(tables.tokens(), record),
            move |record| directory.put(record),
        )
    }

    /// Revokes a token: nobody is admitted with it from when that is durable. Blocks until then, for some seconds at most; if
    /// it is durable later, nobody is admitted from then on.
    pub fn revoke_token(&self, id: TokenId) -> Result<TokenRecord, WriteError> {
        let directory = self.tokens();
        self.administer_and(
            administer::patience_for(1),
            move |tables| token::revoke(tables.tokens(), id),
            move |record| directory.put(record),
        )
    }

    /// A handle whose changes are made together with this entry of the audit, in one transaction: neither is kept without the
    /// other. A change that is refused leaves no entry.
    #[must_use]
    pub fn audited_as(&self, entry: AuditEntry) -> Self {
        Self {
            open: Arc::clone(&self.open),
            audited: Some(Arc::new(entry)),
        }
    }

    /// Keeps what somebody asked for that is no change of the store, or was refused: [`Writer::audit`](crate::Writer::audit).
    /// If it finds no room, the log tells of it instead.
    pub fn audit(&self, entry: AuditEntry) {
        let (action, subject, token) = (entry.action, entry.subject.clone(), entry.token);
        if self.writer().audit(entry).is_err() {
            let token = token.map(tracing::field::display);
            tracing::error!(
                %action,
                %subject,
                token,
                "the audit is full and does not tell of this change; see to the store's disk"
            );
        }
    }
}
