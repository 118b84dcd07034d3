//! What the fleet's handle can do with WeCom's bots: requests and uploads.

use super::Fleet;
use super::upload::{UploadError, UploadFile, UploadRun};
use crate::bot::Bot;
use crate::request::{Ask, RawRequest, Reply, Request, RequestError};
use bytestring::ByteString;
use longwire_installation::{InstallationId, Platform};
use longwire_link::session::SessionRequest;
use longwire_link::{Generation, RequestLimits, State, UploadStep};
use longwire_wire::wecom::media::upload::Uploaded;
use longwire_wire::wecom::{Command, check_body};
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// The longest time until the socket has a request. Mailboxes are empty again within milliseconds; what the socket has is
/// answered within the limits of its machine.
const REACH: Duration = Duration::from_secs(5);

impl Fleet {
    /// Asks a bot's platform something over the bot's own connection, and waits for what it says.
    ///
    /// # Errors
    /// When there is no answer; [`RequestError`] tells whether anything was sent.
    pub async fn request(&self, id_or_name: &str, request: Request) -> Result<Reply, RequestError> {
        let bot = self.bot_that_takes_requests(id_or_name)?;
        check_body(request.command, &request.body).map_err(RequestError::Body)?;
        self.admit_request(bot.id, request.command, Some(&request.body))?;
        self.ask(bot.id, request, None).await
    }

    /// Counts a request that people see as a message.
    pub(super) fn admit_request(
        &self,
        bot: InstallationId,
        command: Command,
        body: Option<&RawValue>,
    ) -> Result<(), RequestError> {
        let rate = &self.context.message_rate;
        let admitted = match command {
            Command::RespondMessage | Command::RespondWelcome | Command::Send => match body {
                Some(body) => rate.admit_frame(bot, body),
                None => rate.admit(bot),
            },
            Command::UploadInit => rate.admit(bot),
            Command::RespondUpdate | Command::UploadChunk | Command::UploadFinish => Ok(()),
        };
        admitted.map_err(|too_many| RequestError::MessageRate {
            retry_after: too_many.retry_after,
        })
    }

    /// Whether something could be asked of a bot's platform now: for whoever has much to prepare.
    ///
    /// # Errors
    /// Why it would not even be sent.
    pub fn may_request(&self, id_or_name: &str) -> Result<(), RequestError> {
        let bot = self.bot_that_takes_requests(id_or_name)?;
        let state = bot.state();
        if !matches!(state, State::Live { .. }) {
            return Err(RequestError::not_connected(&state));
        }
        Ok(())
    }

    fn bot_that_takes_requests(&self, id_or_name: &str) -> Result<Arc<Bot>, RequestError> {
        let entry = self.bots.find(id_or_name);
        let bot = entry.ok_or(RequestError::UnknownInstallation)?.bot;
        match bot.platform() {
            Platform::Wecom => Ok(bot),
            Platform::Feishu | Platform::Lark => Err(RequestError::NoRequests),
        }
    }

    /// Has a bot's platform take a file, over the connection the bot has now, and waits until it has it.
    ///
    /// # Errors
    /// Which step failed, and why. The upload is then gone; nobody has seen anything of it.
    pub async fn upload(
        &self,
        id_or_name: &str,
        file: UploadFile,
    ) -> Result<Uploaded, UploadError> {
        let entry = self.bots.find(id_or_name).ok_or(UploadError::Unanswered {
            step: UploadStep::Init,
            error: RequestError::UnknownInstallation,
        })?;
        let admitted = self.context.message_rate.admit(entry.bot.id);
        admitted.map_err(|too_many| UploadError::Unanswered {
            step: UploadStep::Init,
            error: RequestError::MessageRate {
                retry_after: too_many.retry_after,
            },
        })?;
        UploadRun::new(self.clone(), entry.bot.id, file)
            .finish()
            .await
    }

    /// Asks one bot's platform, over the connection of that generation if one is named.
    pub(super) async fn ask(
        &self,
        bot: InstallationId,
        request: Request,
        over: Option<Generation>,
    ) -> Result<Reply, RequestError> {
        let request = RawRequest {
            command: request.command.into(),
            req_id: request.req_id.map(ByteString::from),
            body: Some(request.body),
        };
        self.ask_raw(bot, request, over).await
    }

    /// The same for a request of any name.
    pub(super) async fn ask_raw(
        &self,
        bot: InstallationId,
        request: RawRequest,
        over: Option<Generation>,
    ) -> Result<Reply, RequestError> {
        let (tell, told) = oneshot::channel();
        let (take, taken) = oneshot::channel();
        let RawRequest {
            command,
            req_id,
            body,
        } = request;
        let ask = Ask {
            request: SessionRequest {
                command,
                req_id,
                body,
                over,
                asker: tell,
            },
            taken: take,
        };
        match self.bots.get(bot) {
            // It was removed while somebody asked.
            None => ask.not_connected(&State::Stopped),
            Some(entry) => match entry.installation {
                None => ask.not_connected(&entry.bot.state()),
                Some(installation) => installation.send(ask),
            },
        }
        let limits = RequestLimits::from(&**self.context.timing(Platform::Wecom));
        answer(taken, told, REACH, limits.longest()).await
    }
}

/// Waits for the answer of a request: so long at most until the socket has the request, and so long from then on. After
/// that time an actor on the way is stuck and would never answer.
async fn answer(
    taken: oneshot::Receiver<()>,
    told: oneshot::Receiver<Result<Reply, RequestError>>,
    reach: Duration,
    longest: Duration,
) -> Result<Reply, RequestError> {
    // If the sender was dropped, the request was answered on the way.
    let reached = tokio::time::timeout(reach, taken).await;
    let answered = match reached {
        Ok(_) => tokio::time::timeout(longest, told).await,
        // A socket that gets the request after this sends nothing, because nobody waits for the answer.
        Err(late) => Err(late),
    };
    match answered {
        Ok(told) => told.unwrap_or(Err(RequestError::ConnectionLost)),
        Err(_) => Err(RequestError::TimedOut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Teller;

    /// What the asker is told when this is done with its request.
    async fn heard<T>(treat: impl FnOnce(oneshot::Sender<()>, Teller) -> T) -> RequestError {
        let ((take, taken), (tell, told)) = (oneshot::channel(), oneshot::channel());
        let _kept = treat(take, tell);
        let (reach, longest) = (Duration::from_millis(20), Duration::from_millis(40));
        let answered = answer(taken, told, reach, longest).await;
        answered.expect_err("there is no answer")
    }

    #[actix_rt::test]
    async fn whoever_asks_hears_something_wherever_the_request_is_stuck() {
        let in_a_mailbox = heard(|take, tell| (take, tell)).await;
        assert_eq!(in_a_mailbox, RequestError::TimedOut);
        let in_the_socket = heard(|take, tell| {
            take.send(()).expect("somebody waits");
            tell
        });
        assert_eq!(in_the_socket.await, RequestError::TimedOut);
        let refused_on_the_way = heard(|take, tell| {
            drop(tell.send(Err(RequestError::Displaced)));
            drop(take);
        });
        assert_eq!(refused_on_the_way.await, RequestError::Displaced);
        let dropped = heard(|_, _| ()).await;
        assert_eq!(dropped, RequestError::ConnectionLost);
    }
}
