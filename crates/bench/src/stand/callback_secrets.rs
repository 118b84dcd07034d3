//! HTTP callbacks beside the long connections of a run: the installations take both, and the platform has their URLs.

use longwire_sim::RequestUrls;

use super::{GatewayProcess, TestStand};
use crate::error::BenchError;

/// What the callbacks of a run are checked and decrypted with. It protects nothing.
#[derive(Debug, Clone)]
pub(crate) struct CallbackSecretTexts {
    pub(super) verification_token: String,
    pub(super) encrypt_key: String,
}

impl Default for CallbackSecretTexts {
    fn default() -> Self {
        Self {
            verification_token: "token-of-a-measurement".to_owned(),
            encrypt_key: "key-of-a-measurement".to_owned(),
        }
    }
}

impl TestStand {
    /// Lets the installations of gateways that are started from now on take HTTP callbacks too.
    pub(crate) fn take_callbacks(&mut self) {
        self.callbacks = Some(CallbackSecretTexts::default());
    }

    /// Saves the URLs of so many installations at the platform, which asks each for its challenge.
    pub(crate) async fn save_request_urls(
        &self,
        gateway: &mut GatewayProcess,
        installations: u32,
    ) -> Result<(), BenchError> {
        let Some(secrets) = &self.callbacks else {
            return Ok(());
        };
        let api = gateway.api_url().await?;
        for number in 1..=installations {
            let urls = RequestUrls::at(&format!("{api}/callbacks/feishu/bot-{number}"))
                .with_secrets(&secrets.verification_token, Some(&secrets.encrypt_key));
            self.platform.save_request_urls(number, &urls).await?;
        }
        Ok(())
    }
}
