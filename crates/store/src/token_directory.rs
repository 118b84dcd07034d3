//! All tokens in memory, so that a request is answered without a look at the disk.
//!
//! The directory is read at the start and follows each change as soon as that is durable. What a token grants is decided by
//! [`longwire_access::admit`].

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use longwire_access::{Grant, TokenId, TokenRecord, TokenRefusal, TokenText, admit, admit_again};

use crate::token::TokenUse;
use crate::write_queue::Writer;

/// All tokens of a store. Clones share them.
#[derive(Clone)]
pub struct TokenDirectory {
    tokens: Arc<RwLock<HashMap<TokenId, KnownToken>>>,
    writer: Writer,
}

struct KnownToken {
    record: TokenRecord,
    /// The use that was kept last, so that a minute of requests is one write.
    used_ms: AtomicI64,
}

impl TokenDirectory {
    pub(crate) fn new(records: Vec<TokenRecord>, writer: Writer) -> Self {
        let directory = Self {
            tokens: Arc::default(),
            writer,
        };
        for record in &records {
            directory.put(record);
        }
        directory
    }

    /// What a presented token grants at this time (milliseconds since 1970). Waits for no disk. That a valid one was used is
    /// kept, to the minute.
    ///
    /// # Errors
    /// The token is not valid.
    pub fn authenticate(&self, presented: &TokenText, now_ms: i64) -> Result<Grant, TokenRefusal> {
        // A record is put in by one call, so a lock that is poisoned guards whole ones.
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let known = tokens.get(&presented.id());
        let grant = admit(known.map(|known| &known.record), presented, now_ms)?;
        self.used(known, now_ms);
        Ok(grant)
    }

    /// What this token grants now to somebody who has shown to hold it, otherwise as [`authenticate`](Self::authenticate).
    ///
    /// # Errors
    /// The token is not valid any more.
    pub fn grant(&self, id: TokenId, now_ms: i64) -> Result<Grant, TokenRefusal> {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let known = tokens.get(&id);
        let grant = admit_again(known.map(|known| &known.record), now_ms)?;
        self.used(known, now_ms);
        Ok(grant)
    }

    fn used(&self, known: Option<&KnownToken>, now_ms: i64) {
        if let Some(known) = known {
            let used = TokenUse::at(known.record.id, now_ms);
            if known.used_ms.swap(used.used_ms, Relaxed) != used.used_ms {
                self.writer.token_used(known.record.id, now_ms);
            }
        }
    }

    /// Whether the store has no token, not even one that was revoked: nobody can ask it anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        tokens.is_empty()
    }

    /// A token is new, or was changed, and that is durable.
    pub(crate) fn put(&self, record: &TokenRecord) {
        let known = KnownToken {
            record: record.clone(),
            used_ms: AtomicI64::new(record.last_used_ms.unwrap_or(0)),
        };
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(record.id, known);
    }
}

impl fmt::Debug for TokenDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenDirectory").finish_non_exhaustive()
    }
}
