//! `longwire events`: `tail` reads the log beside the server or without one; the others ask the server.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longwire_installation::InstallationId;
use longwire_store::{EventQuery, EventRecord, Kept, Reader, Seq};
use longwire_terminal::{Ink, Palette, escaped, padded};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::cli::{Events, Form, Tail};
use crate::config::Loaded;
use crate::exit::{Exit, Failure};
use crate::{logs, moment};

use super::event_lookup;

/// Events read at a time.
const PAGE: usize = 500;
/// How soon a follower sees a new event.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(crate) fn run(config: Option<&Path>, command: &Events) -> Result<Exit, Failure> {
    logs::start_for_command();
    let loaded = Loaded::read(config)?;
    let wanted = match command {
        Events::Tail(wanted) => wanted,
        Events::Show {
            event,
            output,
            server,
        } => return event_lookup::show(&loaded, event, *output, server),
        Events::Replay {
            event,
            consumer,
            server,
        } => return event_lookup::replay(&loaded, event, consumer, server),
        Events::Simulate {
            event_type,
            consumer,
            server,
        } => return event_lookup::simulate(&loaded, event_type, consumer, server),
        Events::Erase(erase) => return super::retention::erase(&loaded, erase),
        Events::Sample { event_type, server } => {
            return event_lookup::sample(&loaded, event_type, server);
        }
    };
    let reader = Reader::open(&loaded.store_settings())?;
    let only = match &wanted.installation {
        Some(name) => Some(super::installation(&reader, name)?.id),
        None => None,
    };
    tail(&reader, wanted, only)
}

fn tail(reader: &Reader, wanted: &Tail, only: Option<InstallationId>) -> Result<Exit, Failure> {
    let mut printer = Printer::new(wanted);
    let mut after = None;
    if !wanted.from_start {
        let (newest, reached) = newest(reader, only, wanted.lines)?;
        // Following begins behind what has been looked at, whether or not there was anything to show.
        after = reached;
        printer.learn_names(reader)?;
        if let Some(end) = printer.print_all(reader, &newest)? {
            return Ok(end);
        }
    }
    loop {
        let page = reader.events(EventQuery {
            after,
            installations: only.map(|only| vec![only]),
            limit: PAGE,
        })?;
        after = page.reached;
        if let Some(end) = printer.print_all(reader, &page.events)? {
            return Ok(end);
        }
        if !page.more {
            if !wanted.follow {
                return printer.finish();
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// The newest `count` events, oldest first, and how far the log was read for them. The log is read forwards only, so this looks back in growing steps.
fn newest(
    reader: &Reader,
    only: Option<InstallationId>,
    count: usize,
) -> Result<(Vec<EventRecord>, Option<Seq>), Failure> {
    let last = reader.last_seq()?;
    let Some(Seq(last)) = last.filter(|_| count > 0) else {
        return Ok((Vec::new(), last));
    };
    let mut span = i64::try_from(count).unwrap_or(i64::MAX);
    loop {
        let from = last.saturating_sub(span).max(0);
        let mut found = Vec::new();
        let mut after = Some(Seq(from));
        loop {
            let page = reader.events(EventQuery {
                after,
                installations: only.map(|only| vec![only]),
                limit: PAGE,
            })?;
            after = page.reached;
            let is_kept = |event: &EventRecord| event.kept != Kept::Expired;
            found.extend(page.events.into_iter().filter(is_kept));
            found.drain(..found.len().saturating_sub(count));
            if !page.more {
                break;
            }
        }
        if found.len() >= count || from == 0 {
            return Ok((found, after));
        }
        span = span.saturating_mul(8);
    }
}

/// Writes events in the wanted form.
struct Printer<'a> {
    wanted: &'a Tail,
    palette: Palette,
    names: HashMap<InstallationId, (String, String)>,
    /// For one JSON document, everything is needed at once.
    collected: Vec<Box<RawValue>>,
}

/// One event for programs.
#[derive(Serialize)]
struct Line<'a> {
    seq: i64,
    installation: &'a str,
    name: &'a str,
    event_id: Option<&'a str>,
    r#type: Option<&'a str>,
    chat: Option<&'a str>,
    source: &'static str,
    received_at: String,
    created_at: Option<String>,
    trace_id: Option<&'a str>,
    repeats: u64,
    /// Why there is no payload, if it is no longer kept: `hashed` or `erased`.
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<&'static str>,
    #[serde(flatten)]
    payload: Option<Payload>,
}

/// What became of a payload that is no longer kept.
fn withheld(kept: Kept) -> Option<&'static str> {
    match kept {
        Kept::Whole => None,
        Kept::Hashed { .. } => Some("hashed"),
        Kept::Erased { .. } => Some("erased"),
        Kept::Expired => Some("expired"),
    }
}

/// What the platform sent.
#[derive(Serialize)]
enum Payload {
    /// JSON: the platform's own text. Numbers have all their digits, members their order, and none is missing.
    #[serde(rename = "payload")]
    Json(Box<RawValue>),
    /// Anything else.
    #[serde(rename = "payload_base64")]
    Bytes(String),
}

impl Payload {
    fn of(bytes: &[u8]) -> Self {
        let Ok(json) = serde_json::from_slice::<&RawValue>(bytes) else {
            return Self::Bytes(STANDARD.encode(bytes));
        };
        // JSON has raw line ends between its tokens only. There they mean what a blank means, and a line of output
        // stays one.
        let line = json.get().replace(['\n', '\r'], " ");
        Self::Json(RawValue::from_string(line).expect("blanks are as good as line ends"))
    }
}

/// All events in one document.
#[derive(Serialize)]
struct Page<'a> {
    data: &'a [Box<RawValue>],
    next: Option<&'a str>,
}

impl<'a> Printer<'a> {
    fn new(wanted: &'a Tail) -> Self {
        Self {
            wanted,
            palette: Palette::of(&io::stdout()),
            names: HashMap::new(),
            collected: Vec::new(),
        }
    }

    fn learn_names(&mut self, reader: &Reader) -> Result<(), Failure> {
        for record in reader.every_installation()? {
            self.names.insert(
                record.id,
                (record.public_id.to_string(), record.name.to_string()),
            );
        }
        Ok(())
    }

    /// `Some` when the reader of our output has seen enough.
    fn print_all(
        &mut self,
        reader: &Reader,
        events: &[EventRecord],
    ) -> Result<Option<Exit>, Failure> {
        if events
            .iter()
            .any(|event| !self.names.contains_key(&event.installation))
        {
            self.learn_names(reader)?;
        }
        let mut out = io::stdout().lock();
        let written = events
            .iter()
            .filter(|event| event.kept != Kept::Expired)
            .try_for_each(|event| self.print(&mut out, event))
            .and_then(|()| out.flush());
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Some(Exit::Done)),
            Err(error) => Err(Failure::io("write to standard output")(error)),
            Ok(()) => Ok(None),
        }
    }

    fn print(&mut self, out: &mut impl Write, event: &EventRecord) -> io::Result<()> {
        match self.wanted.output.output {
            Form::Table => self.print_line(out, event),
            Form::Ndjson => writeln!(out, "{}", self.describe(event)),
            // A followed log has no end, so it is one document an event.
            Form::Json if self.wanted.follow => writeln!(out, "{}", self.describe(event)),
            Form::Json => {
                let event = self.describe(event);
                self.collected.push(event);
                Ok(())
            }
        }
    }

    fn finish(&self) -> Result<Exit, Failure> {
        if self.wanted.output.output == Form::Json && !self.wanted.follow {
            let page = to_raw_value(&Page {
                data: &self.collected,
                next: None,
            });
            let page = page.expect("raw values are json");
            return super::tell(writeln!(io::stdout(), "{page}"));
        }
        Ok(Exit::Done)
    }

    fn name(&self, event: &EventRecord) -> (&str, &str) {
        self.names
            .get(&event.installation)
            .map_or(("", "?"), |(id, name)| (id, name))
    }

    fn print_line(&self, out: &mut impl Write, event: &EventRecord) -> io::Result<()> {
        let (_, name) = self.name(event);
        let kind = event.event_type.as_deref().unwrap_or("(not understood)");
        let repeats = match event.repeats {
            0 => String::new(),
            count => self
                .palette
                .paint(Ink::Yellow, format!("  repeated {count}×")),
        };
        writeln!(
            out,
            "{}  {} {} {}{repeats}",
            self.palette
                .paint(Ink::Dim, moment::rfc3339(event.received_ms)),
            padded(&escaped(name).to_string(), 20),
            padded(&escaped(kind).to_string(), 32),
            escaped(event.chat.as_deref().unwrap_or("-")),
        )?;
        if let (true, Some(how)) = (self.wanted.payload, withheld(event.kept)) {
            writeln!(out, "    (the payload was {how})")?;
        } else if self.wanted.payload {
            let payload = String::from_utf8_lossy(&event.payload);
            writeln!(out, "    {}", escaped(&payload))?;
        }
        Ok(())
    }

    fn describe(&self, event: &EventRecord) -> Box<RawValue> {
        let (id, name) = self.name(event);
        let line = Line {
            seq: event.seq.0,
            installation: id,
            name,
            event_id: event.event_id.as_deref(),
            r#type: event.event_type.as_deref(),
            chat: event.chat.as_deref(),
            source: event.source.label(),
            received_at: moment::rfc3339(event.received_ms),
            created_at: event.created_ms.map(moment::rfc3339),
            trace_id: event.trace_id.as_deref(),
            repeats: event.repeats,
            withheld: withheld(event.kept),
            payload: (self.wanted.payload && event.kept.is_whole())
                .then(|| Payload::of(&event.payload)),
        };
        to_raw_value(&line).expect("texts, numbers and raw values are json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(payload: &[u8], expected: &str) {
        let payload = Payload::of(payload);
        let line = to_raw_value(&payload).expect("json");
        assert_eq!(line.get(), expected);
    }

    #[test]
    fn a_payload_is_the_platforms_own_text() {
        check(
            br#"{"b":1.50, "a":12345678901234567890123,"b":"\u00e9\/"}"#,
            r#"{"payload":{"b":1.50, "a":12345678901234567890123,"b":"\u00e9\/"}}"#,
        );
        check(br#"{"\ud83d":1}"#, r#"{"payload":{"\ud83d":1}}"#);
        check(b"{\r\n \"a\": 1\n}\n", "{\"payload\":{   \"a\": 1 }}");
    }

    #[test]
    fn what_is_no_json_is_told_in_base64() {
        check(b"\xff\0", r#"{"payload_base64":"/wA="}"#);
        check(b"{\"a\nb\":1}", r#"{"payload_base64":"eyJhCmIiOjF9"}"#);
        check(b"", r#"{"payload_base64":""}"#);
    }
}
