//! Where the log goes and how it looks: standard error, text on a terminal and JSON on a pipe.
//!
//! Standard output belongs to a command's data. A panic becomes one log line: those of actors are caught and
//! acted on by the fleet, so the runtime's own message would only say it twice.

use std::io::{IsTerminal as _, stderr};
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSection};

/// Starts logging as the configuration says. Call once.
pub(crate) fn start(section: &LogSection, wanted: Option<LogFormat>) {
    let format = wanted.unwrap_or(section.format);
    let json = match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !stderr().is_terminal(),
    };
    // The HTTP server's notes on its threads are below what an operator asked for, unless he names it himself. Its
    // errors are requests that are none: whoever can reach a listener could fill the log with them.
    let filter = format!("actix_server=warn,actix_http=off,{}", section.filter);
    // Validation has accepted the filter; a demo's is a constant.
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr);
    // Fails only if logging was started before, which then goes on.
    let _ = if json {
        builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init()
    } else {
        builder
            .with_ansi(crate::terminal::colours_on(&stderr()))
            .with_target(false)
            .try_init()
    };
    std::panic::set_hook(Box::new(report_panic));
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
