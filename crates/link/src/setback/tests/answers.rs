//! The setbacks of the platform's answers, and what follows from them.

use longwire_wire::endpoint::HandshakeRefusal;

use super::*;

fn check(setback: Setback, label: &str, disposition: Disposition) {
    assert_eq!(setback.label(), label, "{setback:?}");
    assert_eq!(setback.disposition(), disposition, "{setback:?}");
}

/// The codes of bootstrap answers, row by row.
#[test]
fn bootstrap_answers() {
    let code = Setback::of_bootstrap_code;
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
    ] {
        check(setback, expected, disposition);
    }
}

/// Bootstrap calls that fail without a code of the platform, row by row.
#[test]
fn failed_bootstraps() {
    let http = |status| Setback::of_http_status(status, None);
    for (setback, expected, disposition) in [
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
        (Setback::SpaceLimit, "space_limit", REFUSE),
        (Setback::ProxyUnusable, "proxy_unusable", REFUSE),
        (
            Setback::ProxyRefused { status: 502 },
            "proxy_refused",
            NORMAL,
        ),
        (Setback::ProxyUnauthorized, "proxy_unauthorized", REFUSE),
        (Setback::TlsFailed(TlsFault::Other), "tls_failed", NORMAL),
    ] {
        check(setback, expected, disposition);
    }
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
