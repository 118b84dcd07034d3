//! `longwire consumers`: asks the running server for its consumers, and changes them.

use std::io::Write as _;
use std::path::Path;

use longwire_admin::document::ListPage;
use longwire_consumer::parse_time;
use longwire_language::{said, word};
use longwire_terminal::{Ink, Palette, Table, escaped, say};
use serde_json::{Map, Value, json};

use super::listing;
use crate::cli::{AddConsumer, Consumers, Form, Output, PageArgs, ServerArgs, WhichConsumer};
use crate::client::{Client, ask, path_part};
use crate::config::Loaded;
use crate::exit::{Exit, Failure};
use crate::logs;

pub(crate) fn run(config: Option<&Path>, command: Consumers) -> Result<Exit, Failure> {
    logs::start_for_command();
    let loaded = Loaded::read(config)?;
    match command {
        Consumers::Add(wanted) => add(&loaded, &wanted),
        Consumers::List {
            page,
            output,
            server,
        } => list(&loaded, &page, output, &server),
        Consumers::Show(which) => {
            let client = Client::of(&loaded, &which.server)?;
            let shown: Value = ask(client.get(&path(&which.consumer, ""), &[]))?;
            super::tell(print(&shown, which.output.output))
        }
        Consumers::Pause(which) => steer(&loaded, &which, "/pause", "is paused"),
        Consumers::Resume(which) => steer(&loaded, &which, "/resume", "goes on"),
        Consumers::Seek {
            consumer,
            to,
            server,
        } => {
            let client = Client::of(&loaded, &server)?;
            let body = json!({"to": place(&to)?});
            let moved: Value = ask(client.post_json(&path(&consumer, "/seek"), &body))?;
            say(format_args!(
                "consumer {} goes on behind the event {}",
                escaped(&consumer),
                moved["position"]
            ));
            Ok(Exit::Done)
        }
        Consumers::Remove(which) => {
            let client = Client::of(&loaded, &which.server)?;
            ask(client.delete(&path(&which.consumer, "")))?;
            say(format_args!(
                "consumer {} is removed; events stay in the log",
                escaped(&which.consumer)
            ));
            Ok(Exit::Done)
        }
        Consumers::RotateSecret(which) => {
            let client = Client::of(&loaded, &which.server)?;
            let path = path(&which.consumer, "/secret/rotate");
            let rotated: Value = ask(client.post(&path))?;
            say(format_args!(
                "the secret is shown this once; for 24 hours the former one signs beside it"
            ));
            let secret = rotated["secret"].as_str().unwrap_or_default();
            super::tell(writeln!(std::io::stdout(), "{secret}"))
        }
    }
}

fn path(name: &str, rest: &str) -> String {
    format!("/v1/consumers/{}{rest}", path_part(name))
}

/// A place in the log, as the interface takes it.
fn place(text: &str) -> Result<Value, Failure> {
    if matches!(text, "now" | "beginning") {
        return Ok(json!(text));
    }
    if let Ok(seq) = text.parse::<u64>() {
        return Ok(json!({ "seq": seq }));
    }
    if parse_time(text).is_some() {
        return Ok(json!({ "time": text }));
    }
    Err(Failure::Usage(format!(
        "`{text}` is no place in the log: say `now`, `beginning`, the number of an event, or a time such as 2026-01-31T12:00:00Z"
    )))
}

fn add(loaded: &Loaded, wanted: &AddConsumer) -> Result<Exit, Failure> {
    let client = Client::of(loaded, &wanted.server)?;
    let made: Value = ask(client.post_json("/v1/consumers", &definition(wanted)?))?;
    let name = escaped(&wanted.name);
    match made["secret"].as_str() {
        Some(_) => say(format_args!(
            "consumer {name} is made. Its deliveries are signed with this secret, which is shown this once"
        )),
        None => say(format_args!("consumer {name} is made")),
    }
    for advice in made["advice"].as_array().into_iter().flatten() {
        say(escaped(advice.as_str().unwrap_or_default()));
    }
    super::tell(match (wanted.output.output, made["secret"].as_str()) {
        (Form::Table, Some(secret)) => writeln!(std::io::stdout(), "{secret}"),
        (Form::Table, None) => Ok(()),
        (Form::Json | Form::Ndjson, _) => writeln!(std::io::stdout(), "{made}"),
    })
}

/// The definition that the options and the file make up.
fn definition(wanted: &AddConsumer) -> Result<Value, Failure> {
    let mut definition = match &wanted.definition {
        None => Map::new(),
        Some(file) => {
            let text =
                std::fs::read(file).map_err(Failure::io(format!("read {}", file.display())))?;
            serde_json::from_slice(&text).map_err(|error| {
                Failure::Usage(format!("{} is no JSON object: {error}", file.display()))
            })?
        }
    };
    definition.insert("name".to_owned(), json!(wanted.name));
    let road = match &wanted.url {
        Some(url) => json!({"kind": "webhook", "url": url}),
        None if wanted.stream => json!({"kind": "stream"}),
        None => json!({"kind": "pull"}),
    };
    let is_told = wanted.url.is_some() || wanted.stream;
    if is_told || !definition.contains_key("road") {
        definition.insert("road".to_owned(), road);
    }
    if wanted.claims_cards {
        definition.insert("claims_cards".to_owned(), json!(true));
    }
    definition.entry("from").or_insert(place(&wanted.from)?);
    let filter = definition.entry("filter").or_insert_with(|| json!({}));
    for (member, values) in [
        ("types", &wanted.types),
        ("installations", &wanted.installations),
    ] {
        if !values.is_empty() {
            filter[member] = json!(values);
        }
    }
    Ok(definition.into())
}

fn steer(loaded: &Loaded, which: &WhichConsumer, rest: &str, done: &str) -> Result<Exit, Failure> {
    let client = Client::of(loaded, &which.server)?;
    let _: Value = ask(client.post(&path(&which.consumer, rest)))?;
    say(format_args!("consumer {} {done}", escaped(&which.consumer)));
    Ok(Exit::Done)
}

fn list(
    loaded: &Loaded,
    page: &PageArgs,
    output: Output,
    server: &ServerArgs,
) -> Result<Exit, Failure> {
    let client = Client::of(loaded, server)?;
    let part: ListPage<Value> = ask(listing::fetch(&client, "/v1/consumers", &[], page))?;
    let mut out = std::io::stdout().lock();
    let printed = super::tell(match output.output {
        Form::Json => writeln!(out, "{}", json!(part)),
        Form::Ndjson => part.data.iter().try_for_each(|one| writeln!(out, "{one}")),
        Form::Table => write!(out, "{}", table(&part.data)),
    });
    if output.output != Form::Json {
        listing::say_more(&part, page);
    }
    printed
}

/// All consumers for people.
fn table(all: &[Value]) -> Table {
    let palette = Palette::of(&std::io::stdout());
    let mut table = Table::new([
        "NAME",
        "ROAD",
        "STATE",
        "LAG",
        "IN FLIGHT",
        "DONE",
        "REASON",
    ]);
    let text = |value: &Value| escaped(value.as_str().unwrap_or_default()).to_string();
    for one in all {
        let status = &one["status"];
        let ink = match status["state"].as_str() {
            Some("active") => Ink::Green,
            Some("paused") => Ink::Dim,
            _ => Ink::Red,
        };
        table.row([
            text(&one["name"]),
            text(&one["road"]["kind"]),
            palette.paint(ink, word(&text(&status["state"]))),
            status["lag_events"].to_string(),
            status["in_flight"].to_string(),
            status["counts"]["done"].to_string(),
            said(&text(&status["reason"])).into_owned(),
        ]);
    }
    table
}

/// One document: indented for people.
pub(super) fn print(document: &Value, form: Form) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match form {
        Form::Table => writeln!(out, "{document:#}"),
        Form::Json | Form::Ndjson => writeln!(out, "{document}"),
    }
}
