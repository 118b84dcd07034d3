//! How an installation asks its platform for an endpoint, and by which way out.

use super::Installation;
use crate::clock::now;
use crate::setback;
use crate::word::Word;
use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use longwire_egress::{Egress, ProxyPolicy};
use longwire_link::{Generation, Setback};
use longwire_platform::feishu::{self, Credentials, Endpoint, EndpointError};
use longwire_platform::wecom;
use longwire_store::{InstallationRecord, Platform};
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use url::Url;

impl Installation {
    /// The way out for this installation: its own proxy, or everybody's.
    pub(super) fn egress(&self) -> Result<Egress, String> {
        let proxy = self
            .shared
            .store
            .open_proxy(&self.record)
            .map_err(|error| format!("the proxy setting cannot be unsealed: {error}"))?;
        match proxy {
            None => Ok(self.local.egress.clone()),
            Some(proxy) => match proxy.expose_secret() {
                "direct" => Ok(self.local.egress.with_proxy(ProxyPolicy::Direct)),
                url => url
                    .parse()
                    .map(|url| self.local.egress.with_proxy(ProxyPolicy::Url(url)))
                    .map_err(|error| format!("the proxy setting is unusable: {error}")),
            },
        }
    }

    pub(super) fn bootstrap(&mut self, generation: Generation, ctx: &mut Context<Self>) {
        self.shared.totals.attempts.fetch_add(1, Relaxed);
        let asked = self.ask_endpoint();
        ctx.spawn(asked.into_actor(self).map(move |answer, this, ctx| {
            let _working = this.working(Word::Bootstrapped);
            this.bootstrapped(generation, answer);
            this.drive(ctx);
        }));
    }

    /// The platform's answer; no answer at all is an error of our own side.
    fn ask_endpoint(&self) -> impl Future<Output = Result<Endpoint, (Setback, String)>> + use<> {
        let shared = Arc::clone(&self.shared);
        let record = Arc::clone(&self.record);
        let egress = self.egress();
        async move {
            let egress = egress.map_err(|detail| (Setback::AddressRefused, detail))?;
            // Unsealed for this call and gone with it.
            let secret = shared
                .store
                .open_secret(&record)
                .map_err(|error| (Setback::NoSecret, setback::chain(&error)))?;
            let base = base_url(&record)
                .map_err(|error| (Setback::AddressRefused, format!("base_url: {error}")))?;
            let credentials = Credentials {
                app_id: &record.app_id,
                app_secret: &secret,
            };
            feishu::endpoint(&egress, &base, credentials, shared.timing.bootstrap)
                .await
                .map_err(|error| (setback::of_endpoint(&error), detail_of(&error)))
        }
    }

    fn bootstrapped(
        &mut self,
        generation: Generation,
        answer: Result<Endpoint, (Setback, String)>,
    ) {
        match answer {
            Ok(endpoint) => {
                self.endpoint = Some(Box::new((generation, endpoint.url)));
                let rejected =
                    self.link
                        .handle_bootstrapped(generation, endpoint.config.as_ref(), now());
                self.note_rejected(rejected);
            }
            Err((setback, detail)) => self.setback(generation, setback, detail),
        }
    }
}

/// Where the installation's platform is: at the usual place, unless its configuration names another.
fn base_url(record: &InstallationRecord) -> Result<Url, url::ParseError> {
    let usual = match record.platform {
        Platform::Feishu => feishu::FEISHU_BASE_URL,
        Platform::Lark => feishu::LARK_BASE_URL,
        Platform::Wecom => wecom::BASE_URL,
    };
    record.base_url.as_deref().unwrap_or(usual).parse()
}

/// What the platform or the network said, without a secret or a URL; those types cannot be printed.
fn detail_of(error: &EndpointError) -> String {
    match error {
        EndpointError::Code { code, msg } if msg.is_empty() => format!("code {code}"),
        EndpointError::Code { code, msg } => {
            let msg: String = msg.chars().take(200).collect();
            format!("code {code}, {msg}")
        }
        EndpointError::HttpStatus {
            code: Some(code), ..
        } => format!("code {code}"),
        EndpointError::Http(error) => setback::chain(error),
        _ => String::new(),
    }
}
