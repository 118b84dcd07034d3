//! What applications change at a platform, for the audit: the method, the path without ids, what came of it. Never a body.
//!
//! A busy bot sends fifty messages a second, and the audit is for people. So the first call of a kind is kept at once, and those
//! that follow within a minute are one entry with their number.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longwire_access::{AuditAction, AuditEntry, AuditResult, Grant, TokenId};
use longwire_installation::PublicId;
use longwire_listener::Draining;
use longwire_store::Store;

use super::figures::RelayedOutcome;
use crate::clock::unix_ms;

/// For how long calls of a kind are counted together.
const TOGETHER: Duration = Duration::from_secs(60);
/// Kinds that are counted at once. The calls of further ones are counted as `other` of their token.
const MOST_KINDS: usize = 256;

/// Keeps what applications change.
pub(crate) struct CallAudit {
    store: Store,
    draining: Draining,
    counted: Mutex<HashMap<Kind, Counted>>,
}

/// Calls that one entry tells of.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Kind {
    token: TokenId,
    bot: Option<PublicId>,
    call: Arc<str>,
    result: Arc<str>,
}

struct Counted {
    grant: Grant,
    /// Those that no entry tells of yet.
    more: u64,
}

impl CallAudit {
    pub(crate) fn new(store: Store, draining: Draining) -> Arc<Self> {
        Arc::new(Self {
            store,
            draining,
            counted: Mutex::default(),
        })
    }

    /// A call that changes something is over.
    pub(crate) fn called(
        self: &Arc<Self>,
        grant: &Grant,
        bot: PublicId,
        method: &str,
        template: &str,
        outcome: RelayedOutcome,
    ) {
        let mut kind = Kind {
            token: grant.token,
            bot: Some(bot),
            call: format!("{method} {template}").into(),
            result: result(outcome).into(),
        };
        if self.draining.has_begun() {
            // Nobody would keep later what is counted now.
            return self.keep(grant, &kind, 1);
        }
        let mut counted = self.lock();
        if counted.len() >= MOST_KINDS && !counted.contains_key(&kind) {
            kind.bot = None;
            kind.call = "other".into();
            kind.result = "mixed".into();
            // A token more than there are places is told of by each call.
            if counted.len() >= MOST_KINDS * 2 && !counted.contains_key(&kind) {
                drop(counted);
                return self.keep(grant, &kind, 1);
            }
        }
        if let Some(counted) = counted.get_mut(&kind) {
            counted.more += 1;
            return;
        }
        let is_first = counted.is_empty();
        let grant = grant.clone();
        self.keep(&grant, &kind, 1);
        counted.insert(kind, Counted { grant, more: 0 });
        drop(counted);
        if is_first {
            let audit = Arc::clone(self);
            actix_rt::spawn(async move { audit.keep_later().await });
        }
    }

    /// Keeps what was counted until now in a minute, or when the process is about to end.
    async fn keep_later(&self) {
        tokio::select! {
            () = tokio::time::sleep(TOGETHER) => {}
            () = self.draining.begun() => {}
        }
        let counted = std::mem::take(&mut *self.lock());
        for (kind, Counted { grant, more }) in counted {
            if more > 0 {
                self.keep(&grant, &kind, more);
            }
        }
    }

    fn keep(&self, grant: &Grant, kind: &Kind, calls: u64) {
        let mut subject = String::new();
        if let Some(bot) = kind.bot {
            subject = format!("{bot} ");
        }
        subject.push_str(&kind.call);
        if calls > 1 {
            subject = format!("{calls} × {subject}");
        }
        let result = match &*kind.result {
            "done" => AuditResult::done(),
            problem => AuditResult::problem(problem),
        };
        let entry = AuditEntry::by(grant, AuditAction::RelayCall, &subject, result, unix_ms());
        self.store.audit(entry);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Kind, Counted>> {
        // Each change is one entry of the map.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `done`, or what the answer said.
fn result(outcome: RelayedOutcome) -> String {
    match outcome {
        RelayedOutcome::Code(0) => "done".to_owned(),
        RelayedOutcome::Code(code) => format!("code_{code}"),
        RelayedOutcome::Status(status) if (200..300).contains(&status) => "done".to_owned(),
        RelayedOutcome::Status(status) => format!("http_{status}"),
        RelayedOutcome::CallerGone => "caller_gone".to_owned(),
    }
}
