//! What the fleet's handle can do about new secrets.

use super::Fleet;
use crate::installation::TrySecret;
use crate::try_secret::{SecretTried, TrySecretError};
use longwire_installation::{InstallationId, PresentSecret};
use longwire_link::State;
use std::time::Duration;
use tokio::sync::oneshot;

/// The longest time until a try has an end: its turn among other bots, the bootstrap or the dial, the subscription, and the
/// store. After it the try goes on, and the bot's view says what came of it.
const LONGEST: Duration = Duration::from_secs(60);

impl Fleet {
    /// Tries the new secret that waits for a bot, now, and answers once the store has what came of it.
    ///
    /// A bot of WeCom subscribes with it on a second connection. If the platform takes it, it ends the first connection, and
    /// with that the streams under way; if it does not, the first connection serves as before. Bots of Feishu and Lark try a
    /// new secret by themselves, without a gap; for them this only waits.
    ///
    /// # Errors
    /// Why the new secret is not in use.
    pub async fn try_secret(&self, id_or_name: &str) -> Result<SecretTried, TrySecretError> {
        let entry = (self.bots.find(id_or_name)).ok_or(TrySecretError::UnknownInstallation)?;
        let Some(installation) = entry.installation else {
            let state = entry.bot.state().label();
            return Err(TrySecretError::NotConnected { state });
        };
        let (tell, told) = oneshot::channel();
        installation.send(TrySecret(tell));
        match tokio::time::timeout(LONGEST, told).await {
            Ok(Ok(told)) => told,
            // The installation ended.
            Ok(Err(_)) => Err(TrySecretError::GivenUp),
            Err(_) => Err(TrySecretError::TimedOut),
        }
    }

    /// How a bot fares with the secret it has, which decides what becomes of a new one.
    #[must_use]
    pub fn present_secret(&self, id: InstallationId) -> PresentSecret {
        let bot = self.bots.get(id).map(|entry| entry.bot);
        match bot.map(|bot| bot.state()) {
            // The platform refused it, another program has the bot, or nobody runs it.
            None | Some(State::Refused { .. } | State::Displaced { .. } | State::Stopped) => {
                PresentSecret::NotInUse
            }
            Some(_) => PresentSecret::InUse,
        }
    }
}
