//! An installation that the file declares.

use std::path::Path;

use longwire_store::{Desired, NewInstallation, Origin, Platform};
use serde::de::{Deserialize, Deserializer, Error as _};
use url::Url;

use super::proxy::ProxySettingError;
use super::{ProxySetting, SecretError, SecretRef};

/// `[[installation]]`: one bot of one platform app.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstallationSection {
    /// The operator's name for it.
    pub(crate) name: String,
    /// Where the app lives.
    #[serde(default)]
    pub(crate) platform: PlatformName,
    /// The platform's `cli_…`.
    pub(crate) app_id: String,
    /// Where its secret is found.
    pub(crate) app_secret: SecretRef,
    /// Another address of the platform, for a private deployment or the simulator.
    #[serde(default, deserialize_with = "address")]
    pub(crate) base_url: Option<Url>,
    /// Its own way out.
    #[serde(default)]
    pub(crate) proxy: Option<ProxySetting>,
    /// Whether it is to be connected.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
}

fn yes() -> bool {
    true
}

/// Does not repeat the text: someone may have put credentials into it.
fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map(Some)
        .map_err(|error| D::Error::custom(format!("no address as in \"https://host\": {error}")))
}

/// The platform's name in the file and on the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PlatformName {
    #[default]
    Feishu,
    Lark,
}

impl From<PlatformName> for Platform {
    fn from(name: PlatformName) -> Self {
        match name {
            PlatformName::Feishu => Self::Feishu,
            PlatformName::Lark => Self::Lark,
        }
    }
}

/// Why a declared installation cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeclarationError {
    /// Its secret cannot be had.
    #[error("the app_secret of installation `{name}` cannot be had")]
    Secret {
        /// The installation.
        name: String,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// Its proxy cannot be used.
    #[error("the proxy of installation `{name}` cannot be used")]
    Proxy {
        /// The installation.
        name: String,
        /// Why.
        #[source]
        source: ProxySettingError,
    },
}

impl DeclarationError {
    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Secret { source, .. } => source.advice(),
            Self::Proxy { source, .. } => source.advice(),
        }
    }
}

impl InstallationSection {
    /// The same with its secrets at hand, as the store takes it.
    pub(crate) fn resolve(&self, directory: &Path) -> Result<NewInstallation, DeclarationError> {
        let app_secret =
            self.app_secret
                .resolve(directory)
                .map_err(|source| DeclarationError::Secret {
                    name: self.name.clone(),
                    source,
                })?;
        let proxy = self
            .proxy
            .as_ref()
            .map(|proxy| proxy.resolve(directory))
            .transpose()
            .map_err(|source| DeclarationError::Proxy {
                name: self.name.clone(),
                source,
            })?;
        Ok(NewInstallation {
            name: self.name.clone(),
            platform: self.platform.into(),
            app_id: self.app_id.clone(),
            app_secret,
            base_url: self.base_url.as_ref().map(ToString::to_string),
            proxy,
            desired: if self.enabled {
                Desired::Run
            } else {
                Desired::Stop
            },
            origin: Origin::File,
        })
    }
}
