use longwire_wire::endpoint::{HandshakeRefusal, code};

use super::*;

const NORMAL: Disposition = Disposition::Retry(RetryPace::Normal);
const BUSY: Disposition = Disposition::Retry(RetryPace::Busy);
const LIMITED: Disposition = Disposition::Retry(RetryPace::Limited);
const CLEAN: Disposition = Disposition::Retry(RetryPace::Clean);
const REFUSE: Disposition = Disposition::Refuse;
const YIELD: Disposition = Disposition::Yield;

/// One or more of every variant.
fn all() -> Vec<Setback> {
    use Setback as S;
    let samples = vec![
        S::SystemBusy,
        S::PlatformInternal,
        S::ConnectionLimit,
        S::WrongDomain,
        S::Forbidden,
        S::AuthFailed,
        S::UnknownCode(9499),
        S::HttpStatus(400),
        S::HttpStatus(404),
        S::HttpStatus(429),
        S::HttpStatus(502),
        S::Unreachable,
        S::TimedOut,
        S::NotJson,
        S::NoUrl,
        S::ProxyRefused { status: 403 },
        S::ProxyUnauthorized,
        S::TlsFailed(TlsFault::Untrusted),
        S::TlsFailed(TlsFault::AuthorityAsServer),
        S::TlsFailed(TlsFault::WrongName),
        S::TlsFailed(TlsFault::OutOfTime),
        S::TlsFailed(TlsFault::Other),
        S::RateLimited(99_991_400),
        S::HandshakeAuth { sub: None },
        S::HandshakeAuth {
            sub: Some(code::CONNECTION_LIMIT),
        },
        S::HandshakeForbidden,
        S::HandshakeRefused {
            http: 400,
            status: None,
        },
        S::HandshakeTimedOut,
        S::ClosedByPlatform { code: None },
        S::ClosedByPlatform { code: Some(1000) },
        S::Reset,
        S::Silent,
        S::WriteFailed,
        S::ProtocolViolation,
        S::NoMemory,
        S::Panicked,
        S::CredentialsRefused { code: 853_000 },
        S::SubscribeLimited,
        S::SubscribeFailed { code: None },
        S::SubscribeFailed { code: Some(-1) },
        S::SubscribeTimedOut,
        S::NotSubscribed,
        S::Displaced,
        S::NoSecret,
        S::SameBot,
        S::ProxyUnusable,
        S::AddressRefused,
        S::TooManyOpenFiles,
    ];
    // A new variant does not compile here until it has a sample above.
    for sample in &samples {
        match sample {
            S::SystemBusy | S::PlatformInternal | S::ConnectionLimit | S::WrongDomain => {}
            S::Forbidden | S::AuthFailed | S::UnknownCode(_) | S::HttpStatus(_) => {}
            S::Unreachable | S::TimedOut | S::NotJson | S::NoUrl | S::ProxyRefused { .. } => {}
            S::ProxyUnauthorized | S::TlsFailed(_) | S::HandshakeAuth { .. } => {}
            S::RateLimited(_) => {}
            S::HandshakeForbidden | S::HandshakeRefused { .. } | S::HandshakeTimedOut => {}
            S::ClosedByPlatform { .. } | S::Reset | S::Silent | S::WriteFailed => {}
            S::ProtocolViolation | S::NoMemory | S::Panicked => {}
            S::NoSecret | S::AddressRefused => {}
            S::CredentialsRefused { .. } | S::SubscribeLimited | S::SubscribeFailed { .. } => {}
            S::SubscribeTimedOut | S::NotSubscribed | S::Displaced => {}
            S::SameBot | S::ProxyUnusable | S::TooManyOpenFiles => {}
        }
    }
    samples
}

/// The bootstrap answers, row by row.
#[test]
fn bootstrap_answers() {
    let code = Setback::of_bootstrap_code;
    let http = |status| Setback::of_http_status(status, None);
    let said = |status, code| Setback::of_http_status(status, Some((code, "")));
    for (setback, expected, disposition) in [
        (code(1, "system busy"), "system_busy", BUSY),
        (code(1, ""), "system_busy", BUSY),
        (
            code(1_000_040_343, "internal error"),
            "platform_internal",
            NORMAL,
        ),
        (code(1_000_040_345, "System Busy"), "system_busy", BUSY),
        (
            code(1_000_040_345, "something else"),
            "unknown_code",
            REFUSE,
        ),
        (
            code(
                1_000_040_350,
                "the number of connections exceeded the limit",
            ),
            "connection_limit",
            LIMITED,
        ),
        (
            code(1_000_040_351, "Incorrect domain name"),
            "wrong_domain",
            REFUSE,
        ),
        (code(403, "forbidden"), "forbidden", REFUSE),
        (code(514, "auth failed"), "auth_failed", REFUSE),
        (code(9499, "Bad Request"), "unknown_code", REFUSE),
        (code(-1, ""), "unknown_code", REFUSE),
        // The platform's rate limit, with the status of newer and of older calls, and with any other.
        (said(429, 99_991_400), "rate_limited", LIMITED),
        (said(400, 99_991_400), "rate_limited", LIMITED),
        (said(403, 99_991_400), "rate_limited", LIMITED),
        (said(503, 99_991_400), "rate_limited", LIMITED),
        (
            code(99_991_400, "request trigger frequency limit"),
            "rate_limited",
            LIMITED,
        ),
        (code(11_232, ""), "rate_limited", LIMITED),
        // Other codes in a body of another status than 200.
        (said(400, 514), "auth_failed", REFUSE),
        (said(400, 1), "system_busy", BUSY),
        (said(400, 1_000_040_350), "connection_limit", LIMITED),
        (said(400, 9_499), "http_status", REFUSE),
        (said(502, 514), "http_status", NORMAL),
        (said(429, 514), "http_status", LIMITED),
        (http(400), "http_status", REFUSE),
        (http(401), "http_status", REFUSE),
        (http(403), "http_status", REFUSE),
        (http(404), "http_status", REFUSE),
        (http(408), "http_status", NORMAL),
        (http(429), "http_status", LIMITED),
        (http(302), "http_status", NORMAL),
        (http(500), "http_status", NORMAL),
        (http(502), "http_status", NORMAL),
        (http(503), "http_status", NORMAL),
        (Setback::Unreachable, "unreachable", NORMAL),
        (Setback::TimedOut, "timed_out", NORMAL),
        (Setback::NotJson, "not_json", NORMAL),
        // Code 0 with `data` null, or with an empty URL.
        (Setback::NoUrl, "no_url", NORMAL),
        (Setback::NoSecret, "no_secret", REFUSE),
        (Setback::AddressRefused, "address_refused", REFUSE),
        (Setback::SameBot, "same_bot", REFUSE),
        (Setback::ProxyUnusable, "proxy_unusable", REFUSE),
        (
            Setback::ProxyRefused { status: 502 },
            "proxy_refused",
            NORMAL,
        ),
        (Setback::ProxyUnauthorized, "proxy_unauthorized", REFUSE),
        (Setback::TlsFailed(TlsFault::Other), "tls_failed", NORMAL),
    ] {
        assert_eq!(setback.label(), expected, "{setback:?}");
        assert_eq!(setback.disposition(), disposition, "{setback:?}");
    }
}

/// Our own shortage is not the platform's breach of the protocol, and nobody looks for a proxy because of it.
#[test]
fn a_lack_of_memory_is_called_so() {
    let setback = Setback::NoMemory;
    assert_eq!(
        (
            setback.label(),
            setback.disposition(),
            setback.needs_attention()
        ),
        ("no_memory", NORMAL, true)
    );
    assert!(!setback.next_step().contains("proxy"));
}

/// The refused upgrades, row by row: headers first, then the HTTP status.
#[test]
fn refused_upgrades() {
    for (http_status, status, sub, expected, disposition) in [
        (
            400,
            Some(514),
            Some(1_000_040_350),
            "handshake_auth",
            LIMITED,
        ),
        (400, Some(514), Some(7), "handshake_auth", NORMAL),
        (400, Some(514), None, "handshake_auth", NORMAL),
        (200, Some(403), None, "handshake_forbidden", REFUSE),
        (500, Some(403), None, "handshake_forbidden", REFUSE),
        (403, Some(1), None, "handshake_refused", NORMAL),
        (400, Some(1_000_040_343), None, "handshake_refused", NORMAL),
        (400, Some(1_000_040_350), None, "handshake_refused", LIMITED),
        (400, Some(99_991_400), None, "handshake_refused", LIMITED),
        (400, Some(514), Some(99_991_400), "handshake_auth", LIMITED),
        (403, None, None, "handshake_forbidden", REFUSE),
        (
            403,
            None,
            Some(1_000_040_350),
            "handshake_forbidden",
            REFUSE,
        ),
        (400, None, None, "handshake_refused", NORMAL),
        (401, None, None, "handshake_refused", NORMAL),
        (429, None, None, "handshake_refused", LIMITED),
        (503, None, None, "handshake_refused", NORMAL),
    ] {
        let setback = Setback::of_handshake(&HandshakeRefusal {
            http_status,
            status,
            message: None,
            auth_error_code: sub,
        });
        assert_eq!(
            setback.label(),
            expected,
            "{http_status} {status:?} {sub:?}"
        );
        assert_eq!(
            setback.disposition(),
            disposition,
            "{http_status} {status:?} {sub:?}"
        );
    }
    assert_eq!(Setback::HandshakeTimedOut.disposition(), NORMAL);
}

/// S153: the answers to `aibot_subscribe`, row by row. Only wrong credentials wait for somebody.
#[test]
fn subscribe_answers() {
    for (code, expected, disposition) in [
        (Some(853_000), "credentials_refused", REFUSE),
        (Some(93_019), "credentials_refused", REFUSE),
        (Some(40_058), "credentials_refused", REFUSE),
        (Some(45_009), "subscribe_limited", LIMITED),
        (Some(846_609), "subscribe_failed", NORMAL),
        (Some(-1), "subscribe_failed", NORMAL),
        (None, "subscribe_failed", NORMAL),
    ] {
        let setback = Setback::of_subscribe(code);
        assert_eq!(setback.label(), expected, "{code:?}");
        assert_eq!(setback.disposition(), disposition, "{code:?}");
    }
    assert_eq!(Setback::SubscribeTimedOut.disposition(), NORMAL);
    assert_eq!(Setback::NotSubscribed.disposition(), NORMAL);
    assert_eq!(Setback::Displaced.disposition(), YIELD);
    assert_eq!(Setback::TooManyOpenFiles.disposition(), NORMAL);
}

/// S45: an orderly goodbye is no error; every other end of a connection is.
#[test]
fn ends_of_a_connection() {
    for (code, disposition) in [
        (Some(1000), CLEAN),
        (Some(1001), CLEAN),
        (Some(1006), NORMAL),
        (Some(1011), NORMAL),
        (None, NORMAL),
    ] {
        assert_eq!(
            Setback::ClosedByPlatform { code }.disposition(),
            disposition
        );
    }
    for setback in [
        Setback::Reset,
        Setback::Silent,
        Setback::WriteFailed,
        Setback::ProtocolViolation,
        Setback::Panicked,
    ] {
        assert_eq!(setback.disposition(), NORMAL, "{setback:?}");
    }
}

/// Whatever waits for somebody tells them what to do, and every word is fit to be shown.
#[test]
fn every_setback_speaks_for_itself() {
    let mut labels = std::collections::HashMap::new();
    for setback in all() {
        let (reason, step, label) = (setback.to_string(), setback.next_step(), setback.label());
        assert!(
            !reason.ends_with('.') && reason.starts_with(char::is_lowercase),
            "{reason}"
        );
        assert!(
            step.ends_with('.') && step.starts_with(char::is_uppercase),
            "{step}"
        );
        assert!(
            label.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
            "{label}"
        );
        let kind = std::mem::discriminant(&setback);
        assert_eq!(
            *labels.entry(label).or_insert(kind),
            kind,
            "{label} names two"
        );
        if matches!(setback.disposition(), REFUSE | YIELD) {
            assert!(setback.needs_attention(), "{setback:?}");
            assert!(!step.starts_with("Nothing to do"), "{setback:?}");
        }
    }
    assert!(
        Setback::WrongDomain
            .next_step()
            .contains("open.larksuite.com"),
        "P23"
    );
}

#[test]
fn codes_show_in_the_reason() {
    for (setback, reason) in [
        (
            Setback::HandshakeAuth { sub: Some(7) },
            "the platform did not accept the connection's ticket, code 7",
        ),
        (
            Setback::HandshakeRefused {
                http: 503,
                status: None,
            },
            "the platform refused the connection with http status 503",
        ),
        (
            Setback::ClosedByPlatform { code: Some(1011) },
            "the platform closed the connection, code 1011",
        ),
        (
            Setback::SubscribeFailed { code: Some(-1) },
            "the platform did not accept the subscription, code -1",
        ),
        (
            Setback::SubscribeFailed { code: None },
            "the platform did not accept the subscription",
        ),
        (
            Setback::UnknownCode(-3),
            "the platform refused with code -3",
        ),
    ] {
        assert_eq!(setback.to_string(), reason);
    }
}
