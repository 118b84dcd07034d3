//! Where a platform is reached: at its public address, or at another one that the operator names.
//!
//! Feishu and Lark are asked for a connection by HTTP; WeCom's base URL is the address of the connection itself. The
//! bot's secret travels there, so plain text is for loopback and for hosts that the operator lists.

use url::{Host, ParseError, Url};

use crate::Platform;

impl Platform {
    /// The public address: of Feishu in mainland China, of Lark everywhere else. The two do not know each other's apps.
    ///
    /// WeCom's is that of the developer centre's page on the long connection (document path 101463), and the default
    /// of the official Node SDK `@wecom/aibot-node-sdk` 1.0.7.
    #[must_use]
    pub fn base_url(self) -> &'static str {
        match self {
            Self::Feishu => "https://open.feishu.cn",
            Self::Lark => "https://open.larksuite.com",
            Self::Wecom => "wss://openws.work.weixin.qq.com",
        }
    }

    /// The scheme with TLS and the one without.
    fn schemes(self) -> (&'static str, &'static str) {
        match self {
            Self::Feishu | Self::Lark => ("https", "http"),
            Self::Wecom => ("wss", "ws"),
        }
    }
}

/// Another address of the platform, for a private deployment or the simulator, as the operator wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Box<str>);

/// Why an address is no base URL. `Display` does not repeat the address: it may hold credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// It is no URL.
    #[error("no address as in \"https://host\"")]
    NotAUrl(#[source] ParseError),
    /// It has a user or a password.
    #[error("an address of the platform holds no credentials")]
    Credentials,
    /// It names no host.
    #[error("has no host")]
    NoHost,
    /// It has no TLS, and its host is neither this one nor listed.
    #[error(
        "{plain} would send the bot's secret in clear; use {secure}, or name the host in \
         egress.plain_http_hosts"
    )]
    PlainText {
        /// Its scheme.
        plain: &'static str,
        /// The scheme to use.
        secure: &'static str,
    },
    /// The platform is not reached that way.
    #[error("`{scheme}` is no scheme of {platform}; use {secure}")]
    Scheme {
        /// Its scheme.
        scheme: String,
        /// The platform.
        platform: Platform,
        /// The scheme to use.
        secure: &'static str,
    },
}

impl BaseUrl {
    /// The address where an operator says `platform` is. `plain_hosts` may be reached without TLS.
    pub fn parse(
        platform: Platform,
        text: &str,
        plain_hosts: &[String],
    ) -> Result<Self, BaseUrlError> {
        let url: Url = text.parse().map_err(BaseUrlError::NotAUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(BaseUrlError::NoHost),
        };
        let (secure, plain) = platform.schemes();
        let may_be_plain = is_loopback
            || plain_hosts
                .iter()
                .any(|host| Some(host.to_ascii_lowercase().as_str()) == url.host_str());
        match url.scheme() {
            scheme if scheme == secure => Ok(Self(text.into())),
            scheme if scheme == plain && may_be_plain => Ok(Self(text.into())),
            scheme if scheme == plain => Err(BaseUrlError::PlainText { plain, secure }),
            other => Err(BaseUrlError::Scheme {
                scheme: other.to_owned(),
                platform,
                secure,
            }),
        }
    }

    /// The address in a row of a database. It was checked when it was written, by the rule of that version, and stays
    /// when the rule or the list of plain hosts changes. For everything that comes from outside there is
    /// [`parse`](Self::parse).
    #[must_use]
    pub fn from_row(text: String) -> Self {
        Self(text.into())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of a bot of `platform`: its own, or the platform's public one. Fails only for a row that holds no
    /// URL; such a bot shows as refused.
    pub fn resolve(own: Option<&Self>, platform: Platform) -> Result<Url, ParseError> {
        own.map_or(platform.base_url(), Self::as_str).parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_legal_by_the_rule_for_others() {
        for &platform in Platform::ALL {
            let own = BaseUrl::parse(platform, platform.base_url(), &[]).expect("legal");
            assert_eq!(
                BaseUrl::resolve(None, platform),
                BaseUrl::resolve(Some(&own), platform)
            );
        }
    }

    #[test]
    fn each_platform_has_its_schemes() {
        let plain_hosts = ["Platform.internal".to_owned()];
        for (platform, text) in [
            (Platform::Feishu, "https://im.corp.example/open"),
            (Platform::Lark, "http://localhost:1"),
            (Platform::Feishu, "http://127.9.9.9"),
            (Platform::Feishu, "http://[::1]:8080"),
            (Platform::Feishu, "http://platform.INTERNAL"),
            (Platform::Wecom, "wss://example.com"),
            (Platform::Wecom, "ws://127.0.0.1:1"),
            (Platform::Wecom, "ws://platform.internal"),
        ] {
            let base_url = BaseUrl::parse(platform, text, &plain_hosts).expect(text);
            assert_eq!(base_url.as_str(), text, "kept as it was written");
        }
        for (platform, text, words) in [
            (Platform::Feishu, "example.com", "no address"),
            (
                Platform::Feishu,
                "http://example.com",
                "in clear; use https",
            ),
            (Platform::Wecom, "ws://example.com", "in clear; use wss"),
            (
                Platform::Feishu,
                "wss://example.com",
                "`wss` is no scheme of feishu; use https",
            ),
            (
                Platform::Wecom,
                "https://example.com",
                "`https` is no scheme of wecom; use wss",
            ),
            (
                Platform::Lark,
                "https://canary@example.com",
                "no credentials",
            ),
            (
                Platform::Lark,
                "https://:canary@example.com",
                "no credentials",
            ),
            (Platform::Lark, "data:text", "has no host"),
        ] {
            let told = BaseUrl::parse(platform, text, &plain_hosts)
                .expect_err(text)
                .to_string();
            assert!(told.contains(words), "{text}: {told}");
            assert!(!told.contains("canary"), "{told}");
        }
    }

    #[test]
    fn a_row_that_is_no_url_is_told_when_it_is_dialled() {
        let base_url = BaseUrl::from_row("nowhere".to_owned());
        assert_eq!(base_url.as_str(), "nowhere");
        assert!(BaseUrl::resolve(Some(&base_url), Platform::Feishu).is_err());
    }
}
