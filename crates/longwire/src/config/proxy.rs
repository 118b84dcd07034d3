//! A proxy as it is set: for everything, or for one installation.

use std::fmt;
use std::path::Path;

use longwire_egress::{ProxyPolicy, ProxyUrl, ProxyUrlError};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::SecretRef;

/// The way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProxySetting {
    /// No proxy, whatever the environment says.
    Direct,
    /// This proxy; an address without credentials.
    Plain(ProxyUrl),
    /// This proxy, whose address holds credentials and is kept elsewhere.
    Secret(SecretRef),
}

/// Why a proxy cannot be used. Never holds its address, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxySettingError {
    /// The reference leads to nothing.
    #[error(transparent)]
    Secret(#[from] super::SecretError),
    /// What it leads to is no proxy's address.
    #[error("the address in {reference} cannot be used")]
    Address {
        /// The reference.
        reference: SecretRef,
        /// Why.
        #[source]
        source: ProxyUrlError,
    },
}

impl ProxySettingError {
    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Secret(error) => error.advice(),
            Self::Address { .. } => "write \"direct\" or http://user:password@host:port there",
        }
    }
}

impl ProxySetting {
    /// The word the store keeps for it: `direct` or the address.
    pub(crate) fn resolve(&self, directory: &Path) -> Result<SecretString, ProxySettingError> {
        Ok(self.read(directory)?.0)
    }

    /// The same as egress wants it.
    pub(crate) fn policy(&self, directory: &Path) -> Result<ProxyPolicy, ProxySettingError> {
        Ok(self.read(directory)?.1)
    }

    /// Both. A reference that cannot be read never means the straight way.
    fn read(&self, directory: &Path) -> Result<(SecretString, ProxyPolicy), ProxySettingError> {
        let reference = match self {
            Self::Direct => return Ok(("direct".into(), ProxyPolicy::Direct)),
            Self::Plain(url) => return Ok((url.to_string().into(), ProxyPolicy::Url(url.clone()))),
            Self::Secret(reference) => reference,
        };
        let secret = reference.resolve(directory)?;
        match secret.expose_secret().parse() {
            Ok(policy) => Ok((secret, policy)),
            Err(source) => Err(ProxySettingError::Address {
                reference: reference.clone(),
                source,
            }),
        }
    }
}

impl<'de> Deserialize<'de> for ProxySetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Setting;
        impl<'de> Visitor<'de> for Setting {
            type Value = ProxySetting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"direct\", \"http://host:port\", { file = \"…\" }, { env = \"…\" } or { credential = \"…\" }")
            }

            // Does not repeat the text: it may hold a password.
            fn visit_str<E: de::Error>(self, text: &str) -> Result<ProxySetting, E> {
                let url = match text.parse().map_err(E::custom)? {
                    ProxyPolicy::Url(url) => url,
                    ProxyPolicy::Direct | ProxyPolicy::Environment => {
                        return Ok(ProxySetting::Direct);
                    }
                };
                if url.has_credentials() {
                    return Err(E::custom(
                        "a proxy's password does not stand in the configuration; refer to the whole address with { \
                         file = \"…\" }, { env = \"…\" } or { credential = \"…\" }",
                    ));
                }
                Ok(ProxySetting::Plain(url))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ProxySetting, A::Error> {
                SecretRef::from_map(map).map(ProxySetting::Secret)
            }
        }
        deserializer.deserialize_any(Setting)
    }
}
