//! `longwire status`: asks the running server whether all is connected, and answers by its exit code, too.

mod screen;

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use longwire_admin::document::StatusDocument;
use longwire_terminal::{Palette, say};
use serde_json::json;

use crate::cli::{Form, StatusArgs};
use crate::client::{Client, ClientError, ask};
use crate::commands::{tell, watch};
use crate::config::Loaded;
use crate::exit::{Exit, Failure};
use crate::logs;

/// Between two questions of `--wait`. A start of many bots takes seconds.
const ASKED_EVERY: Duration = Duration::from_millis(500);

pub(crate) fn run(config: Option<&Path>, wanted: &StatusArgs) -> Result<Exit, Failure> {
    logs::start_for_command();
    let loaded = Loaded::read(config)?;
    let look = || -> Result<StatusDocument, ClientError> {
        let client = Client::of(&loaded, &wanted.server)?;
        ask(client.get("/admin/v1/status", &[]))
    };
    let form = wanted.output.output;
    if wanted.watch {
        return watch::watch(|| Ok(text(&look()?, form)));
    }
    let status = match wanted.wait {
        None => look()?,
        Some(limit) => await_all_live(limit, look)?,
    };
    tell(write!(std::io::stdout().lock(), "{}", text(&status, form)))?;
    Ok(match status.is_all_live() {
        true => Exit::Done,
        false => Exit::Failed,
    })
}

fn text(status: &StatusDocument, form: Form) -> String {
    match form {
        Form::Table => screen::screen(status, Palette::of(&std::io::stdout())),
        Form::Json | Form::Ndjson => format!("{}\n", json!(status)),
    }
}

/// Asks until every wanted bot is live, or the time is over: then the last answer is told. A server that does not answer may be
/// about to start.
fn await_all_live(
    limit: Duration,
    look: impl Fn() -> Result<StatusDocument, ClientError>,
) -> Result<StatusDocument, ClientError> {
    let begun = Instant::now();
    let mut told = String::new();
    loop {
        let answer = look();
        let progress = match &answer {
            Ok(status) if status.is_all_live() => return answer,
            Ok(status) => {
                let bots = &status.installations;
                format!("{} of {} live", bots.live + bots.webhook, bots.wanted)
            }
            Err(ClientError::Unreachable { .. }) => "no server answers yet".to_owned(),
            Err(_) => return answer,
        };
        if begun.elapsed() >= limit {
            return answer;
        }
        if progress != told {
            say(&progress);
            told = progress;
        }
        std::thread::sleep(ASKED_EVERY.min(limit.saturating_sub(begun.elapsed())));
    }
}
