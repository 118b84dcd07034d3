//! What to do after a bot was added: in longwire, and in the platform's console.
//!
//! The console of Feishu and Lark accepts the long connection only while the bot is connected, so the server comes first.

use longwire_api::InstallationDocument;
use longwire_installation::{Desired, Mode, Platform};

/// Whether a server runs on the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    Runs,
    Away,
}

/// The steps that lead from a kept bot to its first event, one a line.
pub(super) fn next_steps(kept: &InstallationDocument, server: Server) -> String {
    let mut steps = Vec::new();
    let mode = Mode::parse(&kept.mode).unwrap_or_default();
    if Desired::parse(&kept.desired) == Some(Desired::Stop) {
        steps.push(format!(
            "start the bot when it is wanted: longwire installations start {}",
            quoted(&kept.name)
        ));
    } else {
        steps.extend(starting(server, mode));
    }
    match Platform::parse(&kept.platform).unwrap_or(Platform::Feishu) {
        Platform::Feishu => steps.extend(app_console("https://open.feishu.cn/app", kept, mode)),
        Platform::Lark => steps.extend(app_console("https://open.larksuite.com/app", kept, mode)),
        Platform::Wecom => steps.push(
            "in the WeCom admin console (https://work.weixin.qq.com) under Security & Management > Management Tools > AI Bots, the bot has API mode with a long connection; nothing has to be saved there"
                .to_owned(),
        ),
    }
    let name = quoted(&kept.name);
    steps.push(format!(
        "write to the bot, and see the event: longwire events tail --follow --installation {name}"
    ));
    let mut text = format!("kept as {name}. Next:");
    for (number, step) in (1..).zip(&steps) {
        text.push_str(&format!("\n  {number}. {step}"));
    }
    text
}

/// What connects the bot.
fn starting(server: Server, mode: Mode) -> Option<String> {
    let step = match (server, mode.connects()) {
        (Server::Away, true) => {
            "start the server before you save in the console: longwire serve. It connects the bot"
        }
        (Server::Away, false) => "start the server: longwire serve. It takes the bot's callbacks",
        // The running server connects it by itself.
        (Server::Runs, true) => {
            "wait until the bot is live, which takes a moment: longwire installations list"
        }
        (Server::Runs, false) => return None,
    };
    Some(step.to_owned())
}

/// The clicks in the developer console of Feishu or Lark.
fn app_console(console: &str, kept: &InstallationDocument, mode: Mode) -> Vec<String> {
    let mut steps = Vec::new();
    let page = "Events & Callbacks > Event Configuration > Subscription mode";
    if mode.connects() {
        steps.push(format!(
            "open {console} > the app > {page} > Receive events through persistent connection > Save"
        ));
    }
    if mode.takes_callbacks() {
        let id = &kept.id;
        steps.push(format!(
            "its request URL for the console: https://your.domain/callbacks/feishu/{id}, under {page} > Send events to developer's server"
        ));
    }
    steps.push(
        "there, Add Events > Message received (im.message.receive_v1), and grant the permissions that the page asks for"
            .to_owned(),
    );
    steps.push(
        "Add Features > Bot, then Version Management & Release > Create a version > publish it"
            .to_owned(),
    );
    steps
}

/// A name as one argument of a shell.
fn quoted(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    match name.chars().all(is_plain) && !name.starts_with('-') {
        true => name.to_owned(),
        false => format!("'{}'", name.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_argument_of_a_shell() {
        for (name, argument) in [
            ("support-bot", "support-bot"),
            ("客服", "客服"),
            ("two words", "'two words'"),
            ("it's", r"'it'\''s'"),
            ("-x", "'-x'"),
            ("$HOME", "'$HOME'"),
        ] {
            assert_eq!(quoted(name), argument);
        }
    }

    #[test]
    fn the_server_comes_before_the_console() {
        let step = starting(Server::Away, Mode::LongConnection).expect("a step");
        assert!(step.contains("before you save"), "{step}");
        assert_eq!(starting(Server::Runs, Mode::Webhook), None);
    }
}
