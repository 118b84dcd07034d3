//! What is known of installations, for people.

use longwire_api::{BotCallbacksDocument, InstallationDocument, LightsDocument, Timestamp};
use longwire_installation::{BaseUrl, Platform, TakeBack};
use longwire_language::{said, word};
use longwire_store::{InstallationRecord, TimelineRecord};
use longwire_terminal::{Ink, Palette, Table, escaped, padded};

use crate::moment;

/// Installations for people.
pub(super) fn table(rows: &[InstallationDocument]) -> Table {
    let palette = Palette::of(&std::io::stdout());
    let mut table = Table::new([
        "NAME",
        "PLATFORM",
        "STATE",
        "SINCE",
        "NEXT TRY",
        "REASON",
        "APP OR BOT",
        "ID",
        "WANTED",
    ]);
    let time = |time: Option<Timestamp>| time.map_or_else(String::new, moment::iso);
    for row in rows {
        table.row([
            shown(Some(&row.name)),
            shown(Some(&row.platform)),
            palette.paint(ink(&row.state), escaped(word(&row.state))),
            time(row.state_since),
            time(row.until),
            told(row.reason_text.as_deref()),
            shown(Some(&row.app_id)),
            shown(Some(&row.id)),
            shown(Some(word(&row.desired))),
        ]);
    }
    table
}

/// A text of longwire's own, in the language of the process.
fn told(text: Option<&str>) -> String {
    shown(text.map(said).as_deref())
}

/// What people, the platform or the server said.
fn shown(text: Option<&str>) -> String {
    escaped(text.unwrap_or_default()).to_string()
}

/// What happens when another client takes the bot's connection.
fn take_back(take_back: Option<TakeBack>) -> String {
    match take_back {
        None => "never, when another client takes the connection".to_owned(),
        Some(take_back) => format!(
            "{} after another client took the connection, at most {} times in 24 h",
            moment::span(take_back.after_ms()),
            take_back.per_day()
        ),
    }
}

fn ink(state: &str) -> Ink {
    match state {
        "live" | "webhook" => Ink::Green,
        "refused" | "displaced" | "restarting" => Ink::Red,
        "stopped" | "unknown" => Ink::Dim,
        _ => Ink::Yellow,
    }
}

/// One installation for people.
pub(super) fn detail(
    record: &InstallationRecord,
    observed: &InstallationDocument,
    timeline: &[TimelineRecord],
) -> String {
    let palette = Palette::of(&std::io::stdout());
    let mut page = Page::default();
    page.given(
        word("name"),
        &palette.paint(Ink::Bold, escaped(record.name.as_str())),
    );
    page.given(word("id"), &record.public_id.to_string());
    page.record(record);
    page.state(record, observed, &palette);
    if let Some(lights) = &observed.lights {
        page.traffic(record.platform, observed.last_event, lights);
    }
    if let Some(callbacks) = &observed.callbacks {
        page.posted(callbacks);
    }
    if !timeline.is_empty() {
        page.text.push_str(&format!("\n{}", history(timeline)));
    }
    page.text
}

/// Lines of a key and a value each.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    /// One line in the language of the process, unless there is nothing to say.
    fn line(&mut self, key: &str, value: String) {
        if !value.is_empty() {
            self.given(&said(word(key)), &said(&value));
        }
    }

    /// One line as it is given.
    fn given(&mut self, key: &str, value: &str) {
        self.text
            .push_str(&format!("{} {value}\n", padded(key, 12)));
    }

    /// What is kept of the bot, and who has it.
    fn record(&mut self, record: &InstallationRecord) {
        let is_wecom = record.platform == Platform::Wecom;
        self.line(
            if is_wecom { "bot" } else { "app" },
            format!("{} on {}", escaped(&record.app_id), record.platform.label()),
        );
        self.line("guarantee", record.platform.guarantee().text().to_owned());
        if is_wecom {
            self.take_backs(record);
        }
        let base_url = record.base_url.as_ref().map(BaseUrl::as_str);
        self.line("base url", shown(base_url));
        if !is_wecom {
            self.callbacks(record);
        }
        if let Some(candidate) = record.candidate.as_deref() {
            let (state, since) = (candidate.state.label(), moment::ago(candidate.since_ms));
            let reason = candidate.state.reason().map(|reason| format!(": {reason}"));
            let text = format!("{state} for {since}{}", reason.unwrap_or_default());
            self.line("new secret", shown(Some(&text)));
        }
    }

    /// By which road events come, and what callbacks are checked with.
    fn callbacks(&mut self, record: &InstallationRecord) {
        self.line("mode", record.mode.label().to_owned());
        let has = match (record.has_verification_token(), record.has_encrypt_key()) {
            (true, true) => "checked with the verification token and the encrypt key",
            (true, false) => "checked with the verification token",
            (false, true) => "checked with the encrypt key",
            (false, false) if record.mode.takes_callbacks() => {
                "refused: neither a verification token nor an encrypt key is set"
            }
            (false, false) => return,
        };
        self.line("callbacks", has.to_owned());
    }

    /// What happens, and what happened, when another client took the bot's connection.
    fn take_backs(&mut self, record: &InstallationRecord) {
        self.line("take back", take_back(record.take_back));
        let displaced = record.displaced_ms.map(|ms| {
            // One that is taken back by itself says so in the line above.
            let until = match record.take_back {
                None => ", until `longwire installations start`",
                Some(_) => "",
            };
            format!("{} ago by another client{until}", moment::ago(ms))
        });
        self.line("displaced", displaced.unwrap_or_default());
        if !record.taken_back_ms.is_empty() {
            let times = record.taken_back_ms.iter().copied();
            let times: Vec<String> = times.map(moment::rfc3339).collect();
            self.line("taken back", times.join(", "));
        }
    }

    /// What is wanted, and what the server observes.
    fn state(
        &mut self,
        record: &InstallationRecord,
        observed: &InstallationDocument,
        palette: &Palette,
    ) {
        self.line(
            "wanted",
            format!(
                "{} (declared by: {})",
                word(record.desired.label()),
                word(record.origin.label())
            ),
        );
        let state = palette.paint(ink(&observed.state), escaped(word(&observed.state)));
        let state = match observed.state_since {
            Some(since) => format!(
                "{state} since {} ({} ago)",
                moment::iso(since),
                moment::ago(since.unix_ms)
            ),
            None => format!("{state}: no server answers"),
        };
        self.line("state", state);
        self.line("reason", shown(observed.reason_text.as_deref()));
        let next_try = observed.until.map(|until| {
            let after = match observed.attempt {
                0 => String::new(),
                attempt => format!(", attempt {attempt}"),
            };
            format!("{}{after}", moment::iso(until))
        });
        self.line("next try", next_try.unwrap_or_default());
        self.line("next step", shown(observed.next_step.as_deref()));
    }

    /// What came over the connections since the server started.
    fn traffic(
        &mut self,
        platform: Platform,
        last_event: Option<Timestamp>,
        lights: &LightsDocument,
    ) {
        let last = last_event
            .map(|time| format!(", the last at {}", moment::iso(time)))
            .unwrap_or_default();
        let never = match (lights.never_heard_an_event, platform) {
            (true, Platform::Wecom) => "; none since it went live: has anybody written to the bot?",
            (true, Platform::Feishu | Platform::Lark) => {
                "; none since it went live: is the event subscribed in the developer console?"
            }
            (false, _) => "",
        };
        self.line("events", format!("{}{last}{never}", lights.events));
        if lights.unparsed > 0 {
            let dropped = match lights.unparsed_dropped {
                0 => String::new(),
                count => format!("; {count} more were dropped"),
            };
            let value = format!("{}, recorded without a type{dropped}", lights.unparsed);
            self.line("unreadable", value);
        }
        let lost = lights.unrecorded;
        if lost > 0 {
            let value = format!("{lost} read and not recorded; the log says why");
            self.line("lost", value);
        }
        let ends = lights.left_unread;
        if ends > 0 {
            let value = format!("the end of {ends} connections; the log says why");
            self.line("left unread", value);
        }
        self.line("reconnects", lights.reconnects.to_string());
    }

    /// What the platform posted since the server started, and what keeps it from being recorded.
    fn posted(&mut self, callbacks: &BotCallbacksDocument) {
        let verdicts = callbacks.verdicts.iter();
        let verdicts: Vec<String> = verdicts
            .map(|(verdict, count)| format!("{count} {}", escaped(verdict)))
            .collect();
        let last = callbacks.last.map(moment::iso);
        let last = last.map_or_else(String::new, |time| format!(", the last at {time}"));
        self.line("posted", format!("{}{last}", verdicts.join(", ")));
        if let Some(refusal) = &callbacks.last_refusal {
            let (cause, at) = (escaped(&refusal.cause), moment::iso(refusal.at));
            let next_step = escaped(&refusal.next_step);
            self.line("refused", format!("{cause}, at {at}: {next_step}"));
        }
        self.line("note", shown(callbacks.unexpected.as_deref()));
    }
}

/// What happened to the connections, as a table.
fn history(timeline: &[TimelineRecord]) -> Table {
    let mut table = Table::new(["WHEN", "CONNECTION", "WHAT", "DETAIL"]);
    for TimelineRecord { entry, .. } in timeline {
        table.row([
            moment::rfc3339(entry.at_ms),
            entry.generation.to_string(),
            word(entry.kind.label()).to_owned(),
            told(Some(&entry.detail)),
        ]);
    }
    table
}
