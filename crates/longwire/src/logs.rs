//! Where the log goes and how it looks: [standard error](crate::stderr), text on a terminal and JSON on a pipe.
//!
//! Standard output belongs to a command's data. A log line is handed to a thread that writes it, so that logging neither
//! waits nor fails. A panic becomes one log line: those of actors are caught and acted on by the fleet, so the runtime's
//! own message would only say it twice.

use std::io::{self, IsTerminal as _};
use std::panic::PanicHookInfo;

use tracing::{Dispatch, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogFormat, LogSection};
use crate::stderr::{self, LOST_TARGET};

/// Starts logging as the configuration says. Call once.
pub(crate) fn start(section: &LogSection, wanted: Option<LogFormat>) {
    let terminal = io::stderr();
    let form = match wanted.unwrap_or(section.format) {
        LogFormat::Json => Form::Json,
        LogFormat::Auto if !terminal.is_terminal() => Form::Json,
        LogFormat::Text | LogFormat::Auto => Form::Text {
            colours: crate::terminal::colours_on(&terminal),
        },
    };
    // The HTTP server's notes on its threads are below what an operator asked for, unless he names it himself.
    let filter = format!("actix_server=warn,{}", section.filter);
    // Validation has accepted the filter; a demo's is a constant.
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // Fails only if logging was started before, which then goes on.
    let _ = dispatch(form, filter, LogLines).try_init();
    std::panic::set_hook(Box::new(report_panic));
}

/// How a line looks.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// One JSON object.
    Json,
    /// For people.
    Text { colours: bool },
}

fn dispatch<W>(form: Form, filter: EnvFilter, lines: W) -> Dispatch
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(lines);
    match form {
        Form::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .into(),
        Form::Text { colours } => builder.with_ansi(colours).with_target(false).into(),
    }
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
