//! The configuration: one TOML file, and environment variables laid over it.
//!
//! The file is parsed first, so that every mistake in it is told with its line, column and key. Then
//! `LONGWIRE_SECTION__KEY` variables are laid over the parsed table, and what came of it is validated.
//! A setting nobody knows is refused, in either place: a typing error must not become a default.
//!
//! Nothing here opens a connection or reads a secret. Secrets are only referred to ([`SecretRef`]).

mod api;
mod callbacks;
mod cards;
mod compat;
mod duration;
mod error;
mod installation;
mod locate;
pub(crate) mod log_filter;
mod notices;
mod overlay;
mod proxy;
mod quantity;
mod relay;
mod retention;
pub(crate) mod sample;
mod secret;
mod sections;
mod setting_values;
mod size;
mod validate;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use longwire_installation::Name;
use serde::Deserialize;

pub(crate) use api::{ApiSection, ApiTls};
pub(crate) use callbacks::CallbacksSection;
pub(crate) use cards::CardsSection;
pub(crate) use compat::CompatSection;
pub(crate) use duration::parse as parse_duration;
pub(crate) use error::ConfigError;
pub(crate) use installation::{DeclarationError, InstallationSection, PlatformName};
pub(crate) use notices::{NoticeLanguage, NoticesSection};
pub(crate) use proxy::{ProxySetting, ProxySettingError};
pub(crate) use relay::RelaySection;
pub(crate) use retention::{
    Bound, OwnRetention, PayloadSetting, RetentionSection, parse_bytes, parse_period,
};
pub(crate) use secret::{SecretError, SecretRef};
pub(crate) use sections::{
    ConnectSection, DebugSection, EgressSection, FleetSection, LimitsSection, LogFormat,
    LogSection, ProxySection, ServerSection, StoreSection, TimingSection, TlsSection,
    WebhooksSection, WindowSection,
};
pub(crate) use setting_values::SettingValues;

use locate::Located;

/// The file that commands look for first when none is named.
pub(crate) const DEFAULT_FILE: &str = "longwire.toml";
/// The file that they look for next: that of the service. The unit names it too.
pub(crate) const SERVICE_FILE: &str = "/etc/longwire/longwire.toml";

/// Everything that can be set. Its default is what an empty file means.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) server: ServerSection,
    pub(crate) api: ApiSection,
    pub(crate) store: StoreSection,
    pub(crate) retention: RetentionSection,
    pub(crate) connect: ConnectSection,
    pub(crate) tls: TlsSection,
    pub(crate) proxy: ProxySection,
    pub(crate) egress: EgressSection,
    pub(crate) webhooks: WebhooksSection,
    pub(crate) log: LogSection,
    pub(crate) window: WindowSection,
    pub(crate) cards: CardsSection,
    pub(crate) callbacks: CallbacksSection,
    pub(crate) compat: CompatSection,
    pub(crate) relay: RelaySection,
    pub(crate) limits: LimitsSection,
    pub(crate) notices: NoticesSection,
    pub(crate) fleet: FleetSection,
    pub(crate) timing: TimingSection,
    pub(crate) debug: DebugSection,
    #[serde(rename = "installation")]
    pub(crate) installations: Vec<InstallationSection>,
}

impl Config {
    /// Whether the file declares an installation of this name.
    pub(crate) fn declares(&self, name: &Name) -> bool {
        self.installations
            .iter()
            .any(|section| section.name == *name)
    }
}

/// A valid configuration and the place it came from.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    /// The file, as it was named.
    pub(crate) file: PathBuf,
    /// What relative paths in the file are relative to.
    pub(crate) directory: PathBuf,
    /// The variables that were laid over the file.
    pub(crate) overrides: Vec<String>,
    /// What the file and the variables say, but for installations.
    pub(crate) values: SettingValues,
}

/// Which file is meant when none is named. One that is there and cannot be read counts as there: its error is told.
fn unnamed<'a>(here: &'a Path, service: &'a Path) -> &'a Path {
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    if !is_there(here) && is_there(service) {
        service
    } else {
        here
    }
}

impl Loaded {
    /// Reads `file`, or [`DEFAULT_FILE`] in the working directory, or [`SERVICE_FILE`].
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, ConfigError> {
        let path =
            file.unwrap_or_else(|| unnamed(Path::new(DEFAULT_FILE), Path::new(SERVICE_FILE)));
        let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => ConfigError::Missing {
                file: path.to_owned(),
            },
            _ => ConfigError::Unreadable {
                file: path.to_owned(),
                source,
            },
        })?;
        Self::parse(&text, path, overlay::own_variables(std::env::vars_os())?)
    }

    /// Makes a configuration of `text`, which `file` holds, and of the variables among `environment`.
    pub(crate) fn parse(
        text: &str,
        file: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let located = Located::new(file, text);
        let mut config: Config = toml::from_str(text).map_err(|error| located.syntax(&error))?;
        let overrides = overlay::overrides(environment)?;
        let mut table = text.parse().map_err(|error| located.syntax(&error))?;
        if !overrides.is_empty() {
            (table, config) = overlay::lay(table, &overrides)?;
        }
        validate::check(&config).map_err(|finding| {
            match overlay::source_of(&overrides, &finding.key) {
                Some(variable) => ConfigError::Variable {
                    variable: variable.to_owned(),
                    message: finding.message,
                },
                None => located.at_key(&finding.key, finding.message, finding.earlier.as_deref()),
            }
        })?;
        Ok(Self {
            config,
            values: SettingValues::of(&table),
            file: file.to_owned(),
            directory: file.parent().map_or_else(PathBuf::new, Path::to_owned),
            overrides: overrides
                .into_iter()
                .map(|variable| variable.name)
                .collect(),
        })
    }

    /// A path of the configuration, seen from the working directory.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.directory.join(path)
    }

    /// The store's settings, with the paths made relative to the working directory.
    pub(crate) fn store_settings(&self) -> longwire_store::StoreSettings {
        let store = &self.config.store;
        longwire_store::StoreSettings {
            key_file: store.key_file.as_deref().map(|path| self.path(path)),
            url: store.url.relative_to(&self.directory),
            ..longwire_store::StoreSettings::default()
        }
    }
}
