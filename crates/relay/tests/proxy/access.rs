//! Who may call what.

use crate::support::client::ask;
use crate::support::platform::{Does, Platform, ok};
use crate::support::{APP, SECRET, World};

#[actix_rt::test]
async fn only_a_token_of_ours_gets_one() {
    let platform = Platform::start(|_, _| ok("")).await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay");
    let reader = world.token("reader", "events:read messages:send");
    let narrowed = world.token_of(
        "narrow",
        "relay",
        Some([longwire_installation::PublicId::from_bytes([9; 16])].into()),
    );
    let given = world.ask_token(APP, token.expose()).await;
    assert_eq!(given.json()["expire"], 1_800);
    let mut refused = Vec::new();
    for (app_id, secret) in [
        (APP, SECRET),
        (APP, ""),
        ("cli_0000000000000000", token.expose()),
        (APP, reader.expose()),
        (APP, narrowed.expose()),
        (token.expose(), token.expose()),
    ] {
        let answered = world.ask_token(app_id, secret).await;
        assert_eq!(
            (answered.status, answered.code()),
            (200, 10_014),
            "{app_id}"
        );
        refused.push(answered.body);
    }
    // Nobody learns which bots there are.
    assert!(refused.iter().all(|body| *body == refused[0]));
    let path = "/open-apis/auth/v3/app_access_token/internal";
    let body = format!(r#"{{"app_id":"{APP}","app_secret":"{}"}}"#, token.expose());
    let given = ask(world.address, "POST", path, &[], body.as_bytes())
        .await
        .json();
    assert_eq!(given["app_access_token"], given["tenant_access_token"]);
    for garbage in ["", "{", "[]", r#"{"app_id":1}"#, &"x".repeat(9_000)] {
        let answered = ask(world.address, "POST", path, &[], garbage.as_bytes()).await;
        assert_eq!(
            (answered.status, answered.code()),
            (200, 10_003),
            "{garbage}"
        );
    }
    // Of apps of a store, which have no app secret here.
    let path = "/open-apis/auth/v3/app_access_token";
    assert_eq!(
        ask(world.address, "POST", path, &[], body.as_bytes())
            .await
            .code(),
        99_991_661
    );
    assert_eq!((platform.calls().len(), platform.token_calls()), (0, 0));
    world.stop().await;
}

#[actix_rt::test]
async fn tokens_are_looked_at_anew_with_each_call() {
    let platform = Platform::start(|_, _| ok("")).await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    let call = |authorization: String| {
        let world = &world;
        async move {
            world
                .call("GET", "/open-apis/im/v1/chats", &authorization, b"")
                .await
        }
    };
    assert_eq!(call(authorization.clone()).await.code(), 0);
    for (wrong, code) in [
        ("", 99_991_661),
        ("Basic x", 99_991_661),
        ("Bearer ", 99_991_661),
        (
            "Bearer t-g1044ghJRUIJJ5UIVZBPCLHSCTZSBOVLQPUQLYSX",
            99_991_663,
        ),
        ("Bearer t-v1.x.y", 99_991_663),
        (&*format!("{authorization}A"), 99_991_663),
        (&*format!("Bearer {SECRET}"), 99_991_663),
    ] {
        let answered = call(wrong.to_owned()).await;
        assert_eq!((answered.status, answered.code()), (400, code), "{wrong}");
    }
    world.store.revoke_token(token.id()).expect("it is revoked");
    assert_eq!(call(authorization.clone()).await.code(), 99_991_663);
    assert_eq!(world.ask_token(APP, token.expose()).await.code(), 10_014);
    assert_eq!(platform.calls().len(), 1);
    world.stop().await;
}

#[actix_rt::test]
async fn scopes_narrow_paths() {
    let platform = Platform::start(|_, _| ok("")).await;
    let world = World::new(platform.port);
    for (name, scopes, path, is_allowed) in [
        ("plain", "relay", "im/v1/chats", true),
        ("plain2", "relay", "contact/v3/users/ou_1", false),
        ("sender", "relay:im", "im/v1/chats", true),
        ("card", "relay:cardkit", "im/v1/chats", false),
        ("all", "relay:all", "calendar/v4/calendars", true),
        (
            "drive",
            "relay:drive relay:contact",
            "contact/v3/users/ou_1",
            true,
        ),
    ] {
        let token = world.token(name, scopes);
        let authorization = world.authorization(&token).await;
        let answered = world
            .call("GET", &format!("/open-apis/{path}"), &authorization, b"")
            .await;
        let expected = if is_allowed { 0 } else { 99_991_672 };
        assert_eq!(answered.code(), expected, "{scopes} {path}");
    }
    assert_eq!(platform.calls().len(), 4);
    world.stop().await;
}

#[actix_rt::test]
async fn a_persons_token_goes_on_beside_ours_only() {
    let platform = Platform::start(|_, _| ok("")).await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay:all");
    let authorization = world.authorization(&token).await;
    let path = "/open-apis/authen/v1/user_info";
    for person in ["Bearer u-person", "Bearer eyJhbGciOi.x.y"] {
        assert_eq!(
            world.call("GET", path, person, b"").await.code(),
            99_991_676
        );
        let narrowed = world.token_of(
            &person[7..10],
            "relay:all",
            Some([world.bot.public_id].into()),
        );
        for ours in [
            authorization.clone(),
            format!("Bearer {}", narrowed.expose()),
        ] {
            let headers = [
                ("Authorization", person),
                ("X-Longwire-Authorization", &*ours),
            ];
            assert_eq!(
                ask(world.address, "GET", path, &headers, b"").await.code(),
                0
            );
            let seen = platform.calls().pop().expect("a call");
            assert_eq!(seen.header("authorization"), Some(person));
            assert_eq!(seen.header("x-longwire-authorization"), None);
        }
        let headers = [
            ("Authorization", person),
            ("X-Longwire-Authorization", "Bearer lw_x"),
        ];
        assert_eq!(
            ask(world.address, "GET", path, &headers, b"").await.code(),
            99_991_663
        );
    }
    assert_eq!(platform.token_calls(), 0);
    world.stop().await;
}

#[actix_rt::test]
async fn a_token_of_several_bots_names_the_app() {
    let platform = Platform::start(|_, _| ok("")).await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay");
    let authorization = format!("Bearer {}", token.expose());
    let path = "/open-apis/im/v1/chats";
    assert_eq!(
        world.call("GET", path, &authorization, b"").await.code(),
        99_991_676
    );
    let headers = [("Authorization", &*authorization), ("X-Longwire-App", APP)];
    assert_eq!(
        ask(world.address, "GET", path, &headers, b"").await.code(),
        0
    );
    let headers = [
        ("Authorization", &*authorization),
        ("X-Longwire-App", "cli_nobodys"),
    ];
    assert_eq!(
        ask(world.address, "GET", path, &headers, b"").await.code(),
        99_991_663
    );
    world.stop().await;
}

#[actix_rt::test]
async fn programs_start_without_the_platform() {
    let platform = Platform::start(|_, number| match number {
        1 => ok(r#","bot":{"open_id":"ou_bot","activate_status":2}"#),
        _ => Does::Answers(503, "", "<html>".to_owned()),
    })
    .await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    let connections = world
        .call("GET", "/open-apis/event/v1/connection", &authorization, b"")
        .await;
    assert_eq!(connections.json()["data"]["online_instance_cnt"], 3);
    assert_eq!(platform.calls().len(), 0);
    for _ in 0..2 {
        let info = world
            .call("GET", "/open-apis/bot/v3/info", &authorization, b"")
            .await;
        assert_eq!(info.json()["bot"]["open_id"], "ou_bot");
    }
    assert_eq!(platform.calls().len(), 2);
    world.stop().await;
}

#[actix_rt::test]
async fn calls_are_counted_and_changes_audited() {
    let platform = Platform::start(|seen, _| match seen.path().contains("om_bad") {
        true => crate::support::platform::refusal(400, 230_011),
        false => ok(""),
    })
    .await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    for message in ["om_1", "om_2", "om_bad"] {
        let path = format!("/open-apis/im/v1/messages/{message}/reply");
        world
            .call(
                "POST",
                &path,
                &authorization,
                br#"{"content":"private words"}"#,
            )
            .await;
    }
    world
        .call("GET", "/open-apis/im/v1/chats", &authorization, b"")
        .await;
    let figures = world.proxy.figures();
    let replies = &figures[&("POST", "im/v1/messages/{}/reply".into())];
    let outcomes: Vec<u64> = replies.outcomes.values().copied().collect();
    assert_eq!(outcomes, [2, 1]);
    assert_eq!(
        world
            .proxy
            .calls_per_minute(token.id(), world.bot.public_id),
        4
    );
    // Those that were counted together are kept when the process ends.
    world.draining.begin();
    let subjects = crate::support::until(|| {
        let entries = world.store.reader().audit(None, 100).expect("the audit");
        let calls = entries.into_iter().map(|record| record.entry);
        let calls = calls.filter(|entry| entry.action.label() == "relay.call");
        let subjects: Vec<String> = calls
            .map(|entry| format!("{} {}", entry.subject, entry.result.as_str()))
            .collect();
        (subjects.len() == 3).then_some(subjects)
    })
    .await;
    let bot = world.bot.public_id;
    let call = format!("{bot} POST im/v1/messages/{{}}/reply");
    assert!(subjects.contains(&format!("{call} done")), "{subjects:?}");
    assert!(
        subjects.contains(&format!("{call} code_230011")),
        "{subjects:?}"
    );
    world.stop().await;
}
