//! Bots that a gateway finds in its store.

use longwire_installation::{BaseUrl, Desired, Mode, Origin, Platform};
use longwire_sim::Sim;
use longwire_store::NewInstallation;

use super::Gateway;
use crate::platform::{SECRET, app_id};

impl Gateway {
    /// Adds a bot that takes callbacks, with its verification token and encrypt key, while the gateway does not run. Its app
    /// is [`app_id`] of the name.
    ///
    /// # Panics
    /// If the store does not take it.
    #[track_caller]
    pub fn add_callback_bot(
        &self,
        name: &str,
        mode: Mode,
        sim: &Sim,
        [verification_token, encrypt_key]: [&str; 2],
    ) {
        let store = self.store();
        let base_url = BaseUrl::parse(Platform::Feishu, &sim.base_url(), &[]);
        let added = store.add_installation(NewInstallation {
            name: name.parse().expect("a name"),
            platform: Platform::Feishu,
            app_id: app_id(name),
            app_secret: SECRET.into(),
            base_url: Some(base_url.expect("loopback may be plain")),
            proxy: None,
            mode,
            verification_token: Some(verification_token.into()),
            encrypt_key: Some(encrypt_key.into()),
            take_back: None,
            desired: Desired::Run,
            origin: Origin::Cli,
            space: Default::default(),
        });
        added.expect("the store takes a bot");
    }
}
