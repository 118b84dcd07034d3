//! An installation that the file declares.

use std::time::Duration;

use longwire_access::Space;
use longwire_installation::{
    BaseUrl, BaseUrlError, CredentialKeys, Credentials, Desired, Misfit, Name, Origin, Platform,
    TakeBack,
};
use longwire_store::NewInstallation;
use secrecy::SecretString;
use serde::de::{Deserialize, Deserializer, Error as _};
use url::Url;

use super::proxy::ProxySettingError;
use super::{Loaded, ProxySetting, SecretError, SecretRef, duration};

/// `[[installation]]`: one bot. Which of its keys must be there depends on its platform.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstallationSection {
    /// The operator's name for it.
    #[serde(deserialize_with = "name")]
    pub(crate) name: Name,
    /// Where the app lives.
    #[serde(default)]
    pub(crate) platform: PlatformName,
    /// The app's `cli_…`; Feishu and Lark only.
    pub(crate) app_id: Option<String>,
    /// Where the app's secret is found; Feishu and Lark only.
    pub(crate) app_secret: Option<SecretRef>,
    /// The bot's id; WeCom only.
    pub(crate) bot_id: Option<String>,
    /// Where the bot's secret is found; WeCom only.
    pub(crate) secret: Option<SecretRef>,
    /// Another address of the platform, for a private deployment or the simulator.
    #[serde(default, deserialize_with = "address")]
    pub(crate) base_url: Option<Url>,
    /// Its own way out.
    #[serde(default)]
    pub(crate) proxy: Option<ProxySetting>,
    /// How long after another client took the connection it is taken back; WeCom only.
    #[serde(default, deserialize_with = "duration::deserialize_some")]
    pub(crate) take_back_after: Option<Duration>,
    /// How often within 24 hours; WeCom only.
    pub(crate) take_back_per_day: Option<u32>,
    /// Whether it is to be connected.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
}

fn yes() -> bool {
    true
}

pub(super) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(D::Error::custom)
}

/// The error does not repeat the text: it may hold credentials.
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
    Wecom,
}

impl From<PlatformName> for Platform {
    fn from(name: PlatformName) -> Self {
        match name {
            PlatformName::Feishu => Self::Feishu,
            PlatformName::Lark => Self::Lark,
            PlatformName::Wecom => Self::Wecom,
        }
    }
}

/// Why a declared installation cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeclarationError {
    /// Its keys do not fit its platform. A file that was read has none of these.
    #[error("installation `{name}` does not fit its platform")]
    Misfit {
        /// The installation.
        name: Name,
        /// Why.
        #[source]
        source: Misfit,
    },
    /// Its base URL is not legal. A file that was read has none of these.
    #[error("the base_url of installation `{name}` cannot be used")]
    BaseUrl {
        /// The installation.
        name: Name,
        /// Why.
        #[source]
        source: BaseUrlError,
    },
    /// Its secret cannot be had.
    #[error("the {key} of installation `{name}` cannot be had")]
    Secret {
        /// The installation.
        name: Name,
        /// The secret's key.
        key: &'static str,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// Its proxy cannot be used.
    #[error("the proxy of installation `{name}` cannot be used")]
    Proxy {
        /// The installation.
        name: Name,
        /// Why.
        #[source]
        source: ProxySettingError,
    },
}

impl DeclarationError {
    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Misfit { .. } | Self::BaseUrl { .. } => "correct the installation's keys",
            Self::Secret { source, .. } => source.advice(),
            Self::Proxy { source, .. } => source.advice(),
        }
    }
}

impl InstallationSection {
    /// Where it lives.
    pub(crate) fn platform(&self) -> Platform {
        self.platform.into()
    }

    /// Who it is there.
    pub(crate) fn credentials(&self) -> Result<Credentials<'_, SecretRef>, Misfit> {
        let given = CredentialKeys {
            app_id: self.app_id.as_deref(),
            app_secret: self.app_secret.as_ref(),
            bot_id: self.bot_id.as_deref(),
            secret: self.secret.as_ref(),
        };
        given.for_platform(self.platform())
    }

    /// Whether and how it takes its connection back.
    pub(crate) fn take_back(&self) -> Result<Option<TakeBack>, Misfit> {
        TakeBack::from_keys(
            self.platform(),
            self.take_back_after,
            self.take_back_per_day,
        )
    }

    /// Another address of the platform, if it names one.
    pub(crate) fn base_url(&self, plain_hosts: &[String]) -> Result<Option<BaseUrl>, BaseUrlError> {
        let url = self.base_url.as_ref();
        url.map(|url| BaseUrl::parse(self.platform(), url.as_str(), plain_hosts))
            .transpose()
    }

    /// Where its platform is reached.
    pub(crate) fn resolved_base_url(&self) -> Url {
        self.base_url.clone().unwrap_or_else(|| {
            BaseUrl::resolve(None, self.platform()).expect("a public address is a URL")
        })
    }

    /// The same with its secrets at hand, as the store takes it.
    pub(crate) fn resolve(&self, loaded: &Loaded) -> Result<NewInstallation, DeclarationError> {
        let directory = &loaded.directory;
        let credentials = self.credentials().map_err(|misfit| self.misfit(misfit))?;
        let app_secret = credentials
            .secret
            .resolve_secret(directory)
            .map_err(|source| DeclarationError::Secret {
                name: self.name.clone(),
                key: credentials.secret_key,
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
        self.with(app_secret, proxy, loaded)
    }

    /// The same where its secret or its proxy cannot be had: with neither, so that it cannot be connected by mistake.
    pub(crate) fn without_access(
        &self,
        loaded: &Loaded,
    ) -> Result<NewInstallation, DeclarationError> {
        let nothing = || SecretString::from("");
        let proxy = self.proxy.as_ref().map(|_| nothing());
        self.with(nothing(), proxy, loaded)
    }

    fn misfit(&self, source: Misfit) -> DeclarationError {
        DeclarationError::Misfit {
            name: self.name.clone(),
            source,
        }
    }

    fn with(
        &self,
        app_secret: SecretString,
        proxy: Option<SecretString>,
        loaded: &Loaded,
    ) -> Result<NewInstallation, DeclarationError> {
        let misfit = |source| self.misfit(source);
        let base_url = self.base_url(&loaded.config.egress.plain_http_hosts);
        Ok(NewInstallation {
            name: self.name.clone(),
            platform: self.platform(),
            app_id: self.credentials().map_err(misfit)?.id.to_owned(),
            app_secret,
            base_url: base_url.map_err(|source| DeclarationError::BaseUrl {
                name: self.name.clone(),
                source,
            })?,
            proxy,
            mode: Default::default(),
            verification_token: None,
            encrypt_key: None,
            take_back: self.take_back().map_err(misfit)?,
            desired: if self.enabled {
                Desired::Run
            } else {
                Desired::Stop
            },
            origin: Origin::File,
            space: Space::default(),
        })
    }
}
