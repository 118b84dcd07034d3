//! Programs of one bot share what the platform lets it do.

use std::time::Duration;

use crate::support::World;
use crate::support::platform::{Does, Platform, Seen, ok, refusal};
use futures_util::future::join_all;
use longwire_relay::proxy::Pacing;
use tokio::time::Instant;

/// A platform that refuses the sixth message to a chat within half a second. Its limit is per second; a host that is busy brings
/// messages closer together than they left.
async fn strict() -> Platform {
    let sent: std::sync::Mutex<Vec<(String, Instant)>> = std::sync::Mutex::default();
    Platform::start(move |seen: &Seen, _| {
        let chat = match seen.path().contains("/reply") {
            true => "oc_1".to_owned(),
            false => {
                let body: serde_json::Value = serde_json::from_slice(&seen.body).expect("json");
                body["receive_id"].as_str().expect("a chat").to_owned()
            }
        };
        let mut sent = sent.lock().expect("not poisoned");
        let since = seen.at - Duration::from_millis(500);
        let recent = sent.iter().filter(|(one, at)| *one == chat && *at > since);
        if recent.count() >= 5 {
            return refusal(400, 230_020);
        }
        sent.push((chat.clone(), seen.at));
        ok(&format!(
            r#","data":{{"message_id":"om_{}","chat_id":"{chat}"}}"#,
            sent.len()
        ))
    })
    .await
}

#[actix_rt::test]
async fn five_programs_in_one_chat_are_never_refused_by_the_platform() {
    let platform = strict().await;
    let world = World::new(platform.port);
    let path = "/open-apis/im/v1/messages?receive_id_type=chat_id";
    let programs = ["one", "two", "three", "four", "five"].map(|name| world.token(name, "relay"));
    let calls = programs.iter().map(|token| async {
        let authorization = world.authorization(token).await;
        let mut took = Vec::new();
        for _ in 0..3 {
            let body = br#"{"receive_id":"oc_1","msg_type":"text","content":"{}"}"#;
            took.push(world.call("POST", path, &authorization, body).await.code());
        }
        took
    });
    let codes: Vec<Vec<i64>> = join_all(calls).await;
    // Each program its three, though all of them at once are three times what a second has.
    assert!(codes.iter().flatten().all(|code| *code == 0), "{codes:?}");
    assert!(platform.calls().len() >= 15);
    world.stop().await;
}

#[actix_rt::test]
async fn replies_to_one_message_share_its_chat() {
    let platform = strict().await;
    let world = World::new(platform.port);
    let event = br#"{"event":{"message":{"message_id":"om_a","chat_id":"oc_1"}}}"#;
    world.proxy.saw_event(world.bot.public_id, event);
    let other = br#"{"event":{"message":{"message_id":"om_b","chat_id":"oc_1"}}}"#;
    world.proxy.saw_event(world.bot.public_id, other);
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    let replies = (0..8).map(|number| {
        let message = if number % 2 == 0 { "om_a" } else { "om_b" };
        let path = format!("/open-apis/im/v1/messages/{message}/reply");
        let (world, authorization) = (&world, &authorization);
        async move { world.call("POST", &path, authorization, b"{}").await.code() }
    });
    let codes = join_all(replies).await;
    assert_eq!(codes, [0; 8]);
    assert!(platform.calls().len() >= 8);
    world.stop().await;
}

#[actix_rt::test]
async fn who_would_wait_for_too_long_gets_the_platforms_own_answer() {
    let platform = strict().await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    let path = "/open-apis/im/v1/messages?receive_id_type=chat_id";
    let calls = (0..25).map(|_| {
        let body = br#"{"receive_id":"oc_1","msg_type":"text","content":"{}"}"#;
        world.call("POST", path, &authorization, body)
    });
    let answers = join_all(calls).await;
    let refused: Vec<_> = answers.iter().filter(|one| one.code() != 0).collect();
    assert!(!refused.is_empty());
    for one in refused {
        assert_eq!((one.status, one.code()), (400, 230_020));
        assert_eq!(one.json()["error"]["source"], "longwire");
    }
    assert!(platform.calls().len() >= 10);
    world.stop().await;
}

#[actix_rt::test]
async fn what_the_platform_says_of_its_rate_is_kept_to_by_all() {
    let platform = Platform::start(|_, number| match number {
        1 => Does::Answers(
            429,
            "x-ogw-ratelimit-limit: 50\r\nx-ogw-ratelimit-reset: 1\r\n",
            r#"{"code":99991400,"msg":"request trigger frequency limit"}"#.to_owned(),
        ),
        3 => Does::Answers(
            429,
            "x-ogw-ratelimit-limit: 50\r\nx-ogw-ratelimit-reset: 30\r\n",
            r#"{"code":99991400,"msg":"request trigger frequency limit"}"#.to_owned(),
        ),
        _ => ok(""),
    })
    .await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    let call = || world.call("GET", "/open-apis/im/v1/chats", &authorization, b"");
    let began = Instant::now();
    // A second is waited for.
    assert_eq!(call().await.code(), 0);
    assert!(began.elapsed() >= Duration::from_secs(1));
    // Half a minute is not: the platform's answer goes on, and the next call is not made.
    let limited = call().await;
    assert_eq!((limited.status, limited.code()), (429, 99_991_400));
    assert_eq!(limited.header("x-ogw-ratelimit-reset"), Some("30"));
    let limited = call().await;
    assert_eq!((limited.status, limited.code()), (429, 99_991_400));
    assert_eq!(limited.json()["error"]["source"], "longwire");
    assert!(limited.header("x-ogw-ratelimit-reset").is_some());
    assert_eq!(platform.calls().len(), 3);
    // Another call of the bot is not meant.
    let other = world
        .call("GET", "/open-apis/im/v1/chats/oc_1", &authorization, b"")
        .await;
    assert_eq!(other.code(), 0);
    world.stop().await;
}

#[actix_rt::test]
async fn a_platform_without_limits_is_called_at_any_pace() {
    let platform = Platform::start(|_, _| ok("")).await;
    let world = World::with(platform.port, |change| change.pacing = Pacing::Off);
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    let path = "/open-apis/im/v1/messages?receive_id_type=chat_id";
    let body = br#"{"receive_id":"oc_1"}"#;
    let calls = (0..60).map(|_| world.call("POST", path, &authorization, body));
    let answers = join_all(calls).await;
    assert!(answers.iter().all(|one| one.code() == 0));
    world.stop().await;
}
