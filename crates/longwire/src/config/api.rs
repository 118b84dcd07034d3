//! `[api]`: how applications reach this gateway.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

/// The value of `tls` that asks for a certificate of our own.
const SELF_SIGNED: &str = "self-signed";

/// `[api]`: how applications reach this gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ApiSection {
    /// The certificate of the listener of applications; without one it speaks plain HTTP.
    pub(crate) tls: Option<ApiTls>,
    /// Names and addresses by which applications reach it, the one that is shown to people first.
    pub(crate) names: Vec<String>,
}

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ApiTls {
    /// From an authority of our own.
    SelfSigned,
    /// From files that somebody else renews.
    Files(CertificateFiles),
}

/// A certificate and its key, as PEM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertificateFiles {
    /// The chain, the server's own certificate first.
    pub(crate) cert: PathBuf,
    /// The key of that one.
    pub(crate) key: PathBuf,
}

impl<'de> Deserialize<'de> for ApiTls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrFiles)
    }
}

struct WordOrFiles;

impl<'de> Visitor<'de> for WordOrFiles {
    type Value = ApiTls;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{SELF_SIGNED}\" or {{ cert = \"…\", key = \"…\" }}")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<ApiTls, E> {
        if word == SELF_SIGNED {
            Ok(ApiTls::SelfSigned)
        } else {
            Err(E::invalid_value(de::Unexpected::Str(word), &self))
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, files: A) -> Result<ApiTls, A::Error> {
        CertificateFiles::deserialize(MapAccessDeserializer::new(files)).map(ApiTls::Files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ApiSection, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn the_certificate_is_our_own_or_of_files() {
        let tls = |text| read(text).map(|section| section.tls);
        assert_eq!(tls(""), Ok(None));
        assert_eq!(tls("tls = \"self-signed\""), Ok(Some(ApiTls::SelfSigned)));
        let files = CertificateFiles {
            cert: PathBuf::from("a.pem"),
            key: PathBuf::from("b.pem"),
        };
        assert_eq!(
            tls("tls = { cert = \"a.pem\", key = \"b.pem\" }"),
            Ok(Some(ApiTls::Files(files)))
        );
        for (text, wrong) in [
            ("tls = \"yes\"", "self-signed"),
            ("tls = true", "self-signed"),
            ("tls = { cert = \"a.pem\" }", "missing field `key`"),
            (
                "tls = { cert = \"a\", key = \"b\", ca = \"c\" }",
                "unknown field `ca`",
            ),
        ] {
            let error = tls(text).expect_err(text);
            assert!(error.contains(wrong), "{text}: {error}");
        }
    }
}
