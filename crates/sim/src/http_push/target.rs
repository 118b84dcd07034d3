//! A URL as the sender needs it: whom to connect to, and what to ask for.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

/// What is wrong with a request URL.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UrlProblem {
    /// It cannot be parsed.
    #[error("it is not a URL")]
    NotAUrl,
    /// The platform posts to `http` and `https` only.
    #[error("it begins with neither http:// nor https://")]
    Scheme,
    /// There is nobody to connect to.
    #[error("it has no host")]
    Host,
}

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) url: String,
    /// Scheme and authority: whom a connection leads to.
    pub(crate) origin: String,
    pub(crate) is_tls: bool,
    /// Without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The value of `Host`.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) path: String,
}

impl Target {
    pub(crate) fn parse(text: &str) -> Result<Self, UrlProblem> {
        let url = Url::parse(text).map_err(|_| UrlProblem::NotAUrl)?;
        let is_tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(UrlProblem::Scheme),
        };
        let host = url.host_str().ok_or(UrlProblem::Host)?;
        let port = url.port_or_known_default().ok_or(UrlProblem::Host)?;
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Ok(Self {
            url: text.to_owned(),
            origin: format!("{}://{authority}", url.scheme()),
            is_tls,
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            authority,
            path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_says() {
        let target = Target::parse("http://[::1]:8080/callbacks/feishu/a?b=c#d").expect("a url");
        assert_eq!((target.host.as_str(), target.port), ("::1", 8080));
        assert_eq!(target.authority, "[::1]:8080");
        assert_eq!(target.path, "/callbacks/feishu/a?b=c");
        let target = Target::parse("https://bots.example.com").expect("a url");
        assert!(target.is_tls);
        assert_eq!((target.port, target.path.as_str()), (443, "/"));
        assert_eq!(target.authority, "bots.example.com");
        assert_eq!(Target::parse("ftp://a/"), Err(UrlProblem::Scheme));
        assert_eq!(Target::parse("nothing"), Err(UrlProblem::NotAUrl));
    }
}
