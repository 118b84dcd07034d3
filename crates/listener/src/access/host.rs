//! Whether a request was meant for this listener: its `Host`, and its `Origin` if it has one.
//!
//! A browser on the operator's machine can reach loopback. Against a page whose name was rebound to 127.0.0.1 the
//! `Host` header is checked, against a page of another origin the `Origin` header. Neither is sent wrongly by
//! `curl`, scripts or probes.

use std::sync::Arc;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderMap;
use actix_web::http::{StatusCode, header};
use url::{Host, Url};

use crate::Problem;

/// Names that a listener answers to, besides addresses and `localhost`; `None` for every name.
#[derive(Debug, Clone)]
pub(crate) struct AllowedHosts(pub(crate) Option<Arc<[String]>>);

impl AllowedHosts {
    /// Refuses a request whose `Host`, or whose `Origin`, is not this host's own.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        match &self.0 {
            None => Ok(()),
            Some(allowed) => check_headers(headers, allowed),
        }
    }
}

/// The same, by the names of the listener that serves the request.
pub(super) fn check(request: &ServiceRequest) -> Result<(), Problem> {
    match request.app_data::<AllowedHosts>() {
        Some(hosts) => hosts.check(request.headers()),
        // A listener that says nothing answers to addresses and `localhost` only.
        None => check_headers(request.headers(), &[]),
    }
}

fn check_headers(headers: &HeaderMap, allowed: &[String]) -> Result<(), Problem> {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    if let Some(host) = host
        && !is_own(&format!("http://{host}"), allowed)
    {
        return Err(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "foreign_host",
            format!(
                "this interface does not answer to the name `{host}`; name it in server.admin_hosts"
            ),
        ));
    }
    let origin = headers
        .get(header::ORIGIN)
        .map(|origin| origin.to_str().unwrap_or_default());
    if let Some(origin) = origin
        && !is_same(origin, host.unwrap_or_default())
    {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "foreign_origin",
            "web pages of another origin have no access",
        ));
    }
    Ok(())
}

/// Whether the host of `url` is an address (which nobody can rebind), loopback's name, or allowed by name.
fn is_own(url: &str, allowed: &[String]) -> bool {
    match Url::parse(url).as_ref().map(Url::host) {
        Ok(Some(Host::Ipv4(_) | Host::Ipv6(_))) => true,
        Ok(Some(Host::Domain(name))) => {
            name.eq_ignore_ascii_case("localhost")
                || allowed.iter().any(|known| known.eq_ignore_ascii_case(name))
        }
        _ => false,
    }
}

/// Whether a page of `origin` was served under the name in `host`, at the same port.
fn is_same(origin: &str, host: &str) -> bool {
    let Ok(origin) = Url::parse(origin) else {
        return false;
    };
    Url::parse(&format!("{}://{host}", origin.scheme()))
        .is_ok_and(|own| own.origin() == origin.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let allowed = ["gw.internal".to_owned()];
        for own in [
            "http://127.0.0.1:7701",
            "http://localhost",
            "http://[::1]:1",
            "http://10.0.0.7",
            "https://GW.internal",
        ] {
            assert!(is_own(own, &allowed), "{own}");
        }
        for foreign in [
            "http://evil.example",
            "http://localhost.evil.example:7701",
            "null",
            "http://",
        ] {
            assert!(!is_own(foreign, &allowed), "{foreign}");
        }
    }

    #[test]
    fn origins() {
        for (origin, host) in [
            ("http://127.0.0.1:7701", "127.0.0.1:7701"),
            ("https://gw.internal", "gw.internal"),
        ] {
            assert!(is_same(origin, host), "{origin}");
        }
        for (origin, host) in [
            ("http://127.0.0.1:8080", "127.0.0.1:7701"),
            ("http://203.0.113.5", "127.0.0.1:7701"),
            ("null", "127.0.0.1:7701"),
            ("", ""),
        ] {
            assert!(!is_same(origin, host), "{origin}");
        }
    }
}
