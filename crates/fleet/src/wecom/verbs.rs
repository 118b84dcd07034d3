//! What the fleet's handle can do with WeCom's bots: requests and uploads.

use super::request::{Ask, Patience, Reply, Request, RequestError, answer};
use super::upload::{UploadError, UploadFile, UploadRun};
use crate::fleet::Fleet;
use bytestring::ByteString;
use longwire_installation::{InstallationId, Platform};
use longwire_link::{Generation, RequestLimits, State, UploadStep};
use longwire_wire::wecom::check_body;
use longwire_wire::wecom::media::upload::Uploaded;
use tokio::sync::oneshot;

impl Fleet {
    /// Asks a bot's platform something over the bot's own connection, and waits for what it says.
    ///
    /// # Errors
    /// When there is no answer; [`RequestError`] tells whether anything was sent.
    pub async fn request(&self, id_or_name: &str, request: Request) -> Result<Reply, RequestError> {
        let entry = self.bots.find(id_or_name);
        let bot = entry.ok_or(RequestError::UnknownInstallation)?.bot;
        if bot.platform() != Platform::Wecom {
            return Err(RequestError::NoRequests);
        }
        check_body(request.command, &request.body).map_err(RequestError::Body)?;
        self.ask(bot.id, request, None).await
    }

    /// Whether something could be asked of a bot's platform now: for whoever has much to prepare.
    ///
    /// # Errors
    /// Why it would not even be sent.
    pub fn may_request(&self, id_or_name: &str) -> Result<(), RequestError> {
        let entry = self.bots.find(id_or_name);
        let bot = entry.ok_or(RequestError::UnknownInstallation)?.bot;
        if bot.platform() != Platform::Wecom {
            return Err(RequestError::NoRequests);
        }
        match bot.state() {
            State::Live { .. } => Ok(()),
            state => Err(RequestError::not_connected(&state)),
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
        let (tell, told) = oneshot::channel();
        let (take, taken) = oneshot::channel();
        let ask = Ask {
            command: request.command,
            req_id: request.req_id.map(ByteString::from),
            body: request.body,
            over,
            tell,
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
        let limits = RequestLimits::from(&**self.shared.timing(Platform::Wecom));
        answer(taken, told, Patience::of(&limits)).await
    }
}
