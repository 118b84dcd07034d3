//! `longwire check`: what is wrong with the configuration and this host, each finding with its fix.
//!
//! Changes nothing, so it can run beside the server. With `--online` it also opens a connection of each installation; the
//! secrets of added ones are read under the store's lock, so beside a server only the declared ones are tried.

mod callbacks;
mod certificate;
mod clock;
mod findings;
mod ids;
mod key;
mod online;
mod port_owner;
mod ports;
mod secret_files;
mod server;
mod store;

use std::path::{Path, PathBuf};

use longwire_egress::{EgressSettings, Route};
use longwire_fleet::setback::chain;
use longwire_installation::{BotNames, Desired, Origin};
use longwire_link::Setback;
use longwire_store::{ConsumerRecord, InstallationRecord, OpenError, Reader, StoreSettings};

use crate::cli::Check;
use crate::config::{Config, Loaded, ProxySetting};
use crate::exit::{Exit, Failure};
use crate::files::{self, OpenFiles};
use crate::{gateway, logs};

use findings::Findings;

/// Below this the store will soon have to refuse events.
const LOW_DISK_BYTES: u64 = 512 << 20;

pub(crate) fn run(config: Option<&Path>, check: &Check) -> Result<Exit, Failure> {
    logs::start_for_command();
    let mut findings = Findings::new(check.output.output, check.verbose);
    match Loaded::read(config) {
        Ok(loaded) => everything(&loaded, check, &mut findings),
        Err(error) => findings.bad("configuration", chain(&error), error.advice()),
    }
    findings.finish()
}

fn everything(loaded: &Loaded, check: &Check, findings: &mut Findings) {
    let config = &loaded.config;
    let laid = match loaded.overrides.len() {
        0 => String::new(),
        _ => format!(", overridden by {}", loaded.overrides.join(" ")),
    };
    findings.good("configuration", format!("{}{laid}", loaded.file.display()));
    exposure(config, findings);
    certificate::tell(loaded, findings);
    secrets(loaded, findings);
    secret_files::tell(loaded, findings);
    let settings = loaded.store_settings();
    let (records, consumers) = store(&settings, findings);
    if check.store {
        store::tell(&settings, findings);
    }
    same_bots(config, &records, findings);
    unusual_ids(config, &records, findings);
    callback_secrets(config, &records, findings);
    callbacks::tell(config, &records, &consumers, findings);
    permissions(&settings, findings);
    disk(&settings, findings);
    open_files(config, &records, findings);
    let server = server::tell(loaded, &check.server, findings);
    ports::tell(config, server, findings);
    match gateway::egress(loaded) {
        Ok((egress, roots)) => {
            let total = roots.system + roots.ca_file + roots.compiled_in;
            if roots.compiled_in > 0 {
                findings.bad(
                    "tls roots",
                    "this system has none; those compiled in are used".to_owned(),
                    "install the package ca-certificates",
                );
            } else {
                findings.good("tls roots", format!("{total} trusted"));
            }
            for ignored in egress.environment.ignored() {
                findings.bad(
                    ignored.variable,
                    ignored.reason.clone(),
                    "correct the entry; until then it exempts nobody from the proxy",
                );
            }
            routes(loaded, &egress, &records, findings);
            if check.online {
                online::ask_all(loaded, &egress, &settings, findings);
            }
        }
        Err(error) => findings.bad(
            "way out",
            chain(&error),
            error.advice().unwrap_or("correct the setting"),
        ),
    }
}

fn exposure(config: &Config, findings: &mut Findings) {
    if config.server.admin_listen.ip().is_loopback() {
        findings.good(
            "admin interface",
            format!("{}, this host only", config.server.admin_listen),
        );
    } else {
        findings.bad(
            "admin interface",
            format!(
                "{} can be reached from elsewhere, where tokens and secrets travel in clear",
                config.server.admin_listen
            ),
            "listen on 127.0.0.1 and put a proxy that speaks TLS in front",
        );
    }
}

fn secrets(loaded: &Loaded, findings: &mut Findings) {
    for section in &loaded.config.installations {
        let what = format!("secret of {}", section.name);
        match (section.resolve(loaded), section.credentials()) {
            (Ok(_), Ok(credentials)) => findings.good(what, credentials.secret.to_string()),
            (Ok(_), Err(misfit)) => {
                findings.bad(what, misfit.to_string(), "correct the installation's keys");
            }
            (Err(error), _) => findings.bad(what, chain(&error), error.advice()),
        }
        if section.lacks_callback_secrets() {
            no_callback_secrets(section.name.as_str(), findings);
        }
    }
}

/// Ids that are none, most likely: of the file's installations, and of those that were added.
fn unusual_ids(config: &Config, records: &[InstallationRecord], findings: &mut Findings) {
    for section in &config.installations {
        if let Ok(credentials) = section.credentials() {
            let name = section.name.as_str();
            ids::tell(name, section.platform(), credentials.id, findings);
        }
    }
    for record in records
        .iter()
        .filter(|record| !config.declares(&record.name))
    {
        ids::tell(
            record.name.as_str(),
            record.platform,
            &record.app_id,
            findings,
        );
    }
}

/// Added ones that take callbacks, and cannot tell them from anybody else's.
fn callback_secrets(config: &Config, records: &[InstallationRecord], findings: &mut Findings) {
    for record in records
        .iter()
        .filter(|record| !config.declares(&record.name))
    {
        let has_secret = record.has_verification_token() || record.has_encrypt_key();
        if record.mode.takes_callbacks() && !has_secret {
            no_callback_secrets(record.name.as_str(), findings);
        }
    }
}

fn no_callback_secrets(name: &str, findings: &mut Findings) {
    findings.bad(
        format!("callbacks of {name}"),
        "it has neither a verification token nor an encrypt key, so no callback is taken".to_owned(),
        "set one of them as the developer console shows it: in the file, or with `longwire installations set`",
    );
}

/// Two that are wanted and are one bot, once the file's installations are what the file says. A file that declares two is
/// no configuration, so one of them at least was added.
fn same_bots(config: &Config, records: &[InstallationRecord], findings: &mut Findings) {
    let added = added(config, records).map(|record| (record.name.as_str(), record.bot()));
    let declared = config.installations.iter();
    let declared = declared.filter(|section| section.enabled);
    let declared = declared.filter_map(|section| {
        let credentials = section.credentials().ok()?;
        Some((section.name.as_str(), credentials.bot()))
    });
    let mut names = BotNames::default();
    for (name, bot) in added.chain(declared) {
        if let Err(other) = names.assign(bot, name) {
            findings.bad(
                format!("bot of {name}"),
                format!("`{name}` is the same bot as `{other}`; only the older one is connected"),
                Setback::SameBot.next_step(),
            );
        }
    }
}

/// The store's state, and the installations and consumers it keeps.
fn store(
    settings: &StoreSettings,
    findings: &mut Findings,
) -> (Vec<InstallationRecord>, Vec<ConsumerRecord>) {
    let reader = match Reader::open(settings) {
        Ok(reader) => reader,
        Err(error) => {
            let (path, what) = match &error {
                OpenError::Missing { path } => (path, "is not there yet; the first start makes it"),
                OpenError::OlderSchema { path } => (
                    path,
                    "has the schema of an earlier version; the next start brings it up to date",
                ),
                error => {
                    findings.bad("store", chain(error), error.advice());
                    return Default::default();
                }
            };
            findings.good("store", format!("{} {what}", path.display()));
            return Default::default();
        }
    };
    let read = reader
        .installations()
        .and_then(|records| Ok((records, reader.consumers()?, reader.last_seq()?)));
    match read {
        Ok((records, consumers, last)) => {
            let events = last.map_or(0, |seq| seq.0);
            let installations = records.len();
            findings.good(
                "store",
                format!(
                    "{}, {installations} installations, newest event {events}",
                    // There is one: it is open.
                    database(settings).unwrap_or_default().display(),
                ),
            );
            key::tell(settings, findings);
            (records, consumers)
        }
        Err(error) => {
            findings.bad("store", chain(&error), "see the database's words");
            Default::default()
        }
    }
}

fn permissions(settings: &StoreSettings, findings: &mut Findings) {
    let exposed = settings.exposed();
    if exposed.is_empty() {
        let finding = "nobody else may use the store's files";
        return findings.good("permissions", finding.to_owned());
    }
    for exposed in exposed {
        let (path, mode) = (exposed.path.display(), exposed.mode);
        let finding = format!("{path} may be used by others (mode {mode:04o})");
        findings.bad("permissions", finding, exposed.advice());
    }
}

/// The database's file. An address that names none is a finding of the store's.
fn database(settings: &StoreSettings) -> Option<PathBuf> {
    settings.url.file().ok()
}

fn disk(settings: &StoreSettings, findings: &mut Findings) {
    let Some(path) = database(settings) else {
        return;
    };
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    match rustix::fs::statvfs(directory) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let text = format!("{} MiB free for {}", free >> 20, directory.display());
            if free < LOW_DISK_BYTES {
                findings.bad(
                    "disk",
                    text,
                    "free space; when the disk is full nothing is recorded: Feishu and Lark repeat what is refused then, \
                     WeCom's events wait unread",
                );
            } else {
                findings.good("disk", text);
            }
        }
        Err(error) => findings.bad(
            "disk",
            format!("{} cannot be looked at: {error}", directory.display()),
            "make the directory, or choose another in store.url",
        ),
    }
}

/// Whether all that are wanted can be connected at once.
fn open_files(config: &Config, records: &[InstallationRecord], findings: &mut Findings) {
    let installations = wanted(config, records);
    // The server raises its own limit as far as it may.
    let hard = files::limits().hard;
    let open_files = OpenFiles::new(hard, gateway::arbiters(config), &config.relay);
    let needed = open_files.needed(installations);
    match (hard, open_files.connections()) {
        (Some(hard), Some(connections)) if connections < installations => findings.bad(
            "open files",
            format!(
                "at most {hard}, which is enough for {connections} connections, and {installations} \
                 installations are to be connected"
            ),
            &format!("raise LimitNOFILE in the unit, or `ulimit -Hn`, to {needed} or more"),
        ),
        (Some(hard), Some(connections)) => findings.good(
            "open files",
            format!("up to {hard}, enough for {connections} connections"),
        ),
        _ => findings.good("open files", "unlimited".to_owned()),
    }
}

/// The installations that are to be connected and stand in the store alone.
fn added<'a>(
    config: &'a Config,
    records: &'a [InstallationRecord],
) -> impl Iterator<Item = &'a InstallationRecord> {
    records.iter().filter(|record| {
        record.desired == Desired::Run
            && record.origin != Origin::File
            && !config.declares(&record.name)
    })
}

/// How many installations are to be connected: those declared, and those that were added to the store.
fn wanted(config: &Config, records: &[InstallationRecord]) -> u64 {
    let declared = config.installations.iter();
    let declared = declared.filter(|section| section.enabled).count();
    (declared + added(config, records).count()) as u64
}

/// The way to each platform host, told once per host and way.
fn routes(
    loaded: &Loaded,
    egress: &EgressSettings,
    records: &[InstallationRecord],
    findings: &mut Findings,
) {
    let mut told = std::collections::BTreeSet::new();
    let declared = loaded.config.installations.iter().map(|section| {
        let url = Some(section.resolved_base_url());
        (section.name.as_str(), url, section.proxy.as_ref())
    });
    // A kept proxy is sealed; its route is told by the server's own timeline.
    let is_kept =
        |record: &&InstallationRecord| !record.has_proxy() && !loaded.config.declares(&record.name);
    let kept = records.iter().filter(is_kept);
    let kept = kept.map(|record| (record.name.as_str(), record.resolved_base_url().ok(), None));
    for (name, url, proxy) in declared.chain(kept) {
        let Some(url) = url else {
            findings.bad(
                format!("base url of {name}"),
                "is no address".to_owned(),
                Setback::AddressRefused.next_step(),
            );
            continue;
        };
        let policy = match proxy.map(|proxy: &ProxySetting| proxy.policy(&loaded.directory)) {
            None => egress.proxy.clone(),
            Some(Ok(policy)) => policy,
            Some(Err(error)) => {
                findings.bad(format!("proxy of {name}"), chain(&error), error.advice());
                continue;
            }
        };
        let route = egress.route(&policy, &url);
        let line = format!("{} {route}", url.host_str().unwrap_or_default());
        if told.insert(line.clone()) {
            match route {
                Route::Direct | Route::Proxy(_) => findings.good("route", line),
                Route::Unusable { .. } => {
                    findings.bad("route", line, Setback::ProxyUnusable.next_step());
                }
            }
        }
    }
}
