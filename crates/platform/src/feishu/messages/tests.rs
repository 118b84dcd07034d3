use super::*;
use longwire_egress::{EgressError, HttpError, NoRoute};

const TOKEN: &str = "t-canary-0123456789";

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> HttpAnswer {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    HttpAnswer {
        status,
        body: Bytes::copy_from_slice(body.as_bytes()),
        headers: headers.collect(),
    }
}

/// The label of a code at a call, and whether the message may have been sent.
fn meaning(call: MessageCall, status: u16, code: i64) -> (&'static str, bool) {
    let body = format!(r#"{{"code":{code},"msg":"no"}}"#);
    let error = read(call, &answer(status, &[], &body), TOKEN).expect_err("it is a refusal");
    assert!(!error.next_step().is_empty());
    (error.label(), error.may_be_sent())
}

#[test]
fn what_codes_mean() {
    use MessageCall::{Reply, Send};
    for (call, status, code, expected) in [
        (Reply, 400, 230_002, "not_in_chat"),
        (Reply, 400, 230_006, "bot_off"),
        (Reply, 400, 230_011, "message_gone"),
        (Reply, 400, 230_110, "message_gone"),
        (Send, 400, 230_013, "out_of_reach"),
        (Reply, 400, 230_020, "rate_limited"),
        (Reply, 400, 230_022, "content_refused"),
        (Reply, 400, 230_025, "too_long"),
        (Reply, 400, 230_027, "permission_missing"),
        (Send, 400, 230_034, "bad_receiver"),
        (Reply, 400, 230_034, "refused"),
        (Reply, 400, 230_071, "no_reply_possible"),
        (Send, 400, 230_071, "refused"),
        (Send, 400, 230_075, "chat_forbids"),
        (Reply, 400, 99_991_400, "rate_limited"),
        (Reply, 429, 99_991_400, "rate_limited"),
        (Reply, 429, 1, "rate_limited"),
        (Reply, 400, 99_991_401, "address_not_allowed"),
        (Reply, 400, 99_991_403, "quota_used_up"),
        (Reply, 400, 99_991_662, "app_unavailable"),
        (Reply, 400, 99_991_663, "token_refused"),
        (Reply, 400, 99_991_672, "permission_missing"),
        (Reply, 400, 77, "refused"),
    ] {
        assert_eq!(meaning(call, status, code), (expected, false), "{code}");
    }
    for (status, code, expected) in [
        (500, 2200, "platform_busy"),
        (400, 18_121, "platform_busy"),
        (503, 77, "platform_busy"),
        (400, 230_049, "platform_busy"),
        (200, 0, "unknown"),
    ] {
        assert_eq!(meaning(Reply, status, code), (expected, true), "{code}");
    }
}

#[test]
fn a_limit_says_how_long_to_wait() {
    let check = |headers: &[(&str, &str)], expected: Option<u64>| {
        let limited = answer(429, headers, r#"{"code":99991400}"#);
        let Err(MessageError::AppLimited { retry_after }) =
            read(MessageCall::Reply, &limited, TOKEN)
        else {
            panic!("the app is limited");
        };
        assert_eq!(retry_after, expected.map(Duration::from_secs));
    };
    check(&[("x-ogw-ratelimit-reset", "3")], Some(3));
    check(&[("retry-after", "7")], Some(7));
    check(&[("x-ogw-ratelimit-reset", "soon")], None);
    check(&[], None);
}

#[test]
fn a_missing_scope_is_named() {
    let body = r#"{"code":99991672,"msg":"no","error":{"log_id":"L1","permission_violations":[{"subject":"im:message:send_as_bot"}]}}"#;
    let error = read(
        MessageCall::Reply,
        &answer(400, &[("x-tt-logid", "L2")], body),
        TOKEN,
    );
    let error = error.expect_err("a refusal");
    assert!(error.next_step().ends_with(": im:message:send_as_bot"));
    let MessageError::Refused(refusal) = error else {
        panic!("a refusal: {error}");
    };
    assert_eq!(refusal.log_id.as_deref(), Some("L2"));
}

#[test]
fn no_text_of_a_refusal_is_long_or_holds_the_token() {
    let long = "x".repeat(10_000);
    let scopes = vec![format!(r#"{{"subject":"{TOKEN}{long}"}}"#); 1_000].join(",");
    let body = format!(
        r#"{{"code":99991663,"msg":"invalid {TOKEN} {long}","error":{{"log_id":"{TOKEN}{long}","permission_violations":[{scopes}]}}}}"#
    );
    let error = read(MessageCall::Reply, &answer(400, &[], &body), TOKEN);
    let error = error.expect_err("a refusal");
    let told = format!("{error} {error:?} {}", error.next_step());
    assert!(!told.contains("canary"), "{told}");
    assert!(told.len() < 20_000, "{}", told.len());
}

#[test]
fn a_page_of_somebody_else_is_no_answer() {
    let check = |status, expected| {
        let page = answer(status, &[], "<html>");
        let error = read(MessageCall::Send, &page, TOKEN).expect_err("no answer");
        assert_eq!(error.label(), expected);
    };
    check(200, "unknown");
    check(502, "unknown");
    check(429, "rate_limited");
}

#[test]
fn what_may_have_been_sent() {
    let unreachable = |source| EgressError::Unreachable {
        peer: "host:443".to_owned(),
        source,
    };
    let cases: [(HttpError, bool); 6] = [
        (EgressError::TimedOut.into(), true),
        (unreachable(NoRoute::Dropped).into(), true),
        (unreachable(NoRoute::Refused).into(), false),
        (EgressError::TooManyOpenFiles.into(), false),
        (EgressError::ProxyUnauthorized.into(), false),
        (HttpError::BodyTooLarge { limit_bytes: 1 }, true),
    ];
    for (error, expected) in cases {
        let text = error.to_string();
        let error = MessageError::of_http(error);
        assert_eq!(error.may_be_sent(), expected, "{text}");
    }
}

#[test]
fn a_key_has_one_to_fifty_characters() {
    for (chars, is_key) in [(0, false), (1, true), (50, true), (51, false)] {
        let made = IdempotencyKey::new("字".repeat(chars));
        assert_eq!(made.is_ok(), is_key, "{chars}");
    }
}
