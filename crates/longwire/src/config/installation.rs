//! An installation that the file declares.

use std::path::{Path, PathBuf};
use std::time::Duration;

use longwire_access::Space;
use longwire_installation::{
    BaseUrl, BaseUrlError, CredentialKeys, Credentials, Desired, Misfit, Mode, Name, Origin,
    Platform, TakeBack,
};
use longwire_store::NewInstallation;
use secrecy::SecretString;
use serde::de::{Deserialize, Deserializer, Error as _};
use url::Url;

use super::proxy::ProxySettingError;
use super::{Loaded, OwnRetention, ProxySetting, SecretError, SecretRef, duration};

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
    /// By which road its events come; the long connection unless given.
    #[serde(default, deserialize_with = "mode")]
    pub(crate) mode: Option<Mode>,
    /// Where the text is found that shows a callback to be genuine; Feishu and Lark only.
    pub(crate) verification_token: Option<SecretRef>,
    /// Where the key is found that callbacks are decrypted and signed with; Feishu and Lark only.
    pub(crate) encrypt_key: Option<SecretRef>,
    /// How long after another client took the connection it is taken back; WeCom only.
    #[serde(default, deserialize_with = "duration::deserialize_some")]
    pub(crate) take_back_after: Option<Duration>,
    /// How often within 24 hours; WeCom only.
    pub(crate) take_back_per_day: Option<u32>,
    /// What is kept of its events, where that differs from all others.
    #[serde(default)]
    pub(crate) retention: OwnRetention,
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

fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Mode>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let mode = Mode::parse(&text);
    let known = || D::Error::custom("a mode is long_connection, webhook or both");
    mode.map(Some).ok_or_else(known)
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

/// What an installation's references lead to.
struct Secrets {
    app_secret: SecretString,
    proxy: Option<SecretString>,
    verification_token: Option<SecretString>,
    encrypt_key: Option<SecretString>,
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

    /// By which road its events come.
    pub(crate) fn mode(&self) -> Result<Mode, Misfit> {
        let callback_keys = [
            ("verification_token", &self.verification_token),
            ("encrypt_key", &self.encrypt_key),
        ];
        let mut given = callback_keys
            .iter()
            .filter(|(_, reference)| reference.is_some());
        Mode::from_keys(
            self.platform(),
            self.mode,
            given.next().map(|(key, _)| *key),
        )
    }

    /// Whether the platform is to push events over HTTP, and nothing is there to tell its callbacks from anybody else's.
    pub(crate) fn lacks_callback_secrets(&self) -> bool {
        let takes_callbacks = self.mode.unwrap_or_default().takes_callbacks();
        takes_callbacks && self.verification_token.is_none() && self.encrypt_key.is_none()
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

    /// The files that it refers to.
    pub(crate) fn files(&self, directory: &Path) -> impl Iterator<Item = PathBuf> {
        let proxy = match &self.proxy {
            Some(ProxySetting::Secret(reference)) => Some(reference),
            Some(ProxySetting::Direct | ProxySetting::Plain(_)) | None => None,
        };
        let references = [
            self.app_secret.as_ref(),
            self.secret.as_ref(),
            self.verification_token.as_ref(),
            self.encrypt_key.as_ref(),
            proxy,
        ];
        let files = references.into_iter().flatten();
        files.filter_map(|reference| reference.path(directory))
    }

    /// The same with its secrets at hand, as the store takes it.
    pub(crate) fn resolve(&self, loaded: &Loaded) -> Result<NewInstallation, DeclarationError> {
        let directory = &loaded.directory;
        let credentials = self.credentials().map_err(|misfit| self.misfit(misfit))?;
        let secret = |key, reference: &SecretRef| {
            let secret = reference.resolve_secret(directory);
            secret.map_err(|source| DeclarationError::Secret {
                name: self.name.clone(),
                key,
                source,
            })
        };
        let optional = |key, reference: &Option<SecretRef>| {
            let reference = reference.as_ref();
            reference
                .map(|reference| secret(key, reference))
                .transpose()
        };
        let proxy = self
            .proxy
            .as_ref()
            .map(|proxy| proxy.resolve(directory))
            .transpose()
            .map_err(|source| DeclarationError::Proxy {
                name: self.name.clone(),
                source,
            });
        let secrets = Secrets {
            app_secret: secret(credentials.secret_key, credentials.secret)?,
            proxy: proxy?,
            verification_token: optional("verification_token", &self.verification_token)?,
            encrypt_key: optional("encrypt_key", &self.encrypt_key)?,
        };
        self.with(secrets, loaded)
    }

    /// The same where one of its secrets or its proxy cannot be had: with none of them, so that it cannot be connected by
    /// mistake.
    pub(crate) fn without_access(
        &self,
        loaded: &Loaded,
    ) -> Result<NewInstallation, DeclarationError> {
        let nothing = || SecretString::from("");
        let secrets = Secrets {
            app_secret: nothing(),
            proxy: self.proxy.as_ref().map(|_| nothing()),
            verification_token: self.verification_token.as_ref().map(|_| nothing()),
            encrypt_key: self.encrypt_key.as_ref().map(|_| nothing()),
        };
        self.with(secrets, loaded)
    }

    fn misfit(&self, source: Misfit) -> DeclarationError {
        DeclarationError::Misfit {
            name: self.name.clone(),
            source,
        }
    }

    fn with(&self, secrets: Secrets, loaded: &Loaded) -> Result<NewInstallation, DeclarationError> {
        let misfit = |source| self.misfit(source);
        let base_url = self.base_url(&loaded.config.egress.plain_http_hosts);
        Ok(NewInstallation {
            name: self.name.clone(),
            platform: self.platform(),
            app_id: self.credentials().map_err(misfit)?.id.to_owned(),
            app_secret: secrets.app_secret,
            base_url: base_url.map_err(|source| DeclarationError::BaseUrl {
                name: self.name.clone(),
                source,
            })?,
            proxy: secrets.proxy,
            mode: self.mode().map_err(misfit)?,
            verification_token: secrets.verification_token,
            encrypt_key: secrets.encrypt_key,
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
