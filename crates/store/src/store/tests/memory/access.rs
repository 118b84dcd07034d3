//! Tokens and the audit in memory.

use longwire_access::{AuditEntry, AuditRecord, TokenId, TokenRecord};

use super::tables::MemoryTables;
use crate::cause::Failure;
use crate::token::{TokenTable, TokenUse};

impl MemoryTables {
    fn token(&mut self, id: TokenId) -> Option<&mut TokenRecord> {
        self.tokens.iter_mut().find(|token| token.id == id)
    }

    pub(super) fn keep_use(&mut self, used: TokenUse) {
        if let Some(token) = self.token(used.token) {
            token.last_used_ms = Some(used.used_ms);
        }
    }

    pub(super) fn add_audit(&mut self, entry: &AuditEntry) {
        self.audit.push(AuditRecord {
            id: self.audit.len() as i64 + 1,
            entry: entry.clone(),
        });
    }
}

impl TokenTable for MemoryTables {
    fn add(&mut self, record: &TokenRecord) -> Result<bool, Failure> {
        let is_new = self.token(record.id).is_none();
        if is_new {
            self.tokens.push(record.clone());
        }
        Ok(is_new)
    }

    fn of_id(&mut self, id: TokenId) -> Result<Option<TokenRecord>, Failure> {
        Ok(self.token(id).cloned())
    }

    fn revoke(&mut self, id: TokenId, revoked_ms: i64) -> Result<(), Failure> {
        if let Some(token) = self.token(id) {
            token.revoked_ms.get_or_insert(revoked_ms);
        }
        Ok(())
    }
}
