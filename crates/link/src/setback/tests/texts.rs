//! The texts and labels of setbacks.

use longwire_wire::endpoint::code;

use super::*;

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
        S::SpaceLimit,
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
            S::SameBot | S::SpaceLimit | S::ProxyUnusable | S::TooManyOpenFiles => {}
        }
    }
    samples
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
