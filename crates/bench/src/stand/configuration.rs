//! The configuration of the gateways of a run.

use std::fmt::Write as _;

use super::{Annex, TestStand};

impl TestStand {
    /// Of a gateway with so many installations on the first platform, and all of the second one's.
    pub(super) fn config(&self, installations: u32) -> String {
        let mut text = format!(
            "[server]\nlisten = \"{}\"\nadmin_listen = \"127.0.0.1:0\"\n\
             [connect]\nper_second = {}\n\
             [store]\nurl = {}\n\
             [webhooks]\nallow_networks = [\"loopback\"]\n\
             [log]\nfilter = \"{}\"\n",
            self.api,
            self.per_second,
            toml::Value::from(format!("sqlite:{}", self.store().display())),
            self.log_filter,
        );
        // What a run compares has to be there at its end.
        text += "[retention]\nkeep = \"forever\"\n";
        if let Some(events) = self.keep_events {
            text += &format!("events = {events}\n");
        }
        if let Some(path) = &self.platform.ca_file {
            let path = toml::Value::from(path.display().to_string());
            text += &format!("[tls]\nca_file = {path}\n");
        }
        let own = (1..=installations).map(|number| {
            let identity = self.platform.identity(number);
            (format!("bot-{number}"), identity, &self.platform)
        });
        let annexed = self.annex.iter().flat_map(|annex| {
            (1..=annex.installations).map(|number| {
                let app = Annex::app(number);
                (format!("annex-{number}"), app, &annex.platform)
            })
        });
        for (name, identity, platform) in own.chain(annexed) {
            // Writing to a text cannot fail.
            let _ = write!(
                text,
                "[[installation]]\nname = \"{name}\"\nproxy = \"direct\"\n{}",
                platform.declare(&identity),
            );
            if self.callbacks.is_some() {
                text += "mode = \"both\"\nverification_token = { file = \"bot.token\" }\n\
                         encrypt_key = { file = \"bot.key\" }\n";
            }
        }
        text
    }
}
