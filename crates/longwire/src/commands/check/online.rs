//! Asks the platform for a connection of each installation, as a start would, as far as that costs nothing.
//!
//! Feishu and Lark grant a connection before it is opened, so none is. WeCom grants it to whoever subscribes, and
//! ends the one that the bot has; there a connection is opened and left unused, which tries name, route, TLS and
//! upgrade, and not the bot's id and secret.

use std::time::Duration;

use longwire_egress::{Egress, EgressSettings, ProxyPolicy, UpgradeError};
use longwire_link::Setback;
use longwire_platform::feishu::{Credentials, EndpointError, endpoint};
use longwire_store::{OpenError, Platform, Store, StoreSettings};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::findings::Findings;
use super::platform_url;
use crate::config::Loaded;
use crate::exit::chain;

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
    match kept(settings) {
        Ok(more) => {
            let more: Vec<_> = more.into_iter().filter(|q| questions.iter().all(|d| d.name != q.name)).collect();
            questions.extend(more);
        }
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
        for question in questions {
            let way = match &question.proxy {
                None => egress.clone(),
                Some(policy) => egress.with_proxy(policy.clone()),
            };
            let what = format!("platform for {}", question.name);
            match question.platform {
                Platform::Feishu | Platform::Lark => grant(what, &question, &way, findings).await,
                Platform::Wecom => open(what, &question, &way, findings).await,
            }
        }
    });
}

/// Whether Feishu or Lark grants a connection.
async fn grant(what: String, question: &Question, way: &Egress, findings: &mut Findings) {
    let credentials = Credentials {
        app_id: &question.app_id,
        app_secret: &question.app_secret,
    };
    match endpoint(way, &question.base, credentials, DEADLINE).await {
        Ok(_) => findings.good(what, "grants a connection".to_owned()),
        Err(error) => findings.bad(what, chain(&error), advice(&error)),
    }
}

/// Whether WeCom can be reached; what comes after is not tried.
async fn open(what: String, question: &Question, way: &Egress, findings: &mut Findings) {
    match way.websocket(&question.base, DEADLINE).await {
        // Closed by dropping it: nobody has subscribed, so there is nobody to say goodbye as.
        Ok(_unused) => findings.good(
            what,
            "opens a connection; the bot's id and secret are not tried, because subscribing would end the \
             connection that the bot has"
                .to_owned(),
        ),
        Err(error) => findings.bad(what, chain(&error), advice_on_opening(&error)),
    }
}

fn declared(loaded: &Loaded) -> Vec<Question> {
    let sections = loaded.config.installations.iter();
    // Those whose secret cannot be had are told already.
    let questions = sections.filter_map(|section| {
        let credentials = section.credentials().ok()?;
        Some(Question {
            name: section.name.clone(),
            platform: section.platform(),
            app_id: credentials.id.to_owned(),
            app_secret: credentials.secret.resolve(&loaded.directory).ok()?,
            base: platform_url(
                section.platform(),
                section.base_url.as_ref().map(Url::as_str),
            )?,
            proxy: section
                .proxy
                .as_ref()
                .and_then(|proxy| proxy.policy(&loaded.directory).ok()),
        })
    });
    questions.collect()
}

/// Those added to the store. Opening their secrets takes the store's lock, so not beside a running server.
fn kept(settings: &StoreSettings) -> Result<Vec<Question>, OpenError> {
    Store::open_reader(settings)?;
    let store = Store::open(settings)?;
    let records = store.installations().unwrap_or_default();
    let questions = records.iter().filter_map(|record| {
        let proxy = store
            .open_proxy(record)
            .ok()?
            .map(|proxy| match proxy.expose_secret() {
                "direct" => ProxyPolicy::Direct,
                address => address
                    .parse()
                    .map_or(ProxyPolicy::Direct, ProxyPolicy::Url),
            });
        Some(Question {
            name: record.name.clone(),
            platform: record.platform,
            app_id: record.app_id.clone(),
            app_secret: store.open_secret(record).ok()?,
            base: platform_url(record.platform, record.base_url.as_deref())?,
            proxy,
        })
    });
    Ok(questions.collect())
}

/// What the link's table says of it.
fn advice(error: &EndpointError) -> &'static str {
    match error {
        EndpointError::Code { code, msg } => Setback::of_bootstrap_code(*code, msg).next_step(),
        EndpointError::HttpStatus { status, .. } => Setback::of_http_status(*status).next_step(),
        EndpointError::NotJson => Setback::NotJson.next_step(),
        EndpointError::NoUrl | EndpointError::BadUrl(_) => Setback::NoUrl.next_step(),
        EndpointError::NoSecret => Setback::NoSecret.next_step(),
        EndpointError::Http(_) => Setback::Unreachable.next_step(),
    }
}

fn advice_on_opening(error: &UpgradeError) -> &'static str {
    match error {
        UpgradeError::TimedOut => Setback::HandshakeTimedOut,
        UpgradeError::Unreachable { .. } => Setback::Unreachable,
        UpgradeError::TooManyOpenFiles => Setback::TooManyOpenFiles,
        UpgradeError::ProxyRefused { status } => Setback::ProxyRefused { status: *status },
        UpgradeError::ProxyUnauthorized => Setback::ProxyUnauthorized,
        UpgradeError::Tls { .. } => Setback::TlsFailed,
        UpgradeError::PlainRefused | UpgradeError::BadUrl { .. } => Setback::AddressRefused,
        UpgradeError::Refused(refused) => Setback::HandshakeRefused {
            http: refused.http_status,
            status: None,
        },
        UpgradeError::Protocol { .. } => Setback::ProtocolViolation,
    }
    .next_step()
}
