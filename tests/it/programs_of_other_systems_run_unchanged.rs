//! Programs that were written for the systems that longwire replaces go on with their own requests and get the bodies that they
//! know, to the byte.

mod aurak;
mod lark_callback_server;

use longwire_tests::{Gateway, Setup, platform};

/// The text with each time of `toISOString` in it replaced by `TIME`.
fn without_times(body: &str) -> String {
    let is_time = |text: &[u8]| {
        text.iter()
            .zip(b"0000-00-00T00:00:00.000Z")
            .all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                other => byte == other,
            })
    };
    const LENGTH: usize = 24;
    let (mut rest, mut found) = (body, String::new());
    while let Some(next) = rest.chars().next() {
        match rest.as_bytes().get(..LENGTH) {
            Some(window) if is_time(window) => {
                found.push_str("TIME");
                rest = &rest[LENGTH..];
            }
            _ => {
                found.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    found
}

/// What each path of the other systems answers of a gateway that serves none.
fn refused(gateway: &Gateway, method: &str, path: &str) -> u16 {
    let public = gateway.public();
    let answer = match method {
        "POST" => public.post(path, None),
        _ => public.get(path),
    };
    answer.expect("it answers").status
}

/// S203, S204: nothing of it is there unless the configuration says so.
#[test]
fn nothing_of_it_is_there_unless_it_is_switched_on() {
    let sim = platform(|_| ());
    let gateway = Setup::new(&sim).bot("support").start();
    for (method, path) in [
        ("GET", "/api/feishu/bots"),
        ("GET", "/api/feishu/ws/status"),
        ("GET", "/api/feishu/bots/support/ws/status"),
        ("POST", "/api/feishu/bots/support/ws/connect"),
        ("POST", "/api/feishu/bots/support/ws/disconnect"),
        ("POST", "/api/feishu/webhook/cli_a"),
        ("POST", "/callback"),
        ("GET", "/health"),
    ] {
        assert_eq!(refused(&gateway, method, path), 404, "{method} {path}");
    }
}

#[test]
fn times_are_recognized() {
    assert_eq!(
        without_times(r#"{"connectedAt":"2026-03-17T10:00:00.000Z","a":"2026-03-17 é"}"#),
        r#"{"connectedAt":"TIME","a":"2026-03-17 é"}"#
    );
}
