//! `longwire installations list`: as the running server sees them; as the store keeps them where no server answers.

use std::io::Write as _;

use longwire_admin::document::ListPage;
use longwire_api::{InstallationDocument, Observation};
use longwire_store::Reader;
use longwire_terminal::say;
use serde_json::json;

use super::page;
use crate::cli::{Form, ListInstallations, PageArgs};
use crate::client::{Client, ClientError, ask};
use crate::commands::{listing, tell, watch};
use crate::config::Loaded;
use crate::exit::{Exit, Failure};

pub(super) fn run(loaded: &Loaded, wanted: &ListInstallations) -> Result<Exit, Failure> {
    let form = wanted.output.output;
    if !wanted.watch {
        let part = look(loaded, wanted)?;
        let printed = tell(write!(std::io::stdout().lock(), "{}", text(&part, form)));
        if form != Form::Json {
            listing::say_more(&part, &wanted.page);
        }
        return printed;
    }
    watch::watch(|| {
        let part = of_server(loaded, wanted)?;
        Ok(text(&part, form))
    })
}

/// The part that is wanted, printed.
fn text(part: &ListPage<InstallationDocument>, form: Form) -> String {
    match form {
        Form::Json => format!("{}\n", json!(part)),
        Form::Ndjson => part
            .data
            .iter()
            .map(|row| format!("{}\n", json!(row)))
            .collect(),
        Form::Table => page::table(&part.data).to_string(),
    }
}

/// From the server, or from the store if nobody answers and only the server could tell.
fn look(
    loaded: &Loaded,
    wanted: &ListInstallations,
) -> Result<ListPage<InstallationDocument>, Failure> {
    let error = match of_server(loaded, wanted) {
        Ok(part) => return Ok(part),
        Err(Failure::Client(error)) if is_told_by_the_store(&error, wanted) => error,
        Err(error) => return Err(error),
    };
    let part = of_store(loaded, wanted, &wanted.page)?;
    if !part.data.is_empty() {
        say(match error {
            ClientError::Unreachable { .. } => {
                "no server answers, so the states are unknown".to_owned()
            }
            other => format!("{other}, so the states are unknown"),
        });
    }
    Ok(part)
}

/// Whether the store may answer in the server's place: it knows no states, and nobody named another server.
fn is_told_by_the_store(error: &ClientError, wanted: &ListInstallations) -> bool {
    let is_of_states = !wanted.states.is_empty() || wanted.not_live;
    let is_of_another = wanted.server.admin_url.is_some();
    let is_query = matches!(error, ClientError::Refused { status: 400, .. });
    !is_of_states && !is_of_another && !is_query
}

fn of_server(
    loaded: &Loaded,
    wanted: &ListInstallations,
) -> Result<ListPage<InstallationDocument>, Failure> {
    let client = Client::of(loaded, &wanted.server)?;
    let mut query: Vec<(&str, &str)> = Vec::new();
    query.extend(wanted.states.iter().map(|state| ("state", state.as_str())));
    let platforms = wanted.platforms.iter().copied();
    query.extend(platforms.map(|platform| {
        (
            "platform",
            longwire_installation::Platform::from(platform).label(),
        )
    }));
    if wanted.not_live {
        query.push(("not_live", "true"));
    }
    let path = "/admin/v1/installations";
    Ok(ask(listing::fetch(&client, path, &query, &wanted.page))?)
}

fn of_store(
    loaded: &Loaded,
    wanted: &ListInstallations,
    page: &PageArgs,
) -> Result<ListPage<InstallationDocument>, Failure> {
    let records = Reader::open(&loaded.store_settings())?.installations()?;
    let platforms = wanted.platforms.iter().copied();
    let platforms: Vec<longwire_installation::Platform> = platforms.map(Into::into).collect();
    let rows = records
        .iter()
        .filter(|record| platforms.is_empty() || platforms.contains(&record.platform))
        .map(|record| InstallationDocument::of(record, Observation::NoServer))
        .collect();
    listing::cut(rows, page, |row| row.id.clone())
}
