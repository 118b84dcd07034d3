//! One call: it waits for its turn, is made with the bot's own token, and what comes of it is counted.
//!
//! ```text
//! turn ─▶ token ─▶ platform ─▶ answer ─┬─ token refused: another token, once more
//!   ▲                                  ├─ too often: wait as long as it says, once more
//!   └──────────────────────────────────┘
//! ```
//! A call is made again only where the platform said that it did nothing, and only if its body was kept.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use longwire_egress::{
    Egress, HeaderMap, HeaderValue, Method, Progress, StreamedRequest, StreamingError,
    StreamingLimits,
};
use longwire_platform::feishu::{CallingApp as PlatformApp, NoSecretError, TenantToken};
use longwire_wire::open_api::{code, message_code};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::answer::Answer;
use super::body::CallBody;
use super::budgets::{BudgetKey, CallShape};
use super::caller::{ActsAs, CallingApp};
use super::failure::{Failing, interrupted, settings_wrong};
use super::reply::OwnAnswer;
use super::target::Target;
use super::thread::ThreadProxy;
use super::turns::PATIENCE;
use super::{headers, redaction};

/// How often a call is made because the platform said that it came too early.
const TRIES: usize = 3;
/// How long a chat rests that had too many messages. The platform does not say; its limit is per second.
const CHAT_PAUSE: Duration = Duration::from_secs(1);

/// A call that is being made.
pub(crate) struct Call<'a> {
    pub(crate) thread: &'a ThreadProxy,
    pub(crate) caller: &'a CallingApp,
    pub(crate) method: &'a Method,
    pub(crate) target: &'a Target,
    pub(crate) template: &'a str,
    pub(crate) headers: &'a HeaderMap,
}

/// An answer, and what must not be in it.
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    secret: SecretString,
}

impl Answered {
    pub(crate) fn into_response(self) -> HttpResponse {
        self.answer.into_response(self.secret)
    }
}

/// With what a call is made.
struct Credentials {
    /// The value of `Authorization`.
    authorization: SecretString,
    /// The bot's token, which another one may replace.
    tenant: Option<TenantToken>,
}

impl Call<'_> {
    /// Makes the call.
    pub(crate) async fn make(&self, mut body: CallBody) -> Result<Answered, OwnAnswer> {
        self.refuse_our_token(&body)?;
        let bot = &self.caller.bot;
        let base = bot.resolved_base_url();
        let base = base.map_err(|error| settings_wrong(&error.to_string()))?;
        let egress = self
            .thread
            .egress_of(bot)
            .map_err(|why| settings_wrong(&why))?;
        let prefix = base.path().trim_end_matches('/');
        let target = format!("{prefix}{}", self.target.as_str());
        let needs = self.needs(&body);
        let mut last: Option<Answered> = None;
        let mut has_new_token = false;
        for tried in 1..=TRIES {
            let turn = (self.thread.shared.turns)
                .turn(bot.public_id, self.caller.grant.token, needs.clone())
                .await;
            if let Err(refusal) = turn {
                // What the platform said is better than what we say in its place.
                return last.ok_or_else(|| OwnAnswer::rate(&refusal));
            }
            let with = self.credentials(&egress, &base).await?;
            let Some(sent) = body.take() else {
                break;
            };
            let request = StreamedRequest {
                method: self.method.clone(),
                base: &base,
                target: &target,
                headers: self.sent_headers(&with)?,
                body: sent,
            };
            let answered = self.ask(&egress, request, &with).await?;
            let code = answered.answer.code();
            let is_kept = body.is_kept();
            if code.is_some_and(|code| code::STALE_TOKEN.contains(&code))
                && let Some(tenant) = &with.tenant
            {
                self.evict(&egress, &base, tenant);
                if is_kept && !has_new_token {
                    has_new_token = true;
                    last = Some(answered);
                    continue;
                }
            }
            let pause = self.learn(&answered.answer, &needs);
            if pause.is_none_or(|pause| pause > PATIENCE) || !is_kept || tried == TRIES {
                return Ok(answered);
            }
            last = Some(answered);
        }
        last.ok_or_else(|| interrupted("the call was not finished"))
    }

    async fn ask(
        &self,
        egress: &Egress,
        request: StreamedRequest<'_>,
        with: &Credentials,
    ) -> Result<Answered, OwnAnswer> {
        let limits = self.thread.shared.limits;
        let answer = egress.stream(request, limits).await;
        let answer = answer.map_err(|error| self.failing().no_answer(error))?;
        let authorization = with.authorization.expose_secret();
        let token = authorization
            .strip_prefix("Bearer ")
            .unwrap_or(authorization);
        // A person's token is the caller's own.
        let secret = SecretString::from(if with.tenant.is_some() { token } else { "" });
        let answer = Answer::read(answer, &secret, limits.answer).await;
        let answer = answer.map_err(|source| {
            let progress = Progress::MaybeSent;
            self.failing()
                .no_answer(StreamingError::Egress { source, progress })
        })?;
        Ok(Answered { answer, secret })
    }

    fn failing(&self) -> Failing<'_> {
        Failing {
            bot: &self.caller.bot,
            method: self.method,
            template: self.template,
        }
    }

    /// The budgets that the call takes from.
    fn needs(&self, body: &CallBody) -> Vec<BudgetKey> {
        #[derive(Deserialize)]
        struct Receiver {
            receive_id: Option<String>,
        }
        let bot = self.caller.bot.public_id;
        let segments: Vec<&str> = self.target.segments().collect();
        let receiver = match (self.method == Method::POST, &segments[..], body.kept()) {
            (true, ["im", "v1", "messages", ..], Some(body)) => serde_json::from_slice(body)
                .ok()
                .and_then(|Receiver { receive_id }| receive_id),
            _ => None,
        };
        let chat_of_message = match &segments[..] {
            ["im", "v1", "messages", message, ..] => self.thread.shared.chats.of(bot, message),
            _ => None,
        };
        let shape = CallShape {
            bot,
            method: self.method.as_str(),
            template: self.template,
            segments: &segments,
            receiver: receiver.as_deref(),
            chat_of_message: chat_of_message.as_deref(),
        };
        shape.needs()
    }

    /// Learns from an answer: which chat a message is in, and whether something is used up and for how long.
    fn learn(&self, answer: &Answer, needs: &[BudgetKey]) -> Option<Duration> {
        let shared = &self.thread.shared;
        if let Some(message) = answer.said.as_ref().and_then(|said| said.data.as_ref()) {
            let bot = self.caller.bot.public_id;
            shared
                .chats
                .learn(bot, &message.message_id, &message.chat_id);
        }
        let (key, pause) = match answer.code()? {
            code::RATE_LIMITED => (needs.first()?, answer.wait().unwrap_or(CHAT_PAUSE)),
            message_code::CHAT_RATE_LIMITED => (needs.get(1)?, CHAT_PAUSE),
            _ => return None,
        };
        shared.turns.limited(key, pause);
        Some(pause)
    }

    async fn credentials(&self, egress: &Egress, base: &Url) -> Result<Credentials, OwnAnswer> {
        if let ActsAs::Person(authorization) = &self.caller.acts_as {
            return Ok(Credentials {
                authorization: authorization.clone(),
                tenant: None,
            });
        }
        let open_secret = self.open_secret();
        let app = self.app(egress, base, &open_secret);
        let tenant = self.thread.tokens.token(&app).await;
        let tenant = tenant.map_err(|error| self.failing().no_token(&error))?;
        Ok(Credentials {
            authorization: tenant.authorization(),
            tenant: Some(tenant),
        })
    }

    fn evict(&self, egress: &Egress, base: &Url, tenant: &TenantToken) {
        let open_secret = self.open_secret();
        let app = self.app(egress, base, &open_secret);
        self.thread.tokens.evict(&app, tenant);
    }

    fn open_secret(&self) -> impl Fn() -> Result<SecretString, NoSecretError> {
        || {
            let secret = self.thread.shared.store.open_secret(&self.caller.bot);
            secret.map_err(|error| NoSecretError(error.to_string()))
        }
    }

    fn app<'a>(
        &'a self,
        egress: &'a Egress,
        base: &'a Url,
        open_secret: &'a dyn Fn() -> Result<SecretString, NoSecretError>,
    ) -> PlatformApp<'a> {
        PlatformApp {
            egress,
            base,
            app_id: &self.caller.bot.app_id,
            open_secret,
            deadline: self.thread.shared.limits.connect,
        }
    }

    fn sent_headers(&self, with: &Credentials) -> Result<HeaderMap, OwnAnswer> {
        let mut sent = headers::of_request(self.headers);
        let value = HeaderValue::from_str(with.authorization.expose_secret());
        let mut value = value.map_err(|_| interrupted("the token is no header"))?;
        value.set_sensitive(true);
        sent.insert(actix_web::http::header::AUTHORIZATION, value);
        Ok(sent)
    }

    /// A token of ours is nobody else's business: not in a body that goes to the platform.
    fn refuse_our_token(&self, body: &CallBody) -> Result<(), OwnAnswer> {
        let ours = format!("lw_{}_", self.caller.grant.token);
        match body.kept() {
            Some(kept) if redaction::contains(kept, ours.as_bytes()) => Err(OwnAnswer::own(
                StatusCode::BAD_REQUEST,
                "token_in_body",
                "the body holds a token of longwire, which the platform must not see",
            )),
            _ => Ok(()),
        }
    }
}

/// The deadlines of a call. There is none for the whole: a file takes as long as its transfer goes on.
pub const LIMITS: StreamingLimits = StreamingLimits {
    // The limit that the platforms' other calls have.
    connect: Duration::from_secs(10),
    // The platform answers within seconds; uploads of files take it longer to take in.
    answer: Duration::from_secs(60),
    idle: Duration::from_secs(30),
};
