//! `longwire tokens`: create, list, revoke.
//!
//! A running server is asked. Without one the command changes the store itself, which is also the way back for an operator who
//! has lost every token. A new token goes to standard output alone, this once; all words about it go to standard error.

use std::io::Write as _;
use std::path::Path;

use longwire_access::{AuditAction, Space, TokenId};
use longwire_admin::document::{CreatedToken, ListPage, TokenDocument};
use longwire_admin::{TokenRequest, new_token_text};
use longwire_installation::PublicId;
use longwire_store::{OpenError, Reader, Store, WriteError};
use longwire_terminal::{Ink, Palette, Table, escaped, say};
use serde_json::json;

use super::listing;
use crate::cli::{CreateToken, Form, Output, PageArgs, ServerArgs, Tokens};
use crate::client::{Client, ask};
use crate::config::{Loaded, parse_duration};
use crate::exit::{Exit, Failure};
use crate::{command_audit, logs, moment};

pub(crate) fn run(config: Option<&Path>, command: Tokens) -> Result<Exit, Failure> {
    logs::start_for_command();
    let loaded = Loaded::read(config)?;
    match command {
        Tokens::Create(wanted) => create(&loaded, &wanted),
        Tokens::List {
            page,
            output,
            server,
        } => list(&loaded, &page, output, &server),
        Tokens::Revoke { token, server } => revoke(&loaded, token, &server),
    }
}

/// The store, if this command has it for itself; `None` if a server is to be asked.
fn own_store(loaded: &Loaded, server: &ServerArgs) -> Result<Option<Store>, Failure> {
    if server.admin_url.is_some() {
        return Ok(None);
    }
    match Store::open(&loaded.store_settings()) {
        Ok(store) => Ok(Some(store)),
        Err(OpenError::Held { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn create(loaded: &Loaded, wanted: &CreateToken) -> Result<Exit, Failure> {
    let request = TokenRequest {
        name: wanted.name.clone(),
        scopes: wanted.scopes.iter().copied().collect(),
        installations: (!wanted.installations.is_empty()).then(|| wanted.installations.clone()),
        expires_after: (wanted.expires).map(|after| format!("{}ms", after.as_millis())),
        space: wanted.space.clone(),
    };
    let created = make(loaded, &wanted.server, &request)?;
    say(format_args!(
        "token {} is made. It is shown this once; a program sends it as `Authorization: Bearer …`",
        created.kept.id
    ));
    super::tell(match wanted.output.output {
        Form::Table => writeln!(std::io::stdout(), "{}", created.token),
        Form::Json | Form::Ndjson => writeln!(std::io::stdout(), "{}", json!(created)),
    })
}

/// Makes a token, by the server if one runs.
pub(super) fn make(
    loaded: &Loaded,
    server: &ServerArgs,
    request: &TokenRequest,
) -> Result<CreatedToken, Failure> {
    match own_store(loaded, server)? {
        Some(store) => create_in(&store, request),
        None => {
            let client = Client::of(loaded, server)?;
            Ok(ask(client.post_secret("/admin/v1/tokens", request))?)
        }
    }
}

fn create_in(store: &Store, request: &TokenRequest) -> Result<CreatedToken, Failure> {
    let space = request
        .space_or(&Space::default())
        .map_err(Failure::Usage)?;
    let mut installations: Vec<PublicId> = Vec::new();
    for named in request.installations.iter().flatten() {
        let record = store.reader().installation(named)?;
        let record = record.filter(|record| record.space == space);
        let record = record.ok_or_else(|| Failure::NoInstallation(named.clone()))?;
        installations.push(record.public_id);
    }
    let now_ms = moment::now_ms();
    let new = request
        .check(space, installations, parse_duration, now_ms)
        .map_err(Failure::Usage)?;
    let text = new_token_text().map_err(Failure::io("get random bytes"))?;
    let id = text.id().to_string();
    let store = command_audit::audited(store, AuditAction::TokenCreate, &id);
    let record = store.create_token(new, &text)?;
    Ok(CreatedToken {
        token: text.expose().to_owned(),
        kept: TokenDocument::of(&record, now_ms),
    })
}

fn list(
    loaded: &Loaded,
    page: &PageArgs,
    output: Output,
    server: &ServerArgs,
) -> Result<Exit, Failure> {
    let part = match &server.admin_url {
        // What is kept can be read beside a running server.
        None => {
            let records = Reader::open(&loaded.store_settings())?.tokens()?;
            let part = listing::cut(records, page, |record| record.id.to_string())?;
            let now_ms = moment::now_ms();
            let documents = part.data.iter();
            ListPage {
                data: documents
                    .map(|record| TokenDocument::of(record, now_ms))
                    .collect(),
                next: part.next,
                total: part.total,
            }
        }
        Some(_) => {
            let client = Client::of(loaded, server)?;
            ask(listing::fetch(&client, "/admin/v1/tokens", &[], page))?
        }
    };
    let mut out = std::io::stdout().lock();
    let printed = super::tell(match output.output {
        Form::Json => writeln!(out, "{}", json!(part)),
        Form::Ndjson => (part.data.iter()).try_for_each(|token| writeln!(out, "{}", json!(token))),
        Form::Table => write!(out, "{}", table(&part.data)),
    });
    if output.output != Form::Json {
        listing::say_more(&part, page);
    }
    printed
}

/// All tokens for people.
fn table(tokens: &[TokenDocument]) -> Table {
    let palette = Palette::of(&std::io::stdout());
    let mut table = Table::new([
        "ID",
        "NAME",
        "SPACE",
        "STATE",
        "EXPIRES",
        "LAST USED",
        "SCOPES",
    ]);
    let never = || "never".to_owned();
    for token in tokens {
        let ink = match &*token.state {
            "valid" => Ink::Green,
            _ => Ink::Dim,
        };
        let narrowed = match &token.installations {
            None => String::new(),
            Some(ids) => format!(" on {}", ids.join(" ")),
        };
        table.row([
            token.id.to_string(),
            escaped(token.name.as_str()).to_string(),
            escaped(token.space.as_str()).to_string(),
            palette.paint(ink, escaped(&token.state)),
            token.expires.map_or_else(never, moment::iso),
            token.last_used.map_or_else(never, moment::iso),
            format!("{}{narrowed}", token.scopes),
        ]);
    }
    table
}

fn revoke(loaded: &Loaded, token: TokenId, server: &ServerArgs) -> Result<Exit, Failure> {
    match own_store(loaded, server)? {
        Some(store) => {
            let id = token.to_string();
            let store = command_audit::audited(&store, AuditAction::TokenRevoke, &id);
            store.revoke_token(token).map_err(|error| match error {
                WriteError::UnknownToken { .. } => Failure::NoToken(token.to_string()),
                error => error.into(),
            })?;
        }
        None => {
            let client = Client::of(loaded, server)?;
            let path = format!("/admin/v1/tokens/{token}/revoke");
            ask(client.post::<TokenDocument>(&path))?;
        }
    }
    say(format_args!("token {token} is revoked"));
    Ok(Exit::Done)
}
