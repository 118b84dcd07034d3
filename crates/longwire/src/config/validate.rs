//! What types cannot say: ranges, and settings that must fit each other.

use std::collections::HashMap;
use std::time::Duration;

use longwire_consumer::RelayRoad;
use longwire_egress::{NetworkList, NoProxy};
use longwire_installation::{BotNames, Misfit};
use rustls_pki_types::ServerName;

use super::{Config, log_filter};

const MINUTE: Duration = Duration::from_secs(60);

/// The first thing that is wrong.
pub(super) struct Finding {
    pub(super) key: String,
    pub(super) message: String,
    /// The key of what it contradicts, which stands before it.
    pub(super) earlier: Option<String>,
}

fn refuse(key: impl Into<String>, message: impl Into<String>) -> Result<(), Finding> {
    Err(Finding {
        key: key.into(),
        message: message.into(),
        earlier: None,
    })
}

pub(super) fn check(config: &Config) -> Result<(), Finding> {
    server(config)?;
    api(config)?;
    windows(config)?;
    timing(config)?;
    cards(config)?;
    callbacks(config)?;
    relay(config)?;
    notices(config)?;
    if let Some((key, message)) = config.retention.mistake() {
        refuse(format!("retention.{key}"), message)?;
    }
    if let Err(error) = NoProxy::from_entries(config.proxy.no_proxy.iter().map(String::as_str)) {
        refuse("proxy.no_proxy", error.to_string())?;
    }
    webhooks(config)?;
    if let Err(reason) = log_filter::check(&config.log.filter) {
        refuse("log.filter", reason)?;
    }
    installations(config)
}

fn server(config: &Config) -> Result<(), Finding> {
    let server = &config.server;
    if server.listen == server.admin_listen && server.listen.port() != 0 {
        refuse(
            "server.admin_listen",
            "the two listeners cannot share one address",
        )?;
    }
    if !(Duration::from_secs(1)..=Duration::from_secs(600)).contains(&server.drain) {
        refuse("server.drain", "a drain takes from 1s to 10m")?;
    }
    if config.store.url.is_empty() {
        refuse("store.url", "names no database; write \"sqlite:PATH\"")?;
    }
    Ok(())
}

/// What a certificate can be for, and an address can be written with.
fn api(config: &Config) -> Result<(), Finding> {
    for name in &config.api.names {
        if ServerName::try_from(name.as_str()).is_err() {
            refuse(
                "api.names",
                format!("`{name}` is no host name and no address; leave out the port and https://"),
            )?;
        }
    }
    Ok(())
}

fn webhooks(config: &Config) -> Result<(), Finding> {
    if let Err(error) = config.webhooks.filter() {
        refuse("webhooks.allow_networks", error.to_string())?;
    }
    if !(Duration::from_secs(1)..=Duration::from_secs(60)).contains(&config.webhooks.timeout) {
        refuse("webhooks.timeout", "an answer takes from 1s to 60s")?;
    }
    Ok(())
}

fn relay(config: &Config) -> Result<(), Finding> {
    let relay = &config.relay;
    if !(1..=1_000_000).contains(&relay.connections) {
        refuse("relay.connections", "from 1 to 1000000 connections")?;
    }
    if relay.connections_per_space == Some(0) {
        refuse("relay.connections_per_space", "at least 1 connection")?;
    }
    if !RelayRoad::HANDLER_LIMITS.contains(&relay.handler_limit) {
        refuse("relay.handler_limit", "a handler takes from 1s to 24h")?;
    }
    let ping = relay.ping_interval;
    let is_whole = ping.subsec_nanos() == 0;
    if !is_whole || !(Duration::from_secs(1)..=Duration::from_secs(30)).contains(&ping) {
        refuse(
            "relay.ping_interval",
            "whole seconds, from 1s to 30s: the SDKs know no parts of them",
        )?;
    }
    Ok(())
}

fn windows(config: &Config) -> Result<(), Finding> {
    if !(1..=65_536).contains(&config.window.events) {
        refuse("window.events", "a window holds from 1 to 65536 events")?;
    }
    // Below one ordinary push the window would let only single events through.
    if !((64 << 10)..=(1 << 30)).contains(&config.window.bytes) {
        refuse("window.bytes", "a window holds from 64KiB to 1GiB")?;
    }
    if config.fleet.arbiters > 1_024 {
        refuse(
            "fleet.arbiters",
            "at most 1024 threads; 0 means one per core",
        )?;
    }
    Ok(())
}

fn timing(config: &Config) -> Result<(), Finding> {
    let timing = &config.timing;
    for (key, value) in timing.each() {
        if value > Duration::from_secs(86_400) || (value.is_zero() && key != "nonce_cap") {
            refuse(format!("timing.{key}"), "must be above 0 and at most 1d")?;
        }
    }
    if timing.answer_budget >= Duration::from_secs(3) {
        refuse(
            "timing.answer_budget",
            "the platform waits 3s for an answer; the budget must be below",
        )?;
    }
    if timing.backoff_base > timing.backoff_cap {
        refuse("timing.backoff_cap", "is below timing.backoff_base")?;
    }
    if timing.limited_base > timing.limited_cap {
        refuse("timing.limited_cap", "is below timing.limited_base")?;
    }
    Ok(())
}

/// A deadline close to the platform's 3 s leaves no time for the way back; one below 100 ms none for an application.
fn cards(config: &Config) -> Result<(), Finding> {
    let cards = &config.cards;
    if !(Duration::from_millis(100)..=Duration::from_millis(2800)).contains(&cards.deadline) {
        refuse(
            "cards.deadline",
            "an application has from 100ms to 2800ms; the platform waits 3s",
        )?;
    }
    for (language, text) in cards.default_toast.texts() {
        if text.trim().is_empty() {
            refuse(
                format!("cards.default_toast.{language}"),
                "an empty text; leave it out",
            )?;
        }
    }
    Ok(())
}

fn callbacks(config: &Config) -> Result<(), Finding> {
    let callbacks = &config.callbacks;
    for (key, entries) in [
        ("sources", &callbacks.sources),
        ("trusted_proxies", &callbacks.trusted_proxies),
    ] {
        if let Err(error) = NetworkList::from_entries(entries) {
            refuse(format!("callbacks.{key}"), error.to_string())?;
        }
    }
    // A long message has some 150 KB; a body has to fit the writer's queue.
    if !((64 << 10)..=(16 << 20)).contains(&callbacks.body) {
        refuse("callbacks.body", "a body has from 64KiB to 16MiB at most")?;
    }
    let window = callbacks.replay_window;
    if !window.is_zero() && !(MINUTE..=MINUTE * 60 * 24 * 7).contains(&window) {
        refuse(
            "callbacks.replay_window",
            "from 1m to 7d, or 0s for requests of any age",
        )?;
    }
    Ok(())
}

/// Half a target is a mistake, not a wish for silence.
fn notices(config: &Config) -> Result<(), Finding> {
    let notices = &config.notices;
    match (&notices.installation, notices.chat.as_deref()) {
        (Some(_), None) => refuse("notices.installation", "needs notices.chat beside it"),
        (None, Some(_)) => refuse("notices.chat", "needs notices.installation beside it"),
        (Some(_), Some(chat)) if chat.trim().is_empty() => refuse("notices.chat", "names no chat"),
        (Some(_), Some(_)) | (None, None) => Ok(()),
    }
}

/// What cannot be together with what stands before it in the file.
fn contradicts(key: String, message: String, earlier: String) -> Result<(), Finding> {
    Err(Finding {
        key,
        message,
        earlier: Some(earlier),
    })
}

fn installations(config: &Config) -> Result<(), Finding> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut bots = BotNames::default();
    for (index, installation) in config.installations.iter().enumerate() {
        let key = |field: &str| format!("installation[{index}].{field}");
        let name = installation.name.as_str();
        if let Some(first) = seen.insert(name, index) {
            contradicts(
                key("name"),
                format!("`{name}` is already the name of installation[{first}]"),
                format!("installation[{first}].name"),
            )?;
        }
        let fits = installation
            .take_back()
            .and_then(|_| installation.mode())
            .and_then(|_| installation.credentials());
        match fits {
            Ok(credentials) if installation.enabled => {
                if let Err(other) = bots.assign(credentials.bot(), name) {
                    let first = seen.get(other).copied().unwrap_or_default();
                    contradicts(
                        key(credentials.id_key),
                        format!("`{name}` is the same bot as `{other}`; a bot has one name"),
                        format!("installation[{first}].{}", credentials.id_key),
                    )?;
                }
            }
            Ok(_) => {}
            Err(Misfit::Wrong {
                key: field,
                message,
            }) => refuse(key(field), message)?,
            Err(missing @ Misfit::Missing { .. }) => {
                refuse(format!("installation[{index}]"), missing.to_string())?;
            }
        }
        if let Some((field, message)) = installation.retention.mistake() {
            refuse(key(&format!("retention.{field}")), message)?;
        }
        if let Err(error) = installation.base_url(&config.egress.plain_http_hosts) {
            refuse(key("base_url"), error.to_string())?;
        }
    }
    Ok(())
}
