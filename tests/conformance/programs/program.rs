//! The programs: where each is installed, and how it is told its platform, its bot and its secret.

use std::path::{Path, PathBuf};
use std::process::Command;

use longwire_tests::free_address;
use serde_json::json;

use crate::sdk::{installation, same_content, tell_missing, without_proxies};

/// A program that speaks to a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    Nonebot,
    Koishi,
    Astrbot,
    Hermes,
}

/// What the program's owner enters.
pub(super) struct Given {
    /// Of the platform, or of what stands in for it.
    pub(super) url: String,
    /// Of the app or the bot.
    pub(super) id: String,
    pub(super) secret: String,
}

impl Program {
    fn folder(self) -> &'static str {
        match self {
            Self::Nonebot => "nonebot",
            Self::Koishi => "koishi",
            Self::Astrbot => "astrbot",
            Self::Hermes => "hermes",
        }
    }

    /// What `programs/install` compares to know what is installed.
    fn lock(self) -> &'static str {
        match self {
            Self::Koishi => "package-lock.json",
            Self::Nonebot | Self::Astrbot | Self::Hermes => "requirements.txt",
        }
    }

    /// The command that runs the program in `directory`, where its configuration is written; `None`, with a loud word, if it
    /// is not installed.
    ///
    /// # Panics
    /// If it is not installed although `CI` is set and it installs within a minute.
    pub(super) fn command(self, directory: &Path, given: &Given) -> Option<Command> {
        let installed = installation().join("programs").join(self.folder());
        let sources = self.sources();
        if !same_content(
            &installed.join("installed.lock"),
            &sources.join(self.lock()),
        ) {
            tell_missing(
                &format!("{self:?} is not installed; run tests/conformance/programs/install"),
                self != Self::Astrbot,
            );
            return None;
        }
        let mut command = match self {
            Self::Nonebot => self.nonebot(&installed, directory, given),
            Self::Koishi => self.koishi(&installed, directory, given),
            Self::Astrbot => astrbot(&installed, directory, given),
            Self::Hermes => hermes(&installed, given),
        };
        without_proxies(&mut command);
        command.current_dir(directory).env("HOME", directory);
        Some(command)
    }

    fn sources(self) -> PathBuf {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        tests.join("conformance/programs").join(self.folder())
    }

    fn nonebot(self, installed: &Path, directory: &Path, given: &Given) -> Command {
        // `verification_token` is for callbacks by HTTP, and has to be there.
        let bot = json!({
            "app_id": given.id,
            "app_secret": given.secret,
            "verification_token": "unused",
            "protocol": "ws",
            "api_base": given.url,
        });
        // Its own server listens too.
        let port = free_address().port();
        let environment = format!(
            "HOST=127.0.0.1\nPORT={port}\nDRIVER=~fastapi+~httpx+~websockets\nFEISHU_BOTS=[{bot}]\n"
        );
        write(directory, ".env", &environment);
        let mut command = Command::new(installed.join("bin/python"));
        command.arg(self.sources().join("bot.py"));
        command
    }

    fn koishi(self, installed: &Path, directory: &Path, given: &Given) -> Command {
        for file in ["package.json", "lark.js", "echo.js"] {
            let copied = std::fs::copy(self.sources().join(file), directory.join(file));
            copied.expect("the test's directory is ours");
        }
        // Plugins are looked for from where the configuration is.
        let modules = directory.join("node_modules");
        std::os::unix::fs::symlink(installed.join("node_modules"), modules).expect("as above");
        let Given { url, id, secret } = given;
        let settings = format!(
            "plugins:\n  proxy-agent: {{}}\n  http: {{}}\n  ./lark.js:\n    platform: feishu\n    protocol: ws\n    appId: {id}\n    \
             appSecret: {secret}\n    endpoint: {url}/open-apis\n  ./echo.js: {{}}\n"
        );
        write(directory, "koishi.yml", &settings);
        let mut command = Command::new("node");
        command.args(["node_modules/koishi/bin.js", "start"]);
        command
    }
}

fn astrbot(installed: &Path, directory: &Path, given: &Given) -> Command {
    write(directory, ".astrbot", "");
    // Without the page of the program it would be fetched; its folder names the version.
    write(directory, "data/dist/assets/version", "v4.14.6");
    let platform = json!({
        "id": "lark",
        "type": "lark",
        "enable": true,
        "lark_bot_name": "helper",
        "app_id": given.id,
        "app_secret": given.secret,
        "domain": given.url,
        "lark_connection_mode": "socket",
    });
    let settings = json!({ "platform": [platform], "dashboard": { "enable": false } });
    write(directory, "data/cmd_config.json", &settings.to_string());
    let mut command = Command::new(installed.join("bin/astrbot"));
    command.arg("run");
    command
}

fn hermes(installed: &Path, given: &Given) -> Command {
    let mut command = Command::new(installed.join("bin/hermes"));
    command
        .args(["gateway", "run"])
        .env("WECOM_BOT_ID", &given.id)
        .env("WECOM_SECRET", &given.secret)
        .env("WECOM_WEBSOCKET_URL", &given.url)
        .env("WECOM_DM_POLICY", "open")
        .env("GATEWAY_ALLOW_ALL_USERS", "true");
    command
}

fn write(directory: &Path, path: &str, text: &str) {
    let path = directory.join(path);
    let folder = path.parent().expect("it is in the directory");
    std::fs::create_dir_all(folder).expect("the test's directory is ours");
    std::fs::write(path, text).expect("the test's directory is ours");
}
