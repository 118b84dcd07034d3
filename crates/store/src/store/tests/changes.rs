//! Installations are changed, and a new secret waits until the platform has taken it.

use super::consumers::each_engine;
use super::displacements::{displaced, keep};
use super::*;
use crate::installation::{CandidateState, FieldChange, InstallationChange, NewAppSecret};
use longwire_installation::{BaseUrl, PresentSecret};

const OLD: &str = "canary-secret-0123456789";
const NEW: &str = "canary-new-secret";

fn change(store: &Store, id: InstallationId, change: InstallationChange) -> InstallationRecord {
    store.change_installation(id, change).expect("changed")
}

fn secret(text: &str, present: PresentSecret) -> InstallationChange {
    InstallationChange {
        app_secret: Some(NewAppSecret {
            secret: text.into(),
            present,
        }),
        ..Default::default()
    }
}

fn opened(store: &Store, record: &InstallationRecord) -> String {
    let secret = store.open_secret(record).expect("opens");
    secret.expose_secret().to_owned()
}

fn candidate(store: &Store, record: &InstallationRecord) -> Option<String> {
    let candidate = store.open_candidate(record).expect("opens");
    candidate.map(|secret| secret.expose_secret().to_owned())
}

#[test]
fn each_setting_is_changed_alone() {
    each_engine(|bench| {
        let store = &bench.store;
        let first = bot(bench);
        let id = first.id;
        let same = change(store, id, InstallationChange::default());
        assert_eq!(same.revision, first.revision, "nothing is no change");

        let named = InstallationChange {
            name: Some("another".parse().expect("a name")),
            ..Default::default()
        };
        let renamed = change(store, id, named);
        assert!(renamed.revision > first.revision);
        assert_eq!(renamed.public_id, first.public_id);
        let reader = store.reader();
        assert!(reader.installation("bot").expect("readable").is_none());
        let found = reader.installation("another").expect("readable");
        assert_eq!(found.expect("there").id, id);
        assert!(renamed.has_same_access(&first), "a name is no access");

        let keys = InstallationChange {
            mode: Some(Mode::Both),
            verification_token: FieldChange::Set("canary-token".into()),
            encrypt_key: FieldChange::Set("canary-key".into()),
            ..Default::default()
        };
        let both = change(store, id, keys);
        assert_eq!(both.mode, Mode::Both);
        assert!(both.has_verification_token() && both.has_encrypt_key());
        assert!(both.has_same_access(&first), "they are not for connecting");
        let secrets = store.open_callback_secrets(&both).expect("opens");
        let text = |secret: &Option<secrecy::SecretString>| {
            secret
                .as_ref()
                .map(|secret| secret.expose_secret().to_owned())
        };
        assert_eq!(
            text(&secrets.verification_token).as_deref(),
            Some("canary-token")
        );
        assert_eq!(text(&secrets.encrypt_key).as_deref(), Some("canary-key"));
        let again = InstallationChange {
            encrypt_key: FieldChange::Set("canary-key".into()),
            ..Default::default()
        };
        assert_eq!(change(store, id, again).revision, both.revision);
        let cleared = InstallationChange {
            verification_token: FieldChange::Clear,
            proxy: FieldChange::Clear,
            base_url: FieldChange::Set(BaseUrl::from_row("https://feishu.example".to_owned())),
            ..Default::default()
        };
        let cleared = change(store, id, cleared);
        assert!(!cleared.has_verification_token() && cleared.has_encrypt_key());
        assert!(!cleared.has_proxy() && first.has_proxy());
        assert!(!cleared.has_same_access(&first));
        assert_eq!(cleared.claims, first.claims + 1);
        assert_eq!(opened(store, &cleared), OLD);
    });
}

#[test]
fn a_change_is_refused_where_it_would_harm() {
    each_engine(|bench| {
        let store = &bench.store;
        store
            .add_installation(installation("other"))
            .expect("added");
        let refused = |id, change| store.change_installation(id, change).expect_err("refused");
        let taken = InstallationChange {
            name: Some("other".parse().expect("a name")),
            ..Default::default()
        };
        let taken = refused(bench.bot, taken);
        assert!(matches!(taken, WriteError::NameTaken { .. }), "{taken:?}");
        let outdated = InstallationChange {
            expected: Some(Revision(bot(bench).revision.0 - 1)),
            mode: Some(Mode::Webhook),
            ..Default::default()
        };
        let outdated = refused(bench.bot, outdated);
        assert!(
            matches!(outdated, WriteError::Outdated { .. }),
            "{outdated:?}"
        );
        let unknown = refused(InstallationId(404), InstallationChange::default());
        assert!(matches!(unknown, WriteError::UnknownInstallation { .. }));
        let nobody = refused(InstallationId::NONE, InstallationChange::default());
        assert!(matches!(nobody, WriteError::UnknownInstallation { .. }));
        let declared = NewInstallation {
            origin: Origin::File,
            ..installation("declared")
        };
        let declared = store.put_from_file(vec![declared]).expect("put");
        let refused = refused(declared[0].id, InstallationChange::default());
        assert!(
            matches!(&refused, WriteError::DeclaredByFile { name } if name == "declared"),
            "{refused:?}"
        );
        assert_eq!(bot(bench).mode, Mode::LongConnection);
    });
}

#[test]
fn a_new_secret_waits_beside_the_one_in_use() {
    each_engine(|bench| {
        let store = &bench.store;
        let first = bot(bench);
        let id = first.id;
        let waiting = change(store, id, secret(NEW, PresentSecret::InUse));
        assert_eq!(opened(store, &waiting), OLD);
        assert_eq!(candidate(store, &waiting).as_deref(), Some(NEW));
        assert!(waiting.has_same_access(&first));
        assert_eq!(waiting.claims, first.claims);
        let number = waiting.candidate.as_ref().expect("there").revision;
        let again = change(store, id, secret(NEW, PresentSecret::InUse));
        assert_eq!(again.revision, waiting.revision, "it waits already");

        // The connection that proves it is the connection of the record that follows.
        let proven = waiting.with_candidate().expect("one waits");
        assert_eq!(opened(store, &proven), NEW);
        let promoted = store.promote_candidate(id, number).expect("promoted");
        assert_eq!(opened(store, &promoted), NEW);
        assert!(promoted.candidate.is_none());
        assert!(promoted.has_same_access(&proven));
        assert!(!promoted.has_same_access(&first));
        assert!(promoted.revision > waiting.revision);
        let twice = store.promote_candidate(id, number).expect_err("it is done");
        assert!(matches!(twice, WriteError::Outdated { .. }), "{twice:?}");
    });
}

#[test]
fn a_refused_candidate_is_forgotten_and_its_reason_stays() {
    each_engine(|bench| {
        let store = &bench.store;
        let id = bench.bot;
        let waiting = change(store, id, secret(NEW, PresentSecret::InUse));
        let number = waiting.candidate.as_ref().expect("there").revision;
        // Another one came meanwhile: what was learned of the first is not about it.
        let newer = change(store, id, secret("canary-newer", PresentSecret::InUse));
        let late = store.drop_candidate(id, number, "late".to_owned());
        assert!(matches!(late, Err(WriteError::Outdated { .. })), "{late:?}");
        let number = newer.candidate.as_ref().expect("there").revision;
        let refused = store.drop_candidate(id, number, "invalid secret".to_owned());
        let refused = refused.expect("dropped");
        let state = &refused.candidate.as_ref().expect("still told").state;
        assert_eq!(state.reason(), Some("invalid secret"));
        assert_eq!(candidate(store, &refused), None);
        assert!(refused.with_candidate().is_none());
        assert_eq!(opened(store, &refused), OLD);
        assert_eq!(bot(bench).candidate.expect("kept").state, *state);
        let late = store.promote_candidate(id, number);
        assert!(matches!(late, Err(WriteError::Outdated { .. })), "{late:?}");
        // The next one waits again, and the secret that is there takes the news away.
        let third = change(store, id, secret(NEW, PresentSecret::InUse));
        assert_eq!(
            third.candidate.as_ref().expect("there").state,
            CandidateState::Waiting
        );
        let back = change(store, id, secret(OLD, PresentSecret::InUse));
        assert!(back.candidate.is_none());
        assert!(back.has_same_access(&refused));
    });
}

#[test]
fn a_bot_without_a_connection_takes_a_new_secret_at_once() {
    each_engine(|bench| {
        let store = &bench.store;
        let id = bench.bot;
        let mut texts = (0..).map(|number| format!("canary-{number}"));
        let mut at_once = |mut change: InstallationChange, present| {
            let text = texts.next().expect("without end");
            change.app_secret = secret(&text, present).app_secret;
            let before = bot(bench);
            let changed = store.change_installation(id, change).expect("changed");
            assert_eq!(opened(store, &changed), text);
            assert!(changed.candidate.is_none());
            assert!(!changed.has_same_access(&before));
            assert_eq!(changed.claims, before.claims + 1);
        };
        change(store, id, secret(NEW, PresentSecret::InUse));
        at_once(InstallationChange::default(), PresentSecret::NotInUse);
        let elsewhere = InstallationChange {
            base_url: FieldChange::Set(BaseUrl::from_row("https://feishu.example".to_owned())),
            ..Default::default()
        };
        at_once(elsewhere, PresentSecret::InUse);
        let webhook = || InstallationChange {
            mode: Some(Mode::Webhook),
            ..Default::default()
        };
        at_once(webhook(), PresentSecret::InUse);
        at_once(InstallationChange::default(), PresentSecret::InUse);
        let both = InstallationChange {
            mode: Some(Mode::Both),
            ..Default::default()
        };
        at_once(both, PresentSecret::InUse);
        store.set_desired(id, Desired::Stop).expect("stopped");
        at_once(InstallationChange::default(), PresentSecret::InUse);
    });
}

/// To change the access of a displaced bot takes it back, as to start it does.
#[test]
fn new_access_claims_the_bot() {
    let bench = Bench::running();
    keep(&bench, displaced(&bench, 0, Some(3_000)));
    let named = InstallationChange {
        name: Some("another".parse().expect("a name")),
        ..Default::default()
    };
    assert_eq!(
        change(&bench.store, bench.bot, named).displaced_ms,
        Some(3_000)
    );
    let changed = change(
        &bench.store,
        bench.bot,
        secret(NEW, PresentSecret::NotInUse),
    );
    assert_eq!((changed.displaced_ms, changed.claims), (None, 1));
}

#[test]
fn the_file_declares_modes_and_callback_secrets() {
    each_engine(|bench| {
        let store = &bench.store;
        let declare = |token: Option<&str>, key: Option<&str>| NewInstallation {
            origin: Origin::File,
            mode: Mode::Webhook,
            verification_token: token.map(Into::into),
            encrypt_key: key.map(Into::into),
            ..installation("declared")
        };
        let put = |new| store.put_from_file(vec![new]).expect("put").remove(0);
        let first = put(declare(Some("canary-token"), Some("canary-key")));
        assert_eq!(first.mode, Mode::Webhook);
        // What cannot be read at the moment stays.
        let unread = put(declare(Some(""), Some("")));
        assert_eq!(unread.revision, first.revision);
        let without = put(declare(None, Some("canary-key")));
        assert!(without.revision > first.revision);
        assert!(!without.has_verification_token() && without.has_encrypt_key());
        assert!(without.has_same_access(&first));
    });
}

/// The file has the last word on the secret.
#[test]
fn a_declared_secret_ends_a_candidate() {
    each_engine(|bench| {
        let store = &bench.store;
        change(store, bench.bot, secret(NEW, PresentSecret::InUse));
        let declared = NewInstallation {
            origin: Origin::File,
            ..installation("bot")
        };
        let put = store.put_from_file(vec![declared]).expect("put").remove(0);
        assert!(put.candidate.is_none());
        assert_eq!(opened(store, &put), OLD);
        // Taken out of the file, it is the operator's again.
        store.put_from_file(Vec::new()).expect("put");
        let released = bot(bench);
        assert_eq!(
            (released.origin, released.desired),
            (Origin::Cli, Desired::Stop)
        );
        change(store, bench.bot, secret(NEW, PresentSecret::InUse));
    });
}
