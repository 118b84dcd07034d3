//! What people agreed to is sealed, and goes with its bot.

use super::*;
use crate::user_authorization::NewUserAuthorization;

fn agreed(bot: InstallationId, tokens: &str) -> NewUserAuthorization {
    NewUserAuthorization {
        installation: bot,
        open_id: "ou_1".to_owned(),
        scopes: "a b".to_owned(),
        authorized_ms: 1,
        access_until_ms: 2,
        refresh_until_ms: Some(3),
        tokens: tokens.into(),
    }
}

#[test]
fn what_a_person_agreed_to_is_sealed_renewed_and_ended() {
    let bench = Bench::running();
    let (store, bot) = (bench.store.clone(), bot(&bench).id);
    let kept = || {
        store
            .reader()
            .user_authorization(bot, "ou_1")
            .expect("readable")
    };
    let tokens = || {
        let opened = store
            .open_user_tokens(&kept().expect("kept"))
            .expect("opens");
        opened.map(|tokens| tokens.expose_secret().to_owned())
    };
    assert_eq!(kept(), None);
    store
        .put_user_authorization(agreed(bot, "canary-1"))
        .expect("kept");
    assert_eq!(tokens().as_deref(), Some("canary-1"));
    store
        .put_user_authorization(agreed(bot, "canary-2"))
        .expect("kept");
    assert_eq!(tokens().as_deref(), Some("canary-2"));
    let before = kept();
    store.rotate_keys().expect("sealed again");
    assert_eq!(tokens().as_deref(), Some("canary-2"));
    assert_ne!(kept(), before, "sealed by another key");

    assert!(
        store
            .end_user_authorization(bot, "ou_1", "revoked")
            .expect("ended")
    );
    assert!(
        !store
            .end_user_authorization(bot, "ou_1", "again")
            .expect("ended")
    );
    assert_eq!(tokens(), None);
    assert_eq!(kept().and_then(|one| one.ended).as_deref(), Some("revoked"));
    assert!(
        store
            .remove_user_authorization(bot, "ou_1")
            .expect("removed")
    );
    assert!(
        !store
            .remove_user_authorization(bot, "ou_1")
            .expect("nothing")
    );
}

#[test]
fn a_removed_bot_takes_its_peoples_tokens_along() {
    let bench = Bench::running();
    let (store, bot) = (bench.store.clone(), bot(&bench).id);
    store
        .put_user_authorization(agreed(bot, "canary"))
        .expect("kept");
    store.remove_installation(bot).expect("removed");
    let kept = store.reader().user_authorization(bot, "ou_1");
    assert_eq!(kept.expect("readable"), None);
}
