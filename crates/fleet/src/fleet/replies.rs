//! Saying something in a chat through a bot: over HTTP on Feishu and Lark, over the bot's connection on WeCom.

use super::Fleet;
use crate::bot_index::BotEntry;
use crate::clock::{now, unix_ms};
use crate::installation::OrderReply;
use crate::reply::{ReplyError, ReplyOrder, ReplySent, ReplyTo, WecomCallbackKind};
use crate::request::{Request, RequestError};
use crate::sender::FeishuReply;
use longwire_installation::{InstallationId, Platform};
use longwire_link::{LoopVerdict, SendLimits};
use longwire_wire::wecom::{Command, check_body, code, text_message, text_reply, text_welcome};
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::oneshot;

/// Beyond the longest time that a sender takes, an actor on the way is stuck.
const SLACK: Duration = Duration::from_secs(5);

/// Who has something to say.
#[derive(Clone, Copy)]
enum Speaker {
    Application,
    Gateway,
}

/// A callback of WeCom that is answered.
struct Callback<'a> {
    req_id: &'a str,
    kind: WecomCallbackKind,
    chat_id: Option<&'a str>,
}

impl Fleet {
    /// Has a bot say something, mostly in answer to an event, and waits for what the platform says.
    ///
    /// # Errors
    /// Why it was not sent; [`ReplyError::may_be_sent`] tells whether it may have been.
    pub async fn reply(&self, order: ReplyOrder) -> Result<ReplySent, ReplyError> {
        self.have_said(order, Speaker::Application).await
    }

    /// The same of what longwire itself has to say: it does not count as a message of the bot's applications.
    ///
    /// # Errors
    /// As of [`reply`](Self::reply).
    pub async fn notify(&self, order: ReplyOrder) -> Result<ReplySent, ReplyError> {
        self.have_said(order, Speaker::Gateway).await
    }

    async fn have_said(
        &self,
        order: ReplyOrder,
        speaker: Speaker,
    ) -> Result<ReplySent, ReplyError> {
        let entry = self.bots.get(order.installation);
        let entry = entry.ok_or(ReplyError::UnknownInstallation)?;
        if self.context.draining.load(Relaxed) {
            return Err(ReplyError::NotRunning { state: "draining" });
        }
        let platform = entry.bot.platform();
        match &order.to {
            ReplyTo::FeishuMessage { message_id } if platform != Platform::Wecom => {
                self.admit(&entry, &order, speaker)?;
                let message_id = Some(message_id.clone());
                self.reply_over_http(&entry, order, message_id).await
            }
            ReplyTo::Nothing => {
                self.admit(&entry, &order, speaker)?;
                match platform {
                    Platform::Feishu | Platform::Lark => {
                        self.reply_over_http(&entry, order, None).await
                    }
                    Platform::Wecom => {
                        let chat_id = order.chat.as_str();
                        self.send_over_connection(&order, chat_id).await
                    }
                }
            }
            ReplyTo::WecomCallback {
                req_id,
                kind,
                received_ms,
                chat_id,
            } if platform == Platform::Wecom => {
                let limit_ms = kind.limit().as_millis();
                let age_ms = unix_ms().saturating_sub(*received_ms);
                if u128::try_from(age_ms).is_ok_and(|age_ms| age_ms > limit_ms) {
                    let limit_s = kind.limit().as_secs();
                    return Err(ReplyError::TooLate { limit_s });
                }
                self.admit(&entry, &order, speaker)?;
                let callback = Callback {
                    req_id,
                    kind: *kind,
                    chat_id: chat_id.as_deref(),
                };
                self.reply_over_connection(&order, &callback).await
            }
            ReplyTo::FeishuMessage { .. } | ReplyTo::WecomCallback { .. } => {
                Err(ReplyError::OtherPlatform)
            }
        }
    }

    /// Counts the reply against a loop between bots, and as a message of the bot.
    fn admit(
        &self,
        entry: &BotEntry,
        order: &ReplyOrder,
        speaker: Speaker,
    ) -> Result<(), ReplyError> {
        self.admit_to_chat(entry, order)?;
        match speaker {
            Speaker::Application => {
                let admitted = self.context.message_rate.admit(order.installation);
                admitted.map_err(|too_many| ReplyError::MessageRate {
                    retry_after: too_many.retry_after,
                })
            }
            Speaker::Gateway => Ok(()),
        }
    }

    fn admit_to_chat(&self, entry: &BotEntry, order: &ReplyOrder) -> Result<(), ReplyError> {
        let now = now();
        let guard = self.context.loop_guard.lock();
        let mut guard = guard.unwrap_or_else(PoisonError::into_inner);
        match guard.admit(order.installation, &order.chat, order.answered, now) {
            LoopVerdict::Allowed => Ok(()),
            LoopVerdict::Paused { until, is_first } => {
                let pause_s = until.saturating_duration_since(now).as_secs();
                if is_first {
                    let (installation, chat) = (&entry.bot.public_id, &order.chat);
                    tracing::warn!(
                        name = %entry.bot.record().name,
                        installation,
                        chat,
                        pause_s,
                        "too many replies to bots in one chat; replies there pause"
                    );
                }
                Err(ReplyError::LoopPaused { pause_s, is_first })
            }
        }
    }

    async fn reply_over_http(
        &self,
        entry: &BotEntry,
        order: ReplyOrder,
        message_id: Option<String>,
    ) -> Result<ReplySent, ReplyError> {
        let Some(installation) = &entry.installation else {
            let state = entry.bot.state().label();
            return Err(ReplyError::NotRunning { state });
        };
        let (teller, told) = oneshot::channel();
        installation.send(OrderReply(FeishuReply {
            chat: order.chat,
            message_id,
            text: order.text,
            key: order.key,
            teller,
        }));
        // A try is two calls, and two more where the token was refused.
        let longest = SendLimits::default().patience + 4 * self.context.timing.message_call + SLACK;
        match tokio::time::timeout(longest, told).await {
            Ok(Ok(outcome)) => outcome,
            // The sender ended with the order, or is stuck.
            Ok(Err(_)) | Err(_) => Err(ReplyError::NoAnswer),
        }
    }

    async fn reply_over_connection(
        &self,
        order: &ReplyOrder,
        callback: &Callback<'_>,
    ) -> Result<ReplySent, ReplyError> {
        let (command, body) = match callback.kind {
            WecomCallbackKind::Message => {
                let body = text_reply(order.key.as_str(), &order.text);
                (Command::RespondMessage, body)
            }
            WecomCallbackKind::EnterChat => (Command::RespondWelcome, text_welcome(&order.text)),
        };
        let request = Request {
            command,
            req_id: Some(callback.req_id.to_owned()),
            body,
        };
        let outcome = self.say(order.installation, request).await;
        match callback.chat_id {
            Some(chat_id) if outcome.as_ref().is_err_and(takes_no_reply) => {
                self.send_over_connection(order, chat_id).await
            }
            Some(_) | None => outcome.map(|()| ReplySent {
                message_id: None,
                is_own_message: false,
            }),
        }
    }

    async fn send_over_connection(
        &self,
        order: &ReplyOrder,
        chat_id: &str,
    ) -> Result<ReplySent, ReplyError> {
        let request = Request {
            command: Command::Send,
            req_id: None,
            body: text_message(chat_id, &order.text),
        };
        self.say(order.installation, request).await?;
        Ok(ReplySent {
            message_id: None,
            is_own_message: true,
        })
    }

    async fn say(&self, bot: InstallationId, request: Request) -> Result<(), ReplyError> {
        check_body(request.command, &request.body).map_err(RequestError::Body)?;
        let reply = self.ask(bot, request, None).await?;
        if reply.is_ok() {
            return Ok(());
        }
        Err(ReplyError::Refused {
            code: reply.code,
            message: reply.message,
        })
    }
}

/// Whether nothing was shown for the reply, because the callback's `req_id` takes none any more: it ended with its
/// connection, or the platform never answered an earlier reply under it, so that answers could not be told apart.
fn takes_no_reply(error: &ReplyError) -> bool {
    matches!(
        error,
        ReplyError::Refused {
            code: Some(code::INVALID_REQ_ID),
            ..
        } | ReplyError::Request(RequestError::SpentReqId)
    )
}
