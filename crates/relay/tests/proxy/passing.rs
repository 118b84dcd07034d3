//! What goes on, and what does not.

use crate::support::client::{self, ask};
use crate::support::platform::{Does, Platform, ok, refusal};
use crate::support::{APP, SECRET, TENANT_TOKEN, World};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Names of what neither side may see of the other.
fn markers(token: &longwire_access::TokenText) -> [String; 3] {
    [
        SECRET.to_owned(),
        TENANT_TOKEN.to_owned(),
        token.expose().to_owned(),
    ]
}

#[actix_rt::test]
async fn a_call_goes_on_as_it_came_with_the_bots_own_token() {
    let platform =
        Platform::start(|_, _| ok(r#","data":{"message_id":"om_1","chat_id":"oc_1"}"#)).await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    let path = "/open-apis/im/v1/messages?receive_id_type=chat_id&x=%27'&y=a%20b+c&z=https://evil.example/../..";
    let body = r#"{"receive_id":"oc_1","msg_type":"text","content":"{\"text\":\"你好\"}"}"#;
    let headers = [
        ("Authorization", &*authorization),
        ("Content-Type", "application/json; charset=utf-8"),
        ("User-Agent", "oapi-node-sdk/1.74.0"),
        ("X-Custom", "kept"),
        ("Cookie", "session=1"),
        ("Accept-Encoding", "gzip"),
        ("X-Forwarded-For", "10.0.0.1"),
    ];
    let answered = ask(world.address, "POST", path, &headers, body.as_bytes()).await;
    assert_eq!((answered.status, answered.code()), (200, 0));
    assert_eq!(answered.header("X-Tt-Logid"), Some("2026-log"));
    let calls = platform.calls();
    let [seen] = &calls[..] else {
        panic!("{calls:?}")
    };
    assert_eq!(seen.line, format!("POST {path} HTTP/1.1"));
    assert_eq!(seen.body, body.as_bytes());
    assert_eq!(
        seen.header("authorization"),
        Some(&*format!("Bearer {TENANT_TOKEN}1"))
    );
    assert_eq!(
        seen.header("host"),
        Some(&*format!("127.0.0.1:{}", platform.port))
    );
    assert_eq!(seen.header("user-agent"), Some("oapi-node-sdk/1.74.0"));
    assert_eq!(seen.header("x-custom"), Some("kept"));
    // Answers come uncompressed, so that their codes can be read.
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    for gone in ["cookie", "x-forwarded-for", "connection"] {
        assert_eq!(seen.header(gone), None, "{gone}");
    }
    world.stop().await;
}

#[actix_rt::test]
async fn neither_side_sees_what_is_the_others() {
    // A platform that repeats all it was sent, in its headers too.
    let platform = Platform::start(|seen, _| {
        let authorization = seen.header("authorization").expect("a token").to_owned();
        let body = format!(r#"{{"code":1,"msg":"you sent {authorization}, twice {authorization}"}}"#);
        let length = body.len();
        Does::Raw(
            format!("HTTP/1.1 400 X\r\nContent-Type: application/json\r\nX-Echo: {authorization}\r\nSet-Cookie: a=b\r\nAlt-Svc: h3=\":443\"\r\nContent-Length: {length}\r\n\r\n{body}")
                .into_bytes(),
        )
    })
    .await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay:all");
    let given = world.ask_token(APP, token.expose()).await;
    let authorization = world.authorization(&token).await;
    let answered = world
        .call("GET", "/open-apis/im/v1/chats", &authorization, b"")
        .await;
    assert_eq!((answered.status, answered.code()), (400, 1));
    for marker in markers(&token) {
        assert!(
            !answered.shows(&marker) && !given.shows(&marker),
            "{marker}"
        );
    }
    for gone in ["x-echo", "set-cookie", "alt-svc"] {
        assert_eq!(answered.header(gone), None, "{gone}");
    }
    for seen in platform.calls() {
        let text = format!("{seen:?}");
        assert!(!text.contains(token.expose()) && !text.contains(authorization.split_at(7).1));
    }
    // The same, of an answer that passes in parts.
    let long = Platform::start(|seen, _| {
        let authorization = seen.header("authorization").expect("a token");
        let body = format!(
            "{}{authorization}{}",
            "x".repeat(100_000),
            "y".repeat(100_000)
        );
        Does::Answers(200, "", body)
    })
    .await;
    let world = World::new(long.port);
    let token = world.token("shop", "relay:all");
    let authorization = world.authorization(&token).await;
    let answered = world
        .call("GET", "/open-apis/im/v1/chats", &authorization, b"")
        .await;
    assert_eq!(
        answered.body.len(),
        200_000 + "Bearer 1".len() + TENANT_TOKEN.len()
    );
    assert!(!answered.shows(TENANT_TOKEN));
    world.stop().await;
}

#[actix_rt::test]
async fn our_token_in_a_body_stays_here() {
    let platform = Platform::start(|_, _| ok("")).await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay:all");
    let authorization = world.authorization(&token).await;
    let body = format!(
        r#"{{"client_id":"{APP}","client_secret":"{}"}}"#,
        token.expose()
    );
    let path = "/open-apis/authen/v2/oauth/token";
    let answered = world
        .call("POST", path, &authorization, body.as_bytes())
        .await;
    assert_eq!(answered.json()["error"]["problem"], "token_in_body");
    assert_eq!(platform.calls().len(), 0);
    world.stop().await;
}

#[actix_rt::test]
async fn nothing_leaves_for_anywhere_else() {
    let platform = Platform::start(|_, _| ok("")).await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay:all");
    let authorization = world.authorization(&token).await;
    for path in [
        "/open-apis/../callback/ws/endpoint",
        "/open-apis/im/v1/%2e%2e/%2e%2e/%2e%2e/callback/ws/endpoint",
        "/open-apis/im/v1/.%2e/x",
        "/open-apis/%252e%252e/callback",
        "/open-apis//im/v1/chats",
        "/open-apis/im%2f..%2fx",
        "/open-apis/im%5c..%5cx",
        "/open-apis/im/v1/chats/",
        "/open-apis@evil.example/im/v1/chats",
        "/open-apis",
        "http://evil.example/open-apis/im/v1/chats",
        "http://user@evil.example/open-apis/im/v1/chats",
    ] {
        let answered = world.call("GET", path, &authorization, b"").await;
        assert_eq!(answered.status, 400, "{path}: {answered:?}");
        assert_eq!(
            answered.json()["error"]["problem"],
            "path_refused",
            "{path}"
        );
    }
    // Not even a request of HTTP.
    for target in [
        "/open-apis/im\\..\\x",
        "//evil.example/open-apis/im",
        "evil.example:443",
        "*",
    ] {
        let mut socket = TcpStream::connect(world.address).await.expect("it listens");
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nAuthorization: {authorization}\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).await.expect("the head");
        let answered = client::answer(socket).await;
        assert!(
            (400..500).contains(&answered.status),
            "{target}: {answered:?}"
        );
    }
    assert_eq!(platform.calls().len(), 0);
    // Another host's name and an `@` within a path change nothing.
    let headers = [
        ("Authorization", &*authorization),
        ("X-Forwarded-Host", "evil.example"),
    ];
    let path = "/open-apis/contact/v3/users/a@evil.example?u=//evil.example/";
    ask(world.address, "GET", path, &headers, b"").await;
    assert_eq!(platform.calls()[0].path(), path);
    world.stop().await;
}

#[actix_rt::test]
async fn a_redirect_is_not_followed() {
    let platform = Platform::start(|_, _| {
        Does::Answers(302, "Location: http://127.0.0.1:1/x\r\n", "{}".to_owned())
    })
    .await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay:all");
    let authorization = world.authorization(&token).await;
    let answered = world
        .call("GET", "/open-apis/drive/v1/files", &authorization, b"")
        .await;
    assert_eq!(answered.status, 302);
    assert_eq!(platform.calls().len(), 1);
    world.stop().await;
}

#[actix_rt::test]
async fn a_stale_token_is_replaced_and_the_call_made_once_more() {
    let platform = Platform::start(|seen, _| match seen.header("authorization") {
        Some(first) if first.ends_with("-1") => refusal(400, 99_991_663),
        _ => ok(""),
    })
    .await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    let path = "/open-apis/im/v1/messages?receive_id_type=chat_id";
    let body = br#"{"receive_id":"oc_1"}"#;
    let answered = world.call("POST", path, &authorization, body).await;
    assert_eq!(answered.code(), 0);
    let calls = platform.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].body, calls[1].body);
    assert_eq!(platform.token_calls(), 2);
    world.stop().await;
}

#[actix_rt::test]
async fn a_body_that_is_not_kept_is_sent_once_and_the_token_replaced() {
    let platform = Platform::start(|seen, _| match seen.header("authorization") {
        Some(first) if first.ends_with("-1") => refusal(400, 99_991_663),
        _ => ok(""),
    })
    .await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    let file = vec![7; 500_000];
    let upload = || world.call("POST", "/open-apis/im/v1/files", &authorization, &file);
    assert_eq!(upload().await.code(), 99_991_663);
    assert_eq!(platform.calls().len(), 1);
    assert_eq!(upload().await.code(), 0);
    assert_eq!(platform.calls()[1].body, file);
    world.stop().await;
}

#[actix_rt::test]
async fn a_platform_that_refuses_every_token_is_asked_twice() {
    let platform = Platform::start(|_, _| refusal(400, 99_991_663)).await;
    let world = World::new(platform.port);
    let token = world.token("shop", "relay");
    let authorization = world.authorization(&token).await;
    let answered = world
        .call("GET", "/open-apis/im/v1/chats", &authorization, b"")
        .await;
    assert_eq!((answered.status, answered.code()), (400, 99_991_663));
    assert_eq!(answered.header("X-Tt-Logid"), Some("2026-log"));
    assert_eq!(platform.calls().len(), 2);
    world.stop().await;
}
