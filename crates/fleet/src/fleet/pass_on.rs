//! Requests that are passed on as applications made them, and wait for the bot's next connection where it has none.

use super::Fleet;
use crate::clock::now;
use crate::request::{RawRequest, Reply, RequestError};
use longwire_installation::{InstallationId, Platform};
use longwire_link::State;
use longwire_wire::wecom::CommandName;
use std::time::{Duration, Instant};

/// The pause before a request is tried again whose connection ended although the bot still showed as connected.
const AGAIN: Duration = Duration::from_millis(20);

impl Fleet {
    /// Asks a bot's platform something, in an application's own words. While the bot is not connected it waits, until
    /// `until` at most. It is sent at most once: where it may have been sent and the answer is lost, the error says so.
    ///
    /// Messages count as those of [`Fleet::request`] do. The body is not checked: the platform answers for it.
    ///
    /// # Errors
    /// When there is no answer; [`RequestError`] tells whether anything was sent.
    pub async fn pass_on(
        &self,
        bot: InstallationId,
        request: RawRequest,
        until: Instant,
    ) -> Result<Reply, RequestError> {
        let entry = self.bots.get(bot);
        let bot = entry.ok_or(RequestError::UnknownInstallation)?.bot;
        if bot.platform() != Platform::Wecom {
            return Err(RequestError::NoRequests);
        }
        if let CommandName::Known(command) = request.command {
            self.admit_request(bot.id, command, request.body.as_deref())?;
        }
        loop {
            let mut connected = std::pin::pin!(bot.connected());
            // Before the state is read, or a connection made in between would be missed.
            connected.as_mut().enable();
            let state = bot.state();
            let outcome = if matches!(state, State::Live { .. }) {
                self.ask_raw(bot.id, request.clone(), None).await
            } else {
                Err(RequestError::not_connected(&state))
            };
            match &outcome {
                Err(error) if error.is_worth_waiting() && now() < until => {}
                _ => return outcome,
            }
            let pause = if matches!(bot.state(), State::Live { .. }) {
                AGAIN
            } else {
                until.saturating_duration_since(now())
            };
            // Either way it is looked at again: at the end of the time, for the last time.
            drop(tokio::time::timeout(pause, connected).await);
        }
    }
}
