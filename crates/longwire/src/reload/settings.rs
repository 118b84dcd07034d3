//! Which settings are different, and which of them a running gateway takes over.

use longwire_admin::document::ReloadedSettings;

use crate::config::{Config, Loaded, SettingValues};

/// A setting, or a section, that is taken over while the gateway runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Live {
    /// `log.filter`.
    LogFilter,
    /// `connect.per_second`.
    ConnectRate,
    /// `[limits]`.
    Limits,
    /// `server.drain`.
    Drain,
    /// `[notices]`.
    Notices,
    /// `[retention]`.
    Retention,
}

/// How the setting of this key is taken over; `None` if it takes effect at the next start.
pub(super) fn live(key: &str) -> Option<Live> {
    match key {
        "log.filter" => Some(Live::LogFilter),
        "connect.per_second" => Some(Live::ConnectRate),
        "server.drain" => Some(Live::Drain),
        _ if key.starts_with("limits.") => Some(Live::Limits),
        _ if key.starts_with("notices.") => Some(Live::Notices),
        _ if key.starts_with("retention.") => Some(Live::Retention),
        _ => None,
    }
}

/// The settings of `loaded` that are other ones than those that the gateway runs with.
pub(super) fn differing(
    running: &Config,
    running_values: &SettingValues,
    loaded: &Loaded,
) -> ReloadedSettings {
    let mut settings = ReloadedSettings::default();
    for key in running_values.differing(&loaded.values) {
        let section = key.split('.').next().unwrap_or_default();
        if is_same(section, running, &loaded.config) {
            // A value was written down, or left out, that is the default.
            continue;
        }
        match live(&key) {
            Some(_) => settings.applied.push(key),
            None => settings.at_next_start.push(key),
        }
    }
    settings
}

/// Whether this whole section says the same. Of a section that is not known here the written values decide.
fn is_same(section: &str, one: &Config, other: &Config) -> bool {
    match section {
        "server" => one.server == other.server,
        "api" => one.api == other.api,
        "store" => one.store == other.store,
        "connect" => one.connect == other.connect,
        "tls" => one.tls == other.tls,
        "proxy" => one.proxy == other.proxy,
        "egress" => one.egress == other.egress,
        "webhooks" => one.webhooks == other.webhooks,
        "log" => one.log == other.log,
        "window" => one.window == other.window,
        "cards" => one.cards == other.cards,
        "callbacks" => one.callbacks == other.callbacks,
        "compat" => one.compat == other.compat,
        "relay" => one.relay == other.relay,
        "limits" => one.limits == other.limits,
        "notices" => one.notices == other.notices,
        "retention" => one.retention == other.retention,
        "fleet" => one.fleet == other.fleet,
        "timing" => one.timing == other.timing,
        "debug" => one.debug == other.debug,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn loaded(text: &str) -> Loaded {
        Loaded::parse(text, Path::new("longwire.toml"), []).expect("it is a configuration")
    }

    #[test]
    fn settings_are_told_apart_by_when_they_take_effect() {
        let before = loaded("[log]\nfilter = \"info\"\n[window]\nevents = 32\n");
        let after = loaded(
            "[log]\nfilter = \"warn\"\nformat = \"json\"\n[window]\nevents = 32\nbytes = \"4MiB\"\n\
             [limits]\nconnections_per_space = 9\n[fleet]\narbiters = 2\n",
        );
        let ReloadedSettings {
            applied,
            at_next_start,
        } = differing(&before.config, &before.values, &after);
        assert_eq!(applied, ["limits.connections_per_space", "log.filter"]);
        // `window.bytes` is written down with its default.
        assert_eq!(at_next_start, ["fleet.arbiters", "log.format"]);
    }
}
