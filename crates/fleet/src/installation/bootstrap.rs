//! Asks the platform for an endpoint, by the installation's own proxy or everybody's.

use super::Installation;
use crate::access::Access;
use crate::clock::now;
use crate::context::FleetContext;
use crate::line::line;
use crate::setback;
use actix::{ActorFutureExt, AsyncContext, WrapFuture};
use longwire_actor::Context;
use longwire_egress::Egress;
use longwire_installation::Platform;
use longwire_link::{Generation, Setback};
use longwire_platform::feishu::{self, AppCredentials, Endpoint};
use longwire_store::InstallationRecord;
use longwire_wire::endpoint::{ClientConfig, ConnectionUrl};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The platform answered the question for an endpoint, or did not.
struct Bootstrapped;

impl Installation {
    /// The HTTP and WebSocket client of this installation: with its own proxy if it has one, and with its permit for an open
    /// connection.
    pub(super) fn egress(&mut self, generation: Generation) -> Result<Egress, String> {
        let record = self.record_of(generation);
        let egress = line(&self.fleet, &self.arbiter, &record)?;
        Ok(match self.socket_permit_of(generation) {
            Some(permit) => egress.with_permit(permit.clone()),
            None => egress,
        })
    }

    /// Whether it has a permit for an open connection that no earlier connection still uses. A connection that ends keeps
    /// its file open as long as it is read, and the permit counts that file.
    pub(super) fn has_own_permit(&mut self, generation: Generation) -> bool {
        self.socket_permit_of(generation)
            .as_ref()
            .is_some_and(|permit| !permit.is_shared())
    }

    pub(super) fn bootstrap(&mut self, generation: Generation, ctx: &mut Context<Self>) {
        if let Some(config_fault) = self.config_fault.clone() {
            return self.setback(
                generation,
                config_fault.setback,
                config_fault.detail.clone(),
            );
        }
        if !self.has_own_permit(generation) {
            let Some(permit) = self.fleet.open_files.permit() else {
                return self.setback(generation, Setback::TooManyOpenFiles, String::new());
            };
            *self.socket_permit_of(generation) = Some(permit);
        }
        self.fleet.totals.attempts.fetch_add(1, Relaxed);
        if self.record.platform == Platform::Wecom {
            // Its address is known.
            let access = self.wecom_access(generation).map(|access| (access, None));
            return self.bootstrapped(generation, access);
        }
        let asked = self.ask_endpoint(generation);
        ctx.spawn(asked.into_actor(self).map(move |answer, this, ctx| {
            let _working = ctx.working::<Bootstrapped>();
            let answer = answer.map(|endpoint| (Access::Feishu(endpoint.url), endpoint.config));
            this.bootstrapped(generation, answer);
            this.drive(ctx);
        }));
    }

    /// WeCom has one address for all bots. A bot's id and secret are sent over the connection.
    fn wecom_access(&mut self, generation: Generation) -> Result<Access, (Setback, String)> {
        let record = self.record_of(generation);
        let base = (record.resolved_base_url()).map_err(|error| bad_base_url(&error))?;
        let url = ConnectionUrl::parse(base.as_str()).map_err(|error| bad_base_url(&error))?;
        Ok(Access::Wecom {
            url,
            bot_id: record.app_id.clone(),
            secret: open_secret(&self.fleet, &record)?,
        })
    }

    /// Asks the platform. The error says what kept it from giving an endpoint.
    fn ask_endpoint(
        &mut self,
        generation: Generation,
    ) -> impl Future<Output = Result<Endpoint, (Setback, String)>> + use<> {
        let fleet = Arc::clone(&self.fleet);
        let record = self.record_of(generation);
        let egress = self.egress(generation);
        async move {
            let egress = egress.map_err(|detail| (Setback::ProxyUnusable, detail))?;
            // Unsealed for this call and wiped after it.
            let secret = open_secret(&fleet, &record)?;
            let base = (record.resolved_base_url()).map_err(|error| bad_base_url(&error))?;
            let credentials = AppCredentials {
                app_id: &record.app_id,
                app_secret: &secret,
            };
            feishu::endpoint(&egress, &base, credentials, fleet.timing.bootstrap)
                .await
                .map_err(|error| {
                    (
                        setback::of_endpoint(&error),
                        setback::detail_of_endpoint(&error),
                    )
                })
        }
    }

    fn bootstrapped(
        &mut self,
        generation: Generation,
        answer: Result<(Access, Option<ClientConfig>), (Setback, String)>,
    ) {
        match answer {
            Ok((access, config)) => {
                let service = access.service();
                let access = Some(Box::new((generation, access)));
                match self.renewing(generation) {
                    Some(renewing) => {
                        renewing.service = service;
                        renewing.access = access;
                    }
                    None => {
                        self.service = service;
                        self.access = access;
                    }
                }
                let ignored = self
                    .link
                    .handle_bootstrapped(generation, config.as_ref(), now());
                self.note_ignored_settings(ignored);
            }
            Err((setback, detail)) => self.setback(generation, setback, detail),
        }
    }
}

fn open_secret(
    fleet: &FleetContext,
    record: &InstallationRecord,
) -> Result<SecretString, (Setback, String)> {
    let secret = fleet
        .store
        .open_secret(record)
        .map_err(|error| (Setback::NoSecret, setback::chain(&error)))?;
    if secret.expose_secret().is_empty() {
        return Err((Setback::NoSecret, String::new()));
    }
    Ok(secret)
}

fn bad_base_url(error: &dyn std::error::Error) -> (Setback, String) {
    let detail = format!("base_url: {}", setback::chain(error));
    (Setback::AddressRefused, detail)
}
