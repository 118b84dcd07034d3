//! Writes the configuration file and the environment of a story's gateway.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use longwire_sim::{Control, Sim, wecom};
use serde_json::{Value, json};

use crate::callbacks::{ENCRYPT_KEY, VERIFICATION_TOKEN};
use crate::gateway::Gateway;
use crate::platform::{SECRET, app_id, bot_id};
use crate::process::Signal;

/// The environment variable that holds the secret of every declared bot.
const SECRET_VARIABLE: &str = "STORY_SECRET";

/// The settings of a gateway before its start. The defaults are short timings, free ports and JSON logs.
#[derive(Clone)]
pub struct Setup {
    /// Each setting's section, key and TOML literal.
    sections: BTreeMap<String, BTreeMap<String, String>>,
    /// Keys and TOML literals of each declared bot.
    bots: Vec<BTreeMap<String, String>>,
    files: Vec<(String, String)>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) open_files: Option<u32>,
    pub(crate) platforms: Vec<Control>,
    /// Base URL of the platform that bots are declared on; `None` if all bots are WeCom's.
    base_url: Option<String>,
}

impl Setup {
    /// A gateway whose bots are on this platform. More platforms can be [watched](Self::watch).
    #[must_use]
    pub fn new(sim: &Sim) -> Self {
        let base_url = Some(sim.base_url());
        Self {
            base_url,
            ..Self::without_platform()
        }
        .watch(sim)
    }

    /// A gateway whose bots are all [declared](Self::wecom_bot) with their WeCom.
    #[must_use]
    pub fn without_platform() -> Self {
        let setup = Self {
            sections: BTreeMap::new(),
            bots: Vec::new(),
            files: Vec::new(),
            environment: vec![(SECRET_VARIABLE.to_owned(), SECRET.to_owned())],
            open_files: None,
            platforms: Vec::new(),
            base_url: None,
        };
        setup
            .set("server.listen", "127.0.0.1:0")
            .set("server.admin_listen", "127.0.0.1:0")
            .set("server.drain", "10s")
            .set("store.url", "sqlite:longwire.db")
            .set("log.format", "json")
            .set("log.filter", "info")
            .set("connect.per_second", 0)
            .set("timing.ping_interval", "1s")
            .set("timing.nonce_cap", "0ms")
            .set("timing.backoff_base", "50ms")
            .set("timing.backoff_cap", "400ms")
    }

    /// Declares a bot on the platform. Its app is [`app_id`] of the name.
    #[must_use]
    pub fn bot(self, name: &str) -> Self {
        let base_url = self.base_url.clone();
        let base_url = base_url.expect("a setup that was made with its platform");
        self.bot_at(name, &base_url)
    }

    /// Declares a WeCom bot. Its bot id is [`bot_id`] of the name.
    #[must_use]
    pub fn wecom_bot(mut self, name: &str, sim: &wecom::Sim) -> Self {
        self.bots.push(BTreeMap::new());
        self.with("name", name)
            .with("platform", "wecom")
            .with("bot_id", bot_id(name))
            .with("secret", json!({ "env": SECRET_VARIABLE }))
            .with("base_url", sim.base_url())
    }

    /// Declares a bot on another platform, at this base URL.
    #[must_use]
    pub fn bot_at(mut self, name: &str, base_url: &str) -> Self {
        self.bots.push(BTreeMap::new());
        self.with("name", name)
            .with("app_id", app_id(name))
            .with("app_secret", json!({ "env": SECRET_VARIABLE }))
            .with("base_url", base_url)
    }

    /// Sets a key of the bot that was declared last.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        let bot = self.bots.last_mut().expect("a bot is declared first");
        bot.insert(key.to_owned(), literal(&value.into()));
        self
    }

    /// Lets the bot that was declared last take HTTP callbacks too, with the secrets of every story.
    #[must_use]
    pub fn with_callbacks(self) -> Self {
        self.file("callback.token", VERIFICATION_TOKEN)
            .file("callback.key", ENCRYPT_KEY)
            .with("mode", "both")
            .with("verification_token", json!({ "file": "callback.token" }))
            .with("encrypt_key", json!({ "file": "callback.key" }))
    }

    /// Writes a file beside the configuration, such as one that holds a secret.
    #[must_use]
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// Sets `section.key` of the configuration to a string, number, boolean, list or reference.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        let (section, key) = key.split_once('.').expect("a setting is `section.key`");
        let section = self.sections.entry(section.to_owned()).or_default();
        section.insert(key.to_owned(), literal(&value.into()));
        self
    }

    /// Adds a variable to the gateway's environment, which has no other variables than those of the story.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Limits the gateway's open files.
    #[must_use]
    pub fn open_files(mut self, limit: u32) -> Self {
        self.open_files = Some(limit);
        self
    }

    /// Compares the ACKs that this platform saw with the store too.
    #[must_use]
    pub fn watch(mut self, platform: &Sim) -> Self {
        self.platforms.push(platform.control());
        self
    }

    /// Writes the file, starts the gateway, and waits until its admin interface answers.
    #[must_use]
    pub fn start(self) -> Gateway {
        Gateway::start(self)
    }

    /// Starts the gateway, and sends it the signal while its start waits for the file of this name, whose content comes after
    /// that.
    #[must_use]
    pub fn start_signalled(self, file: &str, content: &str, signal: Signal) -> Gateway {
        Gateway::start_signalled(self, file, content, signal)
    }

    /// Writes the files of this setup where a gateway runs that was started with another one. It does not notice.
    pub fn write_for(&self, gateway: &Gateway) {
        self.write(gateway.directory());
    }

    /// Starts the gateway with the store on a file system of its own, which can be filled, frozen and made read-only. If
    /// this user may not mount one, a notice is printed and `None` returned; with `CI` in the environment the story fails.
    #[must_use]
    pub fn start_on_volume(self, size_bytes: u64) -> Option<Gateway> {
        Gateway::start_on_volume(self, size_bytes)
    }

    /// Starts the gateway with another standard error, such as a pipe that is not read or a full device. The story's log
    /// then stays empty. The listeners' addresses cannot be read from it, so they are chosen before.
    #[must_use]
    pub fn start_logging_to(self, errors: impl Into<Stdio>) -> Gateway {
        Gateway::start_logging_to(self, errors.into())
    }

    /// The configuration file.
    fn toml(&self) -> String {
        let mut text = String::new();
        for (section, keys) in &self.sections {
            writeln!(text, "[{section}]").expect("a String takes every write");
            for (key, value) in keys {
                writeln!(text, "{key} = {value}").expect("a String takes every write");
            }
        }
        for bot in &self.bots {
            text.push_str("[[installation]]\n");
            for (key, value) in bot {
                writeln!(text, "{key} = {value}").expect("a String takes every write");
            }
        }
        text
    }

    /// Where a gateway in this directory leaves its first token: beside its database.
    pub(crate) fn token_file(&self, directory: &Path) -> PathBuf {
        let url = self
            .sections
            .get("store")
            .and_then(|store| store.get("url"));
        let url = url.expect("each setup names its store").trim_matches('"');
        let database = url.strip_prefix("sqlite:").unwrap_or(url);
        directory.join(format!("{database}.token"))
    }

    /// Writes all files that the process reads at its start.
    pub(crate) fn write(&self, directory: &Path) {
        let configuration = ("longwire.toml".to_owned(), self.toml());
        for (name, text) in self.files.iter().chain([&configuration]) {
            std::fs::write(directory.join(name), text).expect("the story's directory is ours");
        }
    }
}

/// Writes a JSON value as TOML. Scalars and lists of them are the same in both; an object becomes an inline table.
fn literal(value: &Value) -> String {
    let Value::Object(object) = value else {
        return value.to_string();
    };
    let pairs: Vec<String> = object
        .iter()
        .map(|(key, value)| format!("{key} = {}", literal(value)))
        .collect();
    format!("{{ {} }}", pairs.join(", "))
}
