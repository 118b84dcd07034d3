//! `longwire events show`, `replay`, `simulate` and `sample`: asks the running server about one event.

use std::io::{self, Write as _};
use std::time::Duration;

use longwire_terminal::{escaped, say};
use serde_json::{Value, json};

use crate::cli::{Form, Output, ServerArgs};
use crate::client::{Client, ask, path_part};
use crate::config::Loaded;
use crate::exit::{Exit, Failure};

use super::event_timeline;

/// Prints the journey of an event.
pub(super) fn show(
    loaded: &Loaded,
    event: &str,
    output: Output,
    server: &ServerArgs,
) -> Result<Exit, Failure> {
    let client = Client::of(loaded, server)?;
    let path = format!("/v1/events/{}/journey", path_part(event));
    let journey: Value = ask(client.get(&path, &[]))?;
    super::tell(match output.output {
        Form::Table => event_timeline::write(&mut io::stdout().lock(), &journey),
        Form::Json | Form::Ndjson => writeln!(io::stdout(), "{journey}"),
    })
}

/// Delivers an event to a consumer again.
pub(super) fn replay(
    loaded: &Loaded,
    event: &str,
    consumer: &str,
    server: &ServerArgs,
) -> Result<Exit, Failure> {
    let client = Client::of(loaded, server)?;
    let path = format!("/v1/events/{}/replay", path_part(event));
    let _: Value = ask(client.post_json(&path, &json!({ "consumer": consumer })))?;
    say(format_args!(
        "the event is delivered to {} again",
        escaped(consumer)
    ));
    Ok(Exit::Done)
}

/// Longer than a webhook may be set to take.
const SIMULATED_WITHIN: Duration = Duration::from_secs(150);

/// Posts an event that never happened to the webhook of a consumer.
pub(super) fn simulate(
    loaded: &Loaded,
    event_type: &str,
    consumer: &str,
    server: &ServerArgs,
) -> Result<Exit, Failure> {
    let client = Client::of(loaded, server)?;
    let path = format!("/v1/event-types/{}/simulate", path_part(event_type));
    let body = json!({ "consumer": consumer });
    let answered: Value = ask(client.post_json_within(SIMULATED_WITHIN, &path, &body))?;
    let taken = answered["taken"] == true;
    say(format_args!(
        "{} answered {} after {} ms: {}",
        escaped(consumer),
        answered["status"],
        answered["duration_ms"],
        if taken {
            "an event would be delivered by that"
        } else {
            "an event would be sent again"
        }
    ));
    super::tell(writeln!(io::stdout(), "{answered}"))?;
    Ok(if taken { Exit::Done } else { Exit::Failed })
}

/// Prints an event that never happened.
pub(super) fn sample(
    loaded: &Loaded,
    event_type: &str,
    server: &ServerArgs,
) -> Result<Exit, Failure> {
    let client = Client::of(loaded, server)?;
    let path = format!("/v1/event-types/{}/sample", path_part(event_type));
    let sample: Value = ask(client.get(&path, &[]))?;
    super::tell(writeln!(io::stdout(), "{sample:#}"))
}
