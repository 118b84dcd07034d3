//! Asks the platform for a connection of each installation and opens it, as a start would, as far as that costs nothing.
//!
//! Feishu and Lark grant a connection at an address of their own, which is another host than the one that was asked: a
//! firewall may know the one and not the other. So it is opened, and closed at once. WeCom grants it to whoever
//! subscribes, and ends the one that the bot has; there a connection is opened and left unused. In both cases name,
//! route, TLS and upgrade are tried; the bot's id and secret with Feishu and Lark only.

use std::time::Duration;

use longwire_egress::{Egress, EgressSettings, ProxyPolicy, ProxyUrlError};
use longwire_fleet::setback::{self, chain};
use longwire_installation::Platform;
use longwire_link::Setback;
use longwire_platform::dial;
use longwire_platform::feishu::{AppCredentials, endpoint};
use longwire_store::{InstallationRecord, OpenError, Reader, Store, StoreSettings};
use longwire_wire::endpoint::ConnectionUrl;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::clock;
use super::findings::Findings;
use crate::config::Loaded;

const DEADLINE: Duration = Duration::from_secs(15);

/// One question.
struct Question {
    name: String,
    platform: Platform,
    app_id: String,
    app_secret: SecretString,
    base: Url,
    proxy: Option<ProxyPolicy>,
}

pub(super) fn ask_all(
    loaded: &Loaded,
    egress: &EgressSettings,
    settings: &StoreSettings,
    findings: &mut Findings,
) {
    let mut questions = declared(loaded);
    match kept(loaded, settings, findings) {
        Ok(more) => questions.extend(more),
        Err(OpenError::Missing { .. }) => {}
        Err(OpenError::Held { .. }) => findings.good(
            "online",
            "the server runs and holds the keys; its own view of added installations is in `installations list`".to_owned(),
        ),
        // The store's own line has told it.
        Err(_) => {}
    }
    actix_rt::System::new().block_on(async {
        let egress = Egress::new(egress);
        let mut ways = Vec::new();
        for question in questions {
            let way = match &question.proxy {
                None => egress.clone(),
                Some(policy) => egress.with_proxy(policy.clone()),
            };
            ways.push((question.base.clone(), way.clone()));
            let what = format!("platform for {}", question.name);
            match question.platform {
                Platform::Feishu | Platform::Lark => grant(what, &question, &way, findings).await,
                Platform::Wecom => reach(what, &question, &way, findings).await,
            }
        }
        clock::tell(&ways, findings).await;
    });
}

/// Whether Feishu or Lark grants a connection, and whether the address that it names can be reached.
async fn grant(what: String, question: &Question, way: &Egress, findings: &mut Findings) {
    let credentials = AppCredentials {
        app_id: &question.app_id,
        app_secret: &question.app_secret,
    };
    match endpoint(way, &question.base, credentials, DEADLINE).await {
        Ok(granted) => {
            let opens = format!("grants a connection and opens it at {}", host(&granted.url));
            open(what, question.platform, &granted.url, way, opens, findings).await;
        }
        Err(error) => {
            let fix = setback::of_endpoint(&error).next_step();
            findings.bad(what, chain(&error), fix);
        }
    }
}

/// Whether WeCom can be reached; what comes after is not tried.
async fn reach(what: String, question: &Question, way: &Egress, findings: &mut Findings) {
    const OPENS: &str = "opens a connection; the bot's id and secret are not tried, because subscribing would end the \
                         connection that the bot has";
    match ConnectionUrl::parse(question.base.as_str()) {
        Ok(url) => {
            open(
                what,
                question.platform,
                &url,
                way,
                OPENS.to_owned(),
                findings,
            )
            .await
        }
        Err(error) => findings.bad(what, chain(&error), Setback::AddressRefused.next_step()),
    }
}

/// Whether a connection opens at this address.
async fn open(
    what: String,
    platform: Platform,
    url: &ConnectionUrl,
    way: &Egress,
    opens: String,
    findings: &mut Findings,
) {
    match dial(way, url, DEADLINE).await {
        // Closed by dropping it. WeCom's has not subscribed, so nobody misses it. Feishu may have chosen it for an event
        // in this moment; without an ACK that event comes again on another connection, 15 s later.
        Ok(_unused) => findings.good(what, opens),
        Err(error) => {
            let fix = setback::of_dial(platform, &error).next_step();
            let finding = format!("{} does not open: {}", host(url), chain(&error));
            findings.bad(what, finding, fix);
        }
    }
}

/// Where a connection leads, without its credentials.
fn host(url: &ConnectionUrl) -> String {
    let url = url.expose();
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

fn declared(loaded: &Loaded) -> Vec<Question> {
    let sections = loaded.config.installations.iter();
    // Those whose secret or proxy cannot be had are told already, and nothing goes out for them.
    let questions = sections.filter_map(|section| {
        let credentials = section.credentials().ok()?;
        let proxy = section.proxy.as_ref();
        let proxy = proxy.map(|proxy| proxy.policy(&loaded.directory));
        Some(Question {
            name: section.name.to_string(),
            platform: section.platform(),
            app_id: credentials.id.to_owned(),
            app_secret: credentials.secret.resolve_secret(&loaded.directory).ok()?,
            base: section.resolved_base_url(),
            proxy: proxy.transpose().ok()?,
        })
    });
    questions.collect()
}

/// Those added to the store. Opening their secrets takes the store's lock, so not beside a running server.
fn kept(
    loaded: &Loaded,
    settings: &StoreSettings,
    findings: &mut Findings,
) -> Result<Vec<Question>, OpenError> {
    Reader::open(settings)?;
    let store = Store::open(settings)?;
    let mut questions = Vec::new();
    for record in store.reader().installations().unwrap_or_default() {
        if loaded.config.declares(&record.name) {
            continue;
        }
        match question(&store, &record) {
            Ok(question) => questions.push(question),
            Err((finding, setback)) => findings.bad(
                format!("platform for {}", record.name),
                finding,
                setback.next_step(),
            ),
        }
    }
    Ok(questions)
}

/// What is asked for an added installation, or why nothing can be: something that cannot be read is not left out.
fn question(store: &Store, record: &InstallationRecord) -> Result<Question, (String, Setback)> {
    let app_secret = store
        .open_secret(record)
        .map_err(|error| (chain(&error), Setback::NoSecret))?;
    let proxy = store
        .open_proxy(record)
        .map_err(|error| (chain(&error), Setback::ProxyUnusable))?
        .map(|proxy| proxy.expose_secret().parse())
        .transpose()
        .map_err(|error: ProxyUrlError| (error.to_string(), Setback::ProxyUnusable))?;
    let base = record.resolved_base_url().map_err(|_| {
        let finding = "its base url is no address".to_owned();
        (finding, Setback::AddressRefused)
    })?;
    Ok(Question {
        name: record.name.to_string(),
        platform: record.platform,
        app_id: record.app_id.clone(),
        app_secret,
        base,
        proxy,
    })
}
