//! `longwire relay`: what to change in a program that is built on a platform's SDK, so that it connects here.
//!
//! With `--connected`: who is, as the running server says. Else bots come from the store and the configuration, so no server needs to run. With `--token` one is made.

mod address;
mod clients;
mod connected;

use std::io::Write as _;
use std::path::Path;

use longwire_access::Scope;
use longwire_admin::TokenRequest;
use longwire_installation::Platform;
use longwire_store::{OpenError, Reader};
use longwire_terminal::{Ink, Palette, Table, escaped, say};
use serde_json::{Value, json};

use crate::cli::{Form, RelayArgs};
use crate::config::{ApiTls, Loaded};
use crate::exit::{Exit, Failure};
use crate::logs;

use address::Address;
use clients::{CLIENTS, KnownClient, Speaks, Takes};

/// What stands where a token belongs until there is one.
const NO_TOKEN: &str = "lw_…";

/// A bot that programs may connect to.
struct Bot {
    name: String,
    platform: Platform,
    app_id: String,
}

impl Bot {
    fn speaks(&self) -> Speaks {
        match self.platform {
            Platform::Wecom => Speaks::WeCom,
            _ => Speaks::Feishu,
        }
    }
}

pub(crate) fn run(config: Option<&Path>, wanted: &RelayArgs) -> Result<Exit, Failure> {
    logs::start_for_command();
    let loaded = Loaded::read(config)?;
    if wanted.connected {
        return connected::show(&loaded, wanted);
    }
    let address = Address::from(wanted.url.as_deref(), &loaded).ok_or_else(|| {
        Failure::Usage("an address is http:// or https://, a host and perhaps a port".to_owned())
    })?;
    let bots = bots(&loaded)?;
    let bot = match &wanted.bot {
        Some(named) => Some(find(&bots, named)?),
        None if bots.len() == 1 => bots.first(),
        None => None,
    };
    let Some(bot) = bot else {
        return every_bot(&bots, &address, wanted);
    };
    let shown = known(wanted, bot.speaks())?;
    let token = match &wanted.token {
        Some(name) => Some(token(&loaded, name, bot, wanted)?),
        None => None,
    };
    tell_limits(&loaded, &address);
    let guide = Guide {
        bot,
        address: &address,
        token: token.as_deref(),
        trusts: matches!(loaded.config.api.tls, Some(ApiTls::SelfSigned)) && address.is_https(),
        clients: shown,
    };
    super::tell(guide.write(wanted.output.output))
}

/// Those of the store, and those that the file declares and the next start puts there.
fn bots(loaded: &Loaded) -> Result<Vec<Bot>, Failure> {
    let mut bots: Vec<Bot> = match Reader::open(&loaded.store_settings()) {
        Ok(reader) => {
            let records = reader.installations()?.into_iter();
            let bot = |record: longwire_store::InstallationRecord| Bot {
                name: record.name.to_string(),
                platform: record.platform,
                app_id: record.app_id,
            };
            records.map(bot).collect()
        }
        Err(OpenError::Missing { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    for section in &loaded.config.installations {
        // One whose keys do not fit is told of by `check`.
        let Ok(credentials) = section.credentials() else {
            continue;
        };
        let name = section.name.to_string();
        if !bots.iter().any(|bot| bot.name == name) {
            bots.push(Bot {
                name,
                platform: section.platform(),
                app_id: credentials.id.to_owned(),
            });
        }
    }
    Ok(bots)
}

/// By name, or by the id that the platform gave it.
fn find<'a>(bots: &'a [Bot], named: &str) -> Result<&'a Bot, Failure> {
    let found = bots
        .iter()
        .find(|bot| bot.name == named)
        .or_else(|| bots.iter().find(|bot| bot.app_id == named));
    found.ok_or_else(|| Failure::NoInstallation(named.to_owned()))
}

/// The clients that are to be shown for such a bot.
fn known(wanted: &RelayArgs, speaks: Speaks) -> Result<Vec<&'static KnownClient>, Failure> {
    let of_platform = || CLIENTS.iter().filter(|client| client.speaks == speaks);
    let Some(key) = &wanted.client else {
        return Ok(of_platform().collect());
    };
    let found: Vec<_> = of_platform().filter(|client| client.key == key).collect();
    if found.is_empty() {
        let keys: Vec<_> = of_platform().map(|client| client.key).collect();
        return Err(Failure::Usage(format!(
            "no client `{key}` is known for this bot; there are {}",
            keys.join(", ")
        )));
    }
    Ok(found)
}

/// Makes a token for this bot alone.
fn token(loaded: &Loaded, name: &str, bot: &Bot, wanted: &RelayArgs) -> Result<String, Failure> {
    let request = TokenRequest {
        name: name.to_owned(),
        scopes: [Scope::Relay].into_iter().collect(),
        installations: Some(vec![bot.name.clone()]),
        expires_after: None,
        space: None,
    };
    let created = super::tokens::make(loaded, &wanted.server, &request)?;
    say(format_args!(
        "token {} is made for {} alone. It is shown this once",
        created.kept.id,
        escaped(&bot.name)
    ));
    Ok(created.token)
}

/// What keeps programs from connecting, if anything does.
fn tell_limits(loaded: &Loaded, address: &Address) {
    let config = &loaded.config;
    if !config.relay.enabled {
        say("nobody can connect: relay.enabled is false");
    }
    if config.server.listen.ip().is_loopback() && config.relay.public_url.is_none() {
        say(
            "programs on this host alone reach server.listen, unless a reverse proxy passes them on",
        );
    } else if !address.is_https() {
        say(
            "without TLS tokens and messages can be read on the way, and some programs refuse the address: set tls in [api]",
        );
    }
}

/// The bots there are, and how to go on.
fn every_bot(bots: &[Bot], address: &Address, wanted: &RelayArgs) -> Result<Exit, Failure> {
    if wanted.token.is_some() {
        return Err(Failure::Usage(
            "a token is made for one bot: name it".to_owned(),
        ));
    }
    let mut out = std::io::stdout().lock();
    let document = |bot: &Bot| json!({"name": bot.name, "platform": bot.platform.label(), "app_id": bot.app_id});
    super::tell(match wanted.output.output {
        Form::Json => {
            let data: Vec<Value> = bots.iter().map(document).collect();
            let url = &address.url;
            let websocket_url = &address.websocket_url;
            let all = json!({"url": url, "websocket_url": websocket_url, "bots": data});
            writeln!(out, "{all}")
        }
        Form::Ndjson => bots
            .iter()
            .try_for_each(|bot| writeln!(out, "{}", document(bot))),
        Form::Table => {
            let mut table = Table::new(["NAME", "PLATFORM", "APP OR BOT"]);
            for bot in bots {
                table.row([
                    escaped(&bot.name).to_string(),
                    bot.platform.label().to_owned(),
                    escaped(&bot.app_id).to_string(),
                ]);
            }
            say(format_args!(
                "programs connect to {}; `longwire relay BOT` shows what to change in them",
                address.url
            ));
            write!(out, "{table}")
        }
    })
}

/// What is shown of one bot.
struct Guide<'a> {
    bot: &'a Bot,
    address: &'a Address,
    token: Option<&'a str>,
    /// Whether clients have to be told to trust our own authority.
    trusts: bool,
    clients: Vec<&'static KnownClient>,
}

impl Guide<'_> {
    fn lines(&self, client: &KnownClient) -> Vec<String> {
        let places = [
            ("{app}", self.bot.app_id.as_str()),
            ("{secret}", self.token.unwrap_or(NO_TOKEN)),
            ("{url}", &self.address.url),
            ("{ws}", &self.address.websocket_url),
        ];
        let fill = |line: &&str| {
            places
                .iter()
                .fold((*line).to_owned(), |line, (place, value)| {
                    line.replace(place, value)
                })
        };
        client.lines.iter().map(fill).collect()
    }

    /// Whether the client takes this address.
    fn is_refused_by(&self, client: &KnownClient) -> bool {
        client.takes == Takes::Https && !self.address.is_https()
    }

    fn write(&self, form: Form) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        if form != Form::Table {
            return writeln!(out, "{}", self.document());
        }
        let palette = Palette::of(&std::io::stdout());
        let bold = |text: &str| palette.paint(Ink::Bold, escaped(text));
        let how = format!(
            "a token: longwire tokens create NAME --scope relay --installation {}",
            self.bot.name
        );
        writeln!(out, "{}", bold(&self.bot.name))?;
        for (what, value) in [
            ("platform", self.bot.platform.label()),
            ("address", &*self.address.url),
            ("app id", &*self.bot.app_id),
            ("secret", self.token.unwrap_or(&how)),
        ] {
            writeln!(out, "  {what:<9} {}", escaped(value))?;
        }
        for client in &self.clients {
            writeln!(out, "\n{}", bold(client.title))?;
            if self.is_refused_by(client) {
                writeln!(out, "  takes https only: set tls in [api]")?;
            }
            for line in self.lines(client) {
                writeln!(out, "  {}", escaped(&line))?;
            }
            if self.trusts {
                writeln!(out, "  {}", client.runtime.trust())?;
            }
        }
        if self.trusts {
            writeln!(out, "\n{}", bold("Trust"))?;
            writeln!(out, "  longwire print ca > longwire-ca.pem")?;
        }
        Ok(())
    }

    fn document(&self) -> Value {
        let client = |client: &&KnownClient| {
            json!({
                "client": client.key,
                "title": client.title,
                "lines": self.lines(client),
                "takes_address": !self.is_refused_by(client),
                "trust": self.trusts.then(|| client.runtime.trust()),
            })
        };
        let clients: Vec<Value> = self.clients.iter().map(client).collect();
        json!({
            "name": self.bot.name,
            "platform": self.bot.platform.label(),
            "app_id": self.bot.app_id,
            "url": self.address.url,
            "websocket_url": self.address.websocket_url,
            "token": self.token,
            "clients": clients,
        })
    }
}
