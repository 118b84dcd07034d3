//! Tokens and the audit, told with each engine.

use longwire_access::{
    AuditAction, AuditEntry, AuditResult, NewToken, RANDOM_BYTES, Scope, Scopes, Space,
    TokenRefusal, TokenText,
};

use super::consumers::each_engine;
use super::memory::MemoryDatabase;
use super::*;

const NOW_MS: i64 = 1_700_000_012_345;

fn token(name: &str) -> NewToken {
    NewToken {
        name: name.parse().expect("a name"),
        space: Space::default(),
        scopes: Scopes::from_iter([Scope::EventsRead, Scope::AdminRead]),
        installations: None,
        expires_ms: Some(NOW_MS + 1),
    }
}

fn text(byte: u8) -> TokenText {
    TokenText::new(&[byte; RANDOM_BYTES])
}

#[test]
fn a_token_is_valid_from_when_it_is_kept_until_it_is_revoked() {
    each_engine(|bench| {
        let store = &bench.store;
        let directory = store.tokens();
        assert!(directory.is_empty());
        let text = text(1);
        let ask = |now_ms| directory.authenticate(&text, now_ms);
        assert_eq!(ask(NOW_MS), Err(TokenRefusal::Unknown));
        let kept = store.create_token(token("a"), &text).expect("kept");
        assert!(!directory.is_empty());
        let grant = ask(NOW_MS).expect("valid");
        assert_eq!((grant.token, grant.scopes), (kept.id, kept.scopes));
        assert_eq!(ask(NOW_MS + 1), Err(TokenRefusal::Expired));
        let taken = store.create_token(token("b"), &text);
        assert!(
            matches!(taken, Err(WriteError::NameTaken { .. })),
            "{taken:?}"
        );

        let revoked = store.revoke_token(kept.id).expect("revoked");
        assert!(revoked.revoked_ms.is_some());
        assert_eq!(ask(NOW_MS), Err(TokenRefusal::Revoked));
        let again = store.revoke_token(kept.id).expect("it is already");
        assert_eq!(again.revoked_ms, revoked.revoked_ms);
        let unknown = store.revoke_token(TokenText::new(&[9; RANDOM_BYTES]).id());
        assert!(matches!(unknown, Err(WriteError::UnknownToken { .. })));
    });
}

/// When a token was used last is known to the minute, and a minute of requests is one write.
#[test]
fn a_token_says_when_it_was_used_last() {
    each_engine(|bench| {
        let store = &bench.store;
        let text = text(1);
        store.create_token(token("a"), &text).expect("kept");
        let before = store.figures().commits;
        for now_ms in [NOW_MS - 10, NOW_MS - 5, NOW_MS] {
            store.tokens().authenticate(&text, now_ms).expect("valid");
        }
        let until = Instant::now() + DEADLINE;
        loop {
            let all = store.reader().tokens().expect("readable");
            // A commit can be read a moment before it is counted.
            let is_counted = store.figures().commits > before;
            if is_counted && all[0].last_used_ms == Some(NOW_MS - NOW_MS % 60_000) {
                break;
            }
            assert!(Instant::now() < until, "{all:?}");
            std::thread::yield_now();
        }
        assert_eq!(store.figures().commits - before, 1);
    });
}

#[test]
fn tokens_are_known_after_a_restart() {
    let mut bench = Bench::running();
    let (good, bad) = (text(1), text(2));
    let narrowed = NewToken {
        installations: Some([bot(&bench).public_id].into()),
        ..token("a")
    };
    let kept = bench.store.create_token(narrowed, &good).expect("kept");
    let revoked = bench.store.create_token(token("b"), &bad).expect("kept");
    bench.store.revoke_token(revoked.id).expect("revoked");
    bench.restart_with_runs_of(RUN_EVENTS);
    let directory = bench.store.tokens();
    let grant = directory.authenticate(&good, NOW_MS).expect("valid");
    assert_eq!(grant.installations, kept.installations);
    let refused = directory.authenticate(&bad, NOW_MS);
    assert_eq!(refused, Err(TokenRefusal::Revoked));
    let all = bench.store.reader().tokens().expect("readable");
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|token| token.name.as_str().len() == 1));
}

#[test]
fn the_audit_is_read_from_its_end() {
    each_engine(|bench| {
        let store = &bench.store;
        let entry = |at_ms| AuditEntry {
            at_ms,
            token: (at_ms == 2).then(|| text(1).id()),
            name: "cli".parse().expect("a name"),
            space: Space::default(),
            action: AuditAction::InstallationAdd,
            subject: "bot".into(),
            result: AuditResult::problem("name_taken"),
        };
        for at_ms in 1..=3 {
            store.audit(entry(at_ms));
        }
        let until = Instant::now() + DEADLINE;
        let read = |before, limit| store.reader().audit(before, limit).expect("readable");
        while read(None, 9).len() < 3 {
            assert!(Instant::now() < until);
            std::thread::yield_now();
        }
        let newest = read(None, 2);
        assert_eq!(newest[0].entry, entry(3));
        assert_eq!(newest[1].entry, entry(2));
        let older = read(Some(newest[1].id), 2);
        assert_eq!(older.len(), 1);
        assert_eq!(older[0].entry, entry(1));
    });
}

/// Whenever the process is killed, there is no change without its entry and no entry without its change.
#[test]
fn a_change_and_its_entry_are_kept_together() {
    let entry = |subject: &str| AuditEntry {
        at_ms: 1,
        token: None,
        name: "cli".parse().expect("a name"),
        space: Space::default(),
        action: AuditAction::TokenCreate,
        subject: subject.into(),
        result: AuditResult::done(),
    };
    let check = |bench: &Bench| {
        let store = &bench.store;
        let audit = || store.reader().audit(None, 9).expect("readable");
        let made = store.audited_as(entry("a"));
        made.create_token(token("a"), &text(1)).expect("kept");
        assert_eq!(audit().len(), 1, "it is there at once, and no writer runs");
        assert_eq!(audit()[0].entry, entry("a"));
        let taken = store.audited_as(entry("b"));
        let taken = taken.create_token(token("b"), &text(1));
        assert!(matches!(taken, Err(WriteError::NameTaken { .. })));
        assert_eq!(audit().len(), 1, "what was refused leaves none");
    };
    let bench = Bench::still();
    check(&bench);
    check(&Bench::in_memory(&MemoryDatabase::default()));

    let path = bench.database().display().to_string();
    let mut other = SqliteConnection::establish(&path).expect("connects");
    other
        .batch_execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT raise(ABORT, 'full'); END",
        )
        .expect("written");
    let refused = bench.store.audited_as(entry("c"));
    let refused = refused.create_token(token("c"), &text(3));
    assert!(refused.is_err(), "the audit takes nothing");
    let kept = bench.store.reader().tokens().expect("readable");
    assert_eq!(kept.len(), 1, "and so nothing is changed");
    assert!(bench.store.tokens().authenticate(&text(3), NOW_MS).is_err());
}

/// Neither we nor another program alters what was audited.
#[test]
fn an_entry_of_the_audit_is_never_altered() {
    let bench = Bench::still();
    let path = bench.database().display().to_string();
    let mut other = SqliteConnection::establish(&path).expect("connects");
    other
        .batch_execute(
            "INSERT INTO audit (at_ms, name, space, action, subject, result)
             VALUES (1, 'cli', 'default', 'token.create', 'a', 'done')",
        )
        .expect("written");
    let altered = other.batch_execute("UPDATE audit SET subject = 'b'");
    assert!(altered.is_err());
}
