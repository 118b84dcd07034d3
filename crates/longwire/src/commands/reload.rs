//! `longwire reload`: has the running server read its configuration file again.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use longwire_admin::document::{RefusedBot, ReloadDocument, ReloadedBot};
use longwire_language::said;
use longwire_terminal::{Ink, Palette, escaped, say};
use serde_json::json;

use crate::cli::{Form, Reload};
use crate::client::{Client, ClientError, ask};
use crate::config::Loaded;
use crate::exit::{Exit, Failure};
use crate::logs;

/// The server reads the files with all secrets and writes a row for each bot that differs.
const LIMIT: Duration = Duration::from_secs(180);

pub(crate) fn run(config: Option<&Path>, wanted: &Reload) -> Result<Exit, Failure> {
    logs::start_for_command();
    // A mistake that is seen here needs no server to tell it; the server's own file may be another one.
    let loaded = Loaded::read(config)?;
    let query: &[_] = match wanted.dry_run {
        true => &[("dry_run", "true")],
        false => &[],
    };
    let client = Client::of(&loaded, &wanted.server)?;
    let path = "/admin/v1/reload";
    let reloaded = ask(client.post_query_within::<ReloadDocument>(LIMIT, path, query));
    if let Err(ClientError::Unreachable { .. }) = &reloaded {
        say(
            "if `server.admin_listen` was changed in the file, the running server is still at the former address: name it \
             with --admin-url",
        );
    }
    let document = reloaded?;
    let mut out = std::io::stdout().lock();
    super::tell(match wanted.output.output {
        Form::Json | Form::Ndjson => writeln!(out, "{}", json!(document)),
        Form::Table => {
            let palette = Palette::of(&std::io::stdout());
            write!(out, "{}", said(&text(&document, &palette)))
        }
    })
}

/// The difference for people: a line for each bot, then the settings, then one about all of it.
fn text(document: &ReloadDocument, palette: &Palette) -> String {
    let mut text = String::new();
    let mut line = |line: fmt::Arguments<'_>| {
        writeln!(text, "{line}").expect("a String takes every write");
    };
    for bot in &document.added {
        let sign = palette.paint(Ink::Green, "+");
        let name = escaped(&bot.name);
        match (bot.was_there, bot.keys.is_empty()) {
            (false, _) => line(format_args!("{sign} {name}")),
            (true, true) => line(format_args!(
                "{sign} {name}: was there, and is declared now"
            )),
            (true, false) => line(format_args!(
                "{sign} {name}: was there, and is declared now; {} changed",
                keys(bot)
            )),
        }
    }
    for bot in &document.changed {
        let sign = palette.paint(Ink::Yellow, "~");
        line(format_args!("{sign} {}: {}", escaped(&bot.name), keys(bot)));
    }
    for bot in &document.removed {
        let sign = palette.paint(Ink::Red, "-");
        line(format_args!(
            "{sign} {}: not declared any more; stopped, its events stay",
            escaped(&bot.name)
        ));
    }
    for bot in &document.refused {
        let sign = palette.paint(Ink::Red, "!");
        line(format_args!("{sign} {}", refused(bot)));
    }
    let settings = &document.settings;
    if !settings.applied.is_empty() {
        let applied = match document.applied {
            true => "settings that hold from now on",
            false => "settings that would hold at once",
        };
        line(format_args!("{applied}: {}", settings.applied.join(", ")));
    }
    if !settings.at_next_start.is_empty() {
        line(format_args!(
            "settings that take effect at the next start: {}",
            settings.at_next_start.join(", ")
        ));
    }
    line(format_args!("{}", summary(document)));
    text
}

fn keys(bot: &ReloadedBot) -> String {
    match bot.keys.is_empty() {
        true => "declared as before".to_owned(),
        false => bot.keys.join(", "),
    }
}

fn refused(bot: &RefusedBot) -> String {
    let name = escaped(&bot.name);
    let reason = escaped(&bot.reason_text);
    match bot.keeps_serving {
        true => format!("{name}: {reason}. It goes on with the secret that it has"),
        false => format!("{name}: {reason}\n    {}", bot.next_step),
    }
}

fn summary(document: &ReloadDocument) -> String {
    let file = escaped(&document.file);
    if document.is_empty() {
        return format!("{file}: nothing is different, {} bots", document.unchanged);
    }
    let what = match document.applied {
        true => "applied",
        false => "not applied",
    };
    format!(
        "{file}: {} added, {} changed, {} removed, {} refused, {} untouched; {what}",
        document.added.len(),
        document.changed.len(),
        document.removed.len(),
        document.refused.len(),
        document.unchanged,
    )
}

#[cfg(test)]
mod tests {
    use longwire_admin::document::ReloadedSettings;

    use super::*;

    #[test]
    fn the_difference_is_told_bot_by_bot() {
        let bot = |name: &str, was_there, keys: &[&'static str]| ReloadedBot {
            name: name.to_owned(),
            id: None,
            was_there,
            keys: keys.iter().map(|key| (*key).into()).collect(),
        };
        let document = ReloadDocument {
            applied: true,
            file: "longwire.toml".to_owned(),
            added: vec![bot("new", false, &[]), bot("back", true, &["enabled"])],
            changed: vec![bot("other", true, &["app_secret", "mode"])],
            removed: vec![bot("gone", true, &[])],
            refused: vec![RefusedBot {
                name: "poor".to_owned(),
                reason: "no_secret".into(),
                reason_text: "there is no secret".to_owned(),
                next_step: "Put it there.".into(),
                keeps_serving: false,
            }],
            unchanged: 397,
            settings: ReloadedSettings {
                applied: vec!["log.filter".to_owned()],
                at_next_start: vec!["server.listen".to_owned()],
            },
        };
        // No terminal, and so no colours.
        let nowhere = std::fs::File::open("/dev/null").expect("it is there");
        let plain = Palette::of(&nowhere);
        assert_eq!(
            text(&document, &plain),
            "+ new\n\
             + back: was there, and is declared now; enabled changed\n\
             ~ other: app_secret, mode\n\
             - gone: not declared any more; stopped, its events stay\n\
             ! poor: there is no secret\n    Put it there.\n\
             settings that hold from now on: log.filter\n\
             settings that take effect at the next start: server.listen\n\
             longwire.toml: 2 added, 1 changed, 1 removed, 1 refused, 397 untouched; applied\n"
        );
        let nothing = ReloadDocument {
            applied: true,
            file: "longwire.toml".to_owned(),
            unchanged: 3,
            ..ReloadDocument::default()
        };
        assert_eq!(
            text(&nothing, &plain),
            "longwire.toml: nothing is different, 3 bots\n"
        );
    }
}
