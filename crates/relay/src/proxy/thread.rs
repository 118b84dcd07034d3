//! What one thread of the listener calls with: its connections, and the platform's tokens of its bots.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use longwire_egress::{Egress, ProxyUrlError};
use longwire_installation::{InstallationId, Revision};
use longwire_platform::feishu::TenantTokens;
use longwire_store::InstallationRecord;
use secrecy::ExposeSecret as _;

use super::OpenApiProxy;

/// Ways out that are kept per thread: of bots with a proxy of their own.
const MOST_WAYS_OUT: usize = 256;

/// What one thread of the listener calls with.
pub(super) struct ThreadProxy {
    pub(super) shared: Arc<OpenApiProxy>,
    pub(super) egress: Egress,
    pub(super) tokens: TenantTokens,
    /// Of bots with a proxy of their own, each as of a change of its row.
    ways_out: RefCell<HashMap<InstallationId, (Revision, Egress)>>,
}

impl ThreadProxy {
    pub(super) fn new(shared: &Arc<OpenApiProxy>) -> Self {
        Self {
            shared: Arc::clone(shared),
            egress: Egress::new(&shared.egress),
            tokens: TenantTokens::default(),
            ways_out: RefCell::default(),
        }
    }

    /// The way out of a bot. The error says why its proxy cannot be used.
    pub(super) fn egress_of(&self, bot: &InstallationRecord) -> Result<Egress, String> {
        if !bot.has_proxy() {
            return Ok(self.egress.clone());
        }
        let mut ways_out = self.ways_out.borrow_mut();
        if let Some((revision, egress)) = ways_out.get(&bot.id)
            && *revision == bot.revision
        {
            return Ok(egress.clone());
        }
        let proxy = self.shared.store.open_proxy(bot);
        let proxy = proxy.map_err(|error| error.to_string())?;
        let Some(proxy) = proxy else {
            return Ok(self.egress.clone());
        };
        let policy = proxy.expose_secret().parse();
        let policy = policy.map_err(|error: ProxyUrlError| error.to_string())?;
        let egress = self.egress.with_proxy(policy);
        if ways_out.len() >= MOST_WAYS_OUT {
            ways_out.clear();
        }
        ways_out.insert(bot.id, (bot.revision, egress.clone()));
        Ok(egress)
    }
}
