//! Asks the platform for a connection of each installation, as a start would, and opens none.

use std::time::Duration;

use longwire_egress::{Egress, EgressSettings, ProxyPolicy};
use longwire_link::Setback;
use longwire_platform::feishu::{Credentials, EndpointError, endpoint};
use longwire_store::{OpenError, Store, StoreSettings};
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
            let credentials = Credentials {
                app_id: &question.app_id,
                app_secret: &question.app_secret,
            };
            let way = question
                .proxy
                .map_or_else(|| egress.clone(), |policy| egress.with_proxy(policy));
            let what = format!("platform for {}", question.name);
            match endpoint(&way, &question.base, credentials, DEADLINE).await {
                Ok(_) => findings.good(what, "grants a connection".to_owned()),
                Err(error) => findings.bad(what, chain(&error), advice(&error)),
            }
        }
    });
}

fn declared(loaded: &Loaded) -> Vec<Question> {
    let sections = loaded.config.installations.iter();
    // Those whose secret cannot be had are told already.
    let questions = sections.filter_map(|section| {
        Some(Question {
            name: section.name.clone(),
            app_id: section.app_id.clone(),
            app_secret: section.app_secret.resolve(&loaded.directory).ok()?,
            base: platform_url(
                section.platform.into(),
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
