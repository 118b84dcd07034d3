//! Looking something up at a bot's platform. It needs no connection of the bot.

use super::Fleet;
use crate::lookup::{BotLookupError, LookUp, LookupTeller};
use longwire_installation::InstallationId;
use longwire_wire::view::FoundMessage;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::oneshot;

/// Beyond the longest time that the calls take, an actor on the way is stuck.
const SLACK: Duration = Duration::from_secs(5);

impl Fleet {
    /// A message that the bot may see, by the platform's id.
    ///
    /// # Errors
    /// Why it is not known.
    pub async fn look_up_message(
        &self,
        bot: InstallationId,
        message_id: &str,
    ) -> Result<FoundMessage, BotLookupError> {
        let message_id = message_id.to_owned();
        let question = |teller| LookUp::Message { message_id, teller };
        self.look_up(bot, question).await
    }

    /// The name of a person, by the `open_id` under which the bot's app knows them.
    ///
    /// # Errors
    /// Why it is not known.
    pub async fn look_up_person(
        &self,
        bot: InstallationId,
        open_id: &str,
    ) -> Result<String, BotLookupError> {
        let open_id = open_id.to_owned();
        let question = |teller| LookUp::Person { open_id, teller };
        self.look_up(bot, question).await
    }

    async fn look_up<T>(
        &self,
        bot: InstallationId,
        question: impl FnOnce(LookupTeller<T>) -> LookUp,
    ) -> Result<T, BotLookupError> {
        let entry = self.bots.get(bot);
        let entry = entry.ok_or(BotLookupError::UnknownInstallation)?;
        if self.context.draining.load(Relaxed) {
            return Err(BotLookupError::NotRunning { state: "draining" });
        }
        let Some(installation) = &entry.installation else {
            let state = entry.bot.state().label();
            return Err(BotLookupError::NotRunning { state });
        };
        let (teller, told) = oneshot::channel();
        installation.send(question(teller));
        // A call for a token and the lookup, and both again where the token was refused.
        let longest = 4 * self.context.timing.message_call + SLACK;
        match tokio::time::timeout(longest, told).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(BotLookupError::NoAnswer),
        }
    }
}
