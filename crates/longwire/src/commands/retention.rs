//! `longwire retention` and `longwire events erase`: ask the running server.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use longwire_admin::document::{ErasedDocument, KeepDocument, RetentionDocument};
use longwire_language::{said, word};
use longwire_terminal::{escaped, padded, say};
use serde_json::json;

use crate::cli::{Erase, Form, RetentionCommand, SetRetention};
use crate::client::{Client, ask, path_part};
use crate::config::{Loaded, OwnRetention};
use crate::exit::{Exit, Failure};
use crate::{logs, prompt};

pub(crate) fn run(config: Option<&Path>, command: &RetentionCommand) -> Result<Exit, Failure> {
    logs::start_for_command();
    let loaded = Loaded::read(config)?;
    match command {
        RetentionCommand::Show {
            installation,
            output,
            server,
        } => {
            let client = Client::of(&loaded, server)?;
            match installation {
                None => {
                    let shown: RetentionDocument = ask(client.get("/admin/v1/retention", &[]))?;
                    super::tell(match output.output {
                        Form::Table => write_state(&mut io::stdout().lock(), &shown),
                        Form::Json | Form::Ndjson => write_json(&shown),
                    })
                }
                Some(name) => {
                    let shown: KeepDocument = ask(client.get(&path_of(name), &[]))?;
                    super::tell(match output.output {
                        Form::Table => writeln!(io::stdout(), "{}", keep_text(&shown)),
                        Form::Json | Form::Ndjson => write_json(&shown),
                    })
                }
            }
        }
        RetentionCommand::Set(set) => self::set(&loaded, set),
    }
}

fn path_of(installation: &str) -> String {
    format!(
        "/admin/v1/installations/{}/retention",
        path_part(installation)
    )
}

fn write_json(document: &impl serde::Serialize) -> io::Result<()> {
    let text = serde_json::to_string(document).expect("texts and numbers are JSON");
    writeln!(io::stdout(), "{text}")
}

fn set(loaded: &Loaded, set: &SetRetention) -> Result<Exit, Failure> {
    let own = OwnRetention {
        keep: set.keep,
        bytes: set.bytes,
        events: set.events,
        store: set.store,
    };
    if let Some((key, message)) = own.mistake() {
        return Err(Failure::Usage(format!("--{key}: {message}")));
    }
    let rules = KeepDocument::from(own.rules());
    let client = Client::of(loaded, &set.server)?;
    let kept: KeepDocument = ask(client.post_json(&path_of(&set.installation), &rules))?;
    say(format_args!(
        "{}: {}",
        escaped(&set.installation),
        keep_text(&kept)
    ));
    Ok(Exit::Done)
}

/// Bounds in words.
fn keep_text(keep: &KeepDocument) -> String {
    let age = keep.age_ms.map(|ms| format!("{} at most", age_text(ms)));
    let bytes = keep
        .bytes
        .map(|bytes| format!("{} at most", size_text(bytes)));
    let events = keep.events.map(|events| format!("{events} events at most"));
    let bounds: Vec<String> = [age, bytes, events].into_iter().flatten().collect();
    let bounds = match bounds.is_empty() {
        true => "no bound".to_owned(),
        false => bounds.join(", "),
    };
    match keep.store.as_deref() {
        Some("hash") => format!("{bounds}; payloads are hashed once they are delivered"),
        Some(_) | None => bounds,
    }
}

/// In the largest unit that divides it.
fn age_text(ms: i64) -> String {
    const UNITS: [(i64, &str); 3] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m")];
    let fits = UNITS.iter().find(|(unit, _)| ms % unit == 0);
    let (unit, name) = fits.copied().unwrap_or((1, "ms"));
    format!("{}{name}", ms / unit)
}

/// With one digit behind the point.
fn size_text(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let fits = UNITS.iter().find(|(unit, _)| bytes >= *unit);
    fits.map_or_else(
        || format!("{bytes}B"),
        |(unit, name)| format!("{}.{}{name}", bytes / unit, bytes % unit * 10 / unit),
    )
}

fn write_state(out: &mut impl Write, shown: &RetentionDocument) -> io::Result<()> {
    let mut line = |key: &str, value: String| writeln!(out, "{} {}", padded(key, 12), said(&value));
    line(word("bounds"), keep_text(&shown.keep))?;
    let oldest = shown.oldest.as_deref().unwrap_or("no event is kept");
    line(word("oldest"), oldest.to_owned())?;
    let (used, free) = (size_text(shown.used_bytes), size_text(shown.free_bytes));
    let size = format!("{used} used, {free} free for what comes");
    line(word("database"), size)?;
    if !shown.gives_back {
        let why = "it cannot give space back: an early version made it. Next step: see \"The bounds\" in the page retention.md";
        line("", why.to_owned())?;
    }
    let (events, bytes) = (shown.events_gone, size_text(shown.bytes_gone));
    let given_back = size_text(shown.given_back_bytes);
    let gone =
        format!("{events} events, {bytes}; {given_back} given back to the disk since the start");
    line(word("gone"), gone)?;
    line(word("now"), shown.doing.to_string())?;
    for hold in &shown.waits_for {
        let (consumer, events) = (escaped(&hold.consumer), hold.events);
        let held = format!("{consumer}, which has not done {events} events");
        line(word("waits for"), held)?;
    }
    for risk in &shown.at_risk {
        let (consumer, percent) = (escaped(&risk.consumer), risk.percent);
        let (bound, lag) = (&risk.bound, risk.lag_events);
        let near = format!("{consumer}: {percent} % of the bound {bound}, {lag} events behind");
        line(word("at risk"), near)?;
    }
    if shown.clock_held {
        line(
            word("clock"),
            "not trusted; the bound of age waits".to_owned(),
        )?;
    }
    if let Some(trouble) = &shown.trouble {
        line(word("trouble"), escaped(trouble).to_string())?;
    }
    Ok(())
}

/// Reading a large log takes minutes.
const ERASED_WITHIN: Duration = Duration::from_secs(60 * 60);

/// `longwire events erase`.
pub(crate) fn erase(loaded: &Loaded, erase: &Erase) -> Result<Exit, Failure> {
    let request = |dry_run: bool| {
        json!({
            "person": erase.person.as_str(),
            "installation": erase.installation,
            "dry_run": dry_run,
        })
    };
    let post = |dry_run: bool| -> Result<ErasedDocument, Failure> {
        let client = Client::of(loaded, &erase.server)?;
        let path = "/admin/v1/events/erase";
        Ok(ask(client.post_json_within(
            ERASED_WITHIN,
            path,
            &request(dry_run),
        ))?)
    };
    if erase.dry_run || !erase.yes {
        let counted = post(true)?;
        say(format_args!("{} events name the person", counted.events));
        if erase.dry_run {
            return Ok(Exit::Done);
        }
        let question = "Erase their payloads? Nothing brings them back.";
        let answer = prompt::confirm(question).map_err(Failure::io("ask"))?;
        if !answer {
            say(format_args!("nothing was erased"));
            return Ok(Exit::Failed);
        }
    }
    let erased = post(false)?;
    say(format_args!(
        "{} events and {} authorizations were erased",
        erased.events, erased.authorizations
    ));
    if !erased.out_of_files {
        say(format_args!(
            "their bytes are still in a file of the store, because a program reads an old state of it, or the database cannot give space back; erase again when that program has ended. Backups have them, too"
        ));
        return Ok(Exit::Failed);
    }
    say(format_args!(
        "their bytes are in no file of the store any more. Backups have them still"
    ));
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_said_as_they_are_written() {
        let keep = |age_ms, bytes, events, store: Option<&str>| {
            keep_text(&KeepDocument {
                age_ms,
                bytes,
                events,
                store: store.map(str::to_owned),
            })
        };
        assert_eq!(keep(None, None, None, None), "no bound");
        assert_eq!(
            keep(Some(30 * 86_400_000), Some(20 << 30), None, Some("full")),
            "30d at most, 20.0GiB at most"
        );
        assert_eq!(
            keep(Some(90 * 60_000), None, Some(7), Some("hash")),
            "90m at most, 7 events at most; payloads are hashed once they are delivered"
        );
        assert_eq!(size_text(1_000), "1000B");
        assert_eq!(size_text(1_600), "1.5KiB");
    }
}
