//! Where the log goes and how it looks: [standard error](longwire_terminal::stderr), text on a terminal and JSON on a pipe.
//!
//! Standard output belongs to a command's data. A log line is handed to a thread that writes it, so that logging neither
//! waits nor fails. A panic becomes one log line: those of actors are caught and acted on by the fleet, so the runtime's
//! own message would only say it twice.

mod fields;

use std::io::{self, IsTerminal as _};
use std::panic::PanicHookInfo;
use std::sync::OnceLock;

use longwire_terminal::escaped_json;
use longwire_terminal::stderr::{self, LOST_TARGET};
use tracing::{Dispatch, Metadata};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields};
use tracing_subscriber::fmt::{MakeWriter, SubscriberBuilder};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

use crate::config::{LogFormat, LogSection, log_filter};
use fields::EscapedFields;

/// Starts logging as the configuration says. Call once.
pub(crate) fn start(section: &LogSection, wanted: Option<LogFormat>) {
    let terminal = io::stderr();
    let form = match wanted.unwrap_or(section.format) {
        LogFormat::Json => Form::Json,
        LogFormat::Auto if !terminal.is_terminal() => Form::Json,
        LogFormat::Text | LogFormat::Auto => Form::Text {
            colours: longwire_terminal::colours_on(&terminal),
        },
    };
    let filter = log_filter::parse(&section.filter)
        .expect("validation has accepted the filter; others are constants");
    // Fails only if logging was started before, which then goes on.
    let (dispatch, live_filter) = dispatch(form, filter, LogLines);
    if dispatch.try_init().is_ok() {
        let _ = LIVE_FILTER.set(live_filter);
    }
    std::panic::set_hook(Box::new(report_panic));
}

/// Changes what is logged while the process runs.
type LiveFilter = Box<dyn Fn(EnvFilter) -> bool + Send + Sync>;

static LIVE_FILTER: OnceLock<LiveFilter> = OnceLock::new();

/// What is logged from now on. Validation has accepted the filter. Answers whether it was taken over.
pub(crate) fn set_filter(filter: &str) -> bool {
    let set = |live: &LiveFilter| log_filter::parse(filter).is_ok_and(live);
    LIVE_FILTER.get().is_some_and(set)
}

/// How a line looks.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// One JSON object. The same characters are escaped as JSON does, and read back as they were.
    Json,
    /// For people; whatever would act on their screen is escaped.
    Text { colours: bool },
}

fn dispatch<W>(form: Form, filter: EnvFilter, lines: W) -> (Dispatch, LiveFilter)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(lines);
    match form {
        Form::Json => with_live_filter(
            builder
                .map_writer(EscapedJson)
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .with_span_list(false),
        ),
        Form::Text { colours } => with_live_filter(
            builder
                .with_ansi(colours)
                .with_target(false)
                .fmt_fields(EscapedFields),
        ),
    }
}

/// The log of this builder, whose filter can be changed.
fn with_live_filter<N, E, W>(
    builder: SubscriberBuilder<N, E, EnvFilter, W>,
) -> (Dispatch, LiveFilter)
where
    N: for<'a> FormatFields<'a> + Send + Sync + 'static,
    E: FormatEvent<Registry, N> + Send + Sync + 'static,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let builder = builder.with_filter_reloading();
    let handle = builder.reload_handle();
    let set: LiveFilter = Box::new(move |filter| handle.reload(filter).is_ok());
    (builder.finish().into(), set)
}

/// Where the formatter's lines go.
struct LogLines;

impl MakeWriter<'_> for LogLines {
    type Writer = LogLine;

    fn make_writer(&self) -> LogLine {
        LogLine {
            write: stderr::write,
        }
    }

    fn make_writer_for(&self, line: &Metadata<'_>) -> LogLine {
        if line.target() == LOST_TARGET {
            LogLine {
                write: stderr::write_for_certain,
            }
        } else {
            self.make_writer()
        }
    }
}

/// Lines of JSON on their way to a writer.
struct EscapedJson<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for EscapedJson<W> {
    type Writer = EscapedJson<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        EscapedJson(self.0.make_writer())
    }

    fn make_writer_for(&'a self, line: &Metadata<'_>) -> Self::Writer {
        EscapedJson(self.0.make_writer_for(line))
    }
}

impl<W: io::Write> io::Write for EscapedJson<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // The formatter writes whole lines of text.
        match std::str::from_utf8(line) {
            Ok(text) => self.0.write_all(escaped_json(text).as_bytes())?,
            Err(_) => self.0.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// One line's way. The formatter writes each line in one piece.
struct LogLine {
    write: fn(&[u8]),
}

impl io::Write for LogLine {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        (self.write)(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log of commands that are not servers: warnings, as text.
pub(crate) fn start_for_command() {
    start(
        &LogSection {
            format: LogFormat::Text,
            filter: "warn".to_owned(),
        },
        None,
    );
}

fn report_panic(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words");
    let place = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(
        place,
        thread = thread.name().unwrap_or("unnamed"),
        "panicked: {text}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panics").extend(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged by `tell`, without the time in front.
    fn logged(form: Form, tell: impl FnOnce()) -> String {
        let text = filtered(form, "info", tell);
        match form {
            Form::Json => text,
            Form::Text { .. } => text
                .split_once("Z")
                .map(|(_, rest)| rest.to_owned())
                .expect("a time"),
        }
    }

    /// What is logged by `tell` of what the filter lets through.
    fn filtered(form: Form, filter: &str, tell: impl FnOnce()) -> String {
        let kept = Kept::default();
        let lines = kept.clone();
        let filter = log_filter::parse(filter).expect("a filter");
        let (dispatch, _) = dispatch(form, filter, move || lines.clone());
        tracing::dispatcher::with_default(&dispatch, tell);
        let bytes = kept.0.lock().expect("nobody panics").clone();
        String::from_utf8(bytes).expect("lines are text")
    }

    /// Whatever a platform or a message may bring.
    const OUTSIDE: &str = "a\x1b[2J\u{9b}31m\r\nERROR forged\u{202e}gpj\u{2028}";
    const SHOWN: &str = r"a\u{1b}[2J\u{9b}31m\r\nERROR forged\u{202e}gpj\u{2028}";

    struct Shouting;
    impl fmt::Display for Shouting {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(OUTSIDE)
        }
    }

    fn tell() {
        let _span = tracing::info_span!("bot", name = %Shouting).entered();
        tracing::info!(shown = %Shouting, text = "quoted \u{202e}", count = 3, "said {OUTSIDE}");
    }

    #[test]
    fn a_text_line_is_one_line_and_does_nothing_to_the_screen() {
        assert_eq!(
            logged(Form::Text { colours: false }, tell),
            format!(
                "  INFO bot{{name={SHOWN}}}: said {SHOWN} shown={SHOWN} text=\"quoted \\u{{202e}}\" count=3\n"
            )
        );
    }

    /// S143: a line has its level, and an operator chooses the levels, for all or for a part.
    #[test]
    fn a_level_is_chosen_for_all_or_for_a_part() {
        let tell = || {
            tracing::debug!(target: "longwire_fleet", "a detail of the fleet");
            tracing::debug!(target: "longwire_store", "a detail of the store");
            tracing::info!(target: "longwire_store", "news of the store");
            tracing::warn!(target: "longwire_store", "a warning");
            tracing::error!(target: "longwire_fleet", "an error");
        };
        for (filter, expected) in [
            ("info", "INFO WARN ERROR"),
            ("error", "ERROR"),
            ("warn,longwire_fleet=debug", "DEBUG WARN ERROR"),
            ("debug", "DEBUG DEBUG INFO WARN ERROR"),
            ("off", ""),
        ] {
            let lines = filtered(Form::Json, filter, tell);
            let levels: Vec<_> = lines
                .lines()
                .map(|line| {
                    let entry: serde_json::Value = serde_json::from_str(line).expect("one object");
                    entry["level"].as_str().expect("a level").to_owned()
                })
                .collect();
            assert_eq!(levels.join(" "), expected, "{filter}");
        }
    }

    #[test]
    fn a_level_is_changed_while_the_process_runs() {
        let kept = Kept::default();
        let lines = kept.clone();
        let filter = |text: &str| log_filter::parse(text).expect("a filter");
        let (dispatch, set) = dispatch(Form::Json, filter("info"), move || lines.clone());
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::debug!("first");
            assert!(set(filter("debug")));
            tracing::debug!("second");
            assert!(set(filter("warn")));
            tracing::info!("third");
        });
        let bytes = kept.0.lock().expect("nobody panics").clone();
        let text = String::from_utf8(bytes).expect("lines are text");
        assert!(text.contains("second"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }

    #[test]
    fn colours_are_our_own() {
        let line = logged(Form::Text { colours: true }, tell);
        assert!(
            line.contains(&format!(
                "said {SHOWN} \x1b[3mshown\x1b[0m\x1b[2m=\x1b[0m{SHOWN}"
            )),
            "{line:?}"
        );
        let sequences = line.split('\x1b').skip(1);
        for sequence in sequences {
            let end = sequence.find('m').expect("a colour ends so");
            assert!(
                sequence[1..end].bytes().all(|byte| byte.is_ascii_digit()),
                "{line:?}"
            );
        }
    }

    #[test]
    fn a_json_line_has_every_character_and_does_nothing_to_the_screen() {
        let line = logged(Form::Json, tell);
        let entry: serde_json::Value = serde_json::from_str(&line).expect("one object");
        assert_eq!(entry["message"], format!("said {OUTSIDE}"));
        assert_eq!(entry["shown"], OUTSIDE);
        assert_eq!(entry["span"]["name"], "bot", "{line}");
        let acts =
            |character: char| character.is_control() || "\u{202e}\u{2028}".contains(character);
        assert_eq!(line.matches(acts).collect::<String>(), "\n", "{line:?}");
    }
}
