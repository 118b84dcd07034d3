//! Which headers go on, in either direction.
//!
//! Headers of one hop (RFC 9110, section 7.6.1) end here. So does what would name the caller to the platform or the platform to
//! the caller as somebody to be trusted: credentials, cookies, other addresses to use.

use longwire_egress::{HeaderMap, HeaderName, HeaderValue};

/// Of one hop, both ways. The lengths follow from the body that is sent on.
const ONE_HOP: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
];

/// Of a request, besides. Answers come uncompressed, so that their codes can be read.
const OF_REQUESTS: [&str; 11] = [
    "accept-encoding",
    "authorization",
    "cookie",
    "forwarded",
    "host",
    "origin",
    "referer",
    "upgrade",
    "via",
    "x-http-method-override",
    "x-real-ip",
];

/// Of an answer, besides: a caller has to come back to this process, and nowhere else.
const OF_ANSWERS: [&str; 6] = [
    "alt-svc",
    "clear-site-data",
    "public-key-pins",
    "set-cookie",
    "strict-transport-security",
    "upgrade",
];

/// Headers that applications say something to longwire with.
const OURS: &str = "x-longwire-";

/// The headers of a request as they go on.
pub(crate) fn of_request(headers: &HeaderMap) -> HeaderMap {
    passed(headers, |name, _| {
        OF_REQUESTS.contains(&name) || name.starts_with(OURS) || name.starts_with("x-forwarded-")
    })
}

/// The headers of an answer as they go on. One whose value holds `secret` does not.
pub(crate) fn of_answer(headers: &HeaderMap, secret: &[u8]) -> HeaderMap {
    passed(headers, |name, value| {
        OF_ANSWERS.contains(&name)
            || name.starts_with("access-control-")
            || super::redaction::contains(value.as_bytes(), secret)
    })
}

fn passed(headers: &HeaderMap, ends: impl Fn(&str, &HeaderValue) -> bool) -> HeaderMap {
    let named: Vec<String> = (headers.get_all("connection"))
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let ends_here = |name: &HeaderName, value: &HeaderValue| {
        let name = name.as_str();
        ONE_HOP.contains(&name) || named.iter().any(|one| one == name) || ends(name, value)
    };
    let mut passed = HeaderMap::new();
    for (name, value) in headers {
        if !ends_here(name, value) {
            passed.append(name.clone(), value.clone());
        }
    }
    passed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        map
    }

    fn names(map: &HeaderMap) -> Vec<String> {
        let mut names: Vec<String> = map.keys().map(|name| name.to_string()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_ends_here() {
        let request = map(&[
            ("content-type", "application/json"),
            ("user-agent", "oapi-node-sdk/1.74.0"),
            ("x-custom", "1"),
            ("connection", "keep-alive, X-Hop"),
            ("x-hop", "1"),
            ("authorization", "Bearer t-x"),
            ("cookie", "a=b"),
            ("host", "evil.example"),
            ("content-length", "7"),
            ("transfer-encoding", "chunked"),
            ("accept-encoding", "gzip"),
            ("x-longwire-authorization", "Bearer lw_x"),
            ("x-forwarded-for", "10.0.0.1"),
            ("upgrade", "websocket"),
        ]);
        assert_eq!(
            names(&of_request(&request)),
            ["content-type", "user-agent", "x-custom"]
        );
        let answer = map(&[
            ("x-tt-logid", "2026"),
            ("content-type", "application/json"),
            ("x-ogw-ratelimit-reset", "3"),
            ("set-cookie", "a=b"),
            ("alt-svc", "h3=\":443\""),
            ("access-control-allow-origin", "*"),
            ("transfer-encoding", "chunked"),
            ("x-echo", "Bearer t-secret"),
        ]);
        assert_eq!(
            names(&of_answer(&answer, b"t-secret")),
            ["content-type", "x-ogw-ratelimit-reset", "x-tt-logid"]
        );
    }
}
