//! The programs that are connected to the running server, and those that it refused.

use std::io::Write as _;

use longwire_admin::document::{ApplicationDocument, RefusedDocument, RelayPage};
use longwire_terminal::{Table, escaped, say};
use serde_json::json;

use crate::cli::{Form, RelayArgs};
use crate::client::{Client, ClientError, ask};
use crate::config::Loaded;
use crate::exit::{Exit, Failure};
use crate::moment;

/// Refusals that are told of: the newest say what is wrong now.
const REFUSALS: usize = 5;

pub(super) fn show(loaded: &Loaded, wanted: &RelayArgs) -> Result<Exit, Failure> {
    let client = Client::of(loaded, &wanted.server)?;
    let all = ask(every_page(&client))?;
    let mut out = std::io::stdout().lock();
    super::super::tell(match wanted.output.output {
        Form::Json => writeln!(out, "{}", json!(all)),
        Form::Ndjson => all
            .data
            .iter()
            .try_for_each(|one| writeln!(out, "{}", json!(one))),
        Form::Table => {
            for refused in all.last_refused.iter().take(REFUSALS) {
                say(refusal(refused));
            }
            write!(out, "{}", table(&all.data))
        }
    })
}

/// All connections, with the refusals of the last page.
async fn every_page(client: &Client) -> Result<RelayPage, ClientError> {
    let mut before = Vec::new();
    let mut after = String::new();
    loop {
        let query = [("limit", "500"), ("after", after.as_str())];
        let mut page: RelayPage = client.get("/admin/v1/relay", &query).await?;
        before.append(&mut page.data);
        match page.next.take() {
            Some(next) => after = next,
            None => {
                page.data = before;
                return Ok(page);
            }
        }
    }
}

fn refusal(refused: &RefusedDocument) -> String {
    let known = [
        ("app ", refused.app_id.clone()),
        ("token ", refused.token.map(|token| token.to_string())),
        ("from ", refused.peer.clone()),
    ];
    let known = known.into_iter().filter_map(|(what, value)| {
        let value = value?;
        Some(format!(" {what}{}", escaped(&value)))
    });
    format!(
        "refused at {}: {}{}; {}",
        moment::iso(refused.at),
        escaped(&refused.cause),
        known.collect::<String>(),
        escaped(&refused.next_step)
    )
}

fn table(connections: &[ApplicationDocument]) -> Table {
    let mut table = Table::new([
        "CONSUMER",
        "TOKEN",
        "BOT",
        "SDK",
        "FROM",
        "SINCE",
        "IN FLIGHT",
        "LAST ACK",
        "BEHIND",
        "CALLS/MIN",
    ]);
    let text = |text: Option<&str>| escaped(text.unwrap_or("-")).to_string();
    for one in connections {
        let token = one.token.name.as_ref().unwrap_or(&one.token.id);
        let bot = (one.installation.name.as_ref()).unwrap_or(&one.installation.id);
        table.row([
            text(Some(&one.consumer)),
            text(Some(token)),
            text(Some(bot)),
            text(one.agent.as_deref()),
            text(one.peer.as_deref()),
            moment::iso(one.since),
            one.in_flight.len().to_string(),
            one.last_ack.map_or_else(|| "-".to_owned(), moment::iso),
            one.lag_events
                .map_or_else(|| "-".to_owned(), |events| events.to_string()),
            one.calls_per_minute.to_string(),
        ]);
    }
    table
}
