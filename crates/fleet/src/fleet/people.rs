//! People who let an app act for them: begun with a page, finished with its code, refreshed when a token is asked for.
//!
//! ```text
//! begin ─▶ page of the platform ─▶ (code, state) ─▶ finish ─▶ exchange ─▶ whose? ─▶ store ─▶ event
//! token ─▶ store ─▶ still good │ refresh ─▶ store ─▶ token
//! ```
//! A state is bound to the person who was asked, and whoever agreed is compared with that person: else anybody could authorize for
//! somebody else. A refresh token holds for one call: one task at a time refreshes for a person, and what comes is on disk before
//! anybody has it. What was begun is in memory: after a restart the person begins again.

mod error;
mod news;

pub use error::UserAuthorizationError;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use longwire_installation::{InstallationId, Platform};
use longwire_platform::feishu::{AuthorizePage, UserTokens, user_tokens};
use longwire_store::{NewUserAuthorization, UserAuthorizationRecord};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use url::Url;

use self::news::{AuthorizationNews, record};
use super::Fleet;
use crate::clock::{now, unix_ms};
use crate::setback::chain;
use crate::user_authorizations::{Begun, PATIENCE};
use crate::user_call::{AskUserTokens, GivenTokens, UserCall, UserCallError};

/// An access token is replaced when it holds for less than this.
const RENEW_WITHIN_MS: i64 = 5 * 60 * 1_000;
/// Beyond the longest time that the calls take, an actor on the way is stuck.
const SLACK: Duration = Duration::from_secs(10);

/// Where a person is sent, and for how long that is good.
#[derive(Debug)]
pub struct AuthorizationLink {
    /// The page. It holds the state.
    pub url: Url,
    /// Until when the person has to have agreed, in milliseconds since 1970.
    pub until_ms: i64,
}

/// A token with which calls are made for a person.
pub struct UserAccessToken {
    /// The token.
    pub token: SecretString,
    /// Until when it holds, in milliseconds since 1970.
    pub until_ms: i64,
    /// The scopes that were granted, with blanks between.
    pub scopes: String,
}

/// The tokens as they are sealed.
#[derive(Serialize, Deserialize)]
struct KeptTokens {
    access: String,
    refresh: Option<String>,
}

impl Drop for KeptTokens {
    fn drop(&mut self) {
        use secrecy::zeroize::Zeroize as _;
        self.access.zeroize();
        self.refresh.zeroize();
    }
}

impl Fleet {
    /// Begins the authorization of a person, by the `open_id` under which the bot's app knows them. `redirect_uri` is the address
    /// of this gateway that is registered in the console.
    ///
    /// # Errors
    /// The bot cannot act for people.
    pub fn begin_user_authorization(
        &self,
        bot: InstallationId,
        open_id: &str,
        scopes: &[String],
        redirect_uri: &str,
    ) -> Result<AuthorizationLink, UserAuthorizationError> {
        let record = self.record(bot);
        let record = record.ok_or(UserAuthorizationError::UnknownInstallation)?;
        if record.platform == Platform::Wecom {
            return Err(UserAuthorizationError::OtherPlatform);
        }
        let base = record.resolved_base_url();
        let base = base.map_err(|error| UserAuthorizationError::Settings(chain(&error)))?;
        let (state, code_verifier) = (random_text(), SecretString::from(random_text()));
        let challenge = Sha256::digest(code_verifier.expose_secret().as_bytes());
        let page = AuthorizePage {
            app_id: &record.app_id,
            redirect_uri,
            scopes,
            state: &state,
            code_challenge: &URL_SAFE_NO_PAD.encode(challenge),
        };
        let url = user_tokens::authorize_url(&base, &page);
        let now = now();
        let begun = Begun {
            installation: bot,
            open_id: open_id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            code_verifier,
            until: now + PATIENCE,
        };
        let people = &self.context.people;
        people.pending().begin(state, begun, now);
        let patience_ms = i64::try_from(PATIENCE.as_millis()).unwrap_or(i64::MAX);
        let until_ms = unix_ms().saturating_add(patience_ms);
        Ok(AuthorizationLink { url, until_ms })
    }

    /// Finishes what was begun under `state`, with the code that the platform's page gave, or without one where the person did
    /// not agree. The application hears of it by an event, whatever comes of it.
    ///
    /// # Errors
    /// Why there are no tokens.
    pub async fn finish_user_authorization(
        &self,
        bot: InstallationId,
        state: &str,
        code: Option<String>,
    ) -> Result<(), UserAuthorizationError> {
        let begun = self.context.people.pending().take(state, bot, now());
        let begun = begun.ok_or(UserAuthorizationError::UnknownState)?;
        let fleet = self.clone();
        // A code is spent by the call, so it goes on although the person's browser has gone.
        let task = tokio::spawn(async move { fleet.finish(begun, code).await });
        task.await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    async fn finish(
        &self,
        begun: Begun,
        code: Option<String>,
    ) -> Result<(), UserAuthorizationError> {
        let bot = begun.installation;
        let open_id = begun.open_id.clone();
        let outcome = self.exchange(begun, code).await;
        let (news, said) = match &outcome {
            Ok(()) => {
                let detail = "The person agreed. Ask for a token when you need one.".to_owned();
                (AuthorizationNews::Authorized, ("authorized", detail))
            }
            Err(error) => {
                let detail = format!("{error}. Next step: {}.", error.next_step());
                (AuthorizationNews::Failed, (error.label(), detail))
            }
        };
        self.tell(bot, &open_id, news, said);
        outcome
    }

    async fn exchange(
        &self,
        begun: Begun,
        code: Option<String>,
    ) -> Result<(), UserAuthorizationError> {
        let code = code.ok_or(UserAuthorizationError::Denied)?;
        let call = UserCall::Exchange {
            code,
            redirect_uri: begun.redirect_uri,
            code_verifier: begun.code_verifier,
        };
        let GivenTokens { tokens, open_id } = self.user_call(begun.installation, call).await?;
        if open_id.as_ref() != Some(&begun.open_id) {
            return Err(UserAuthorizationError::OtherPerson);
        }
        let turn = self.context.people.turn(begun.installation, &begun.open_id);
        let _turn = turn.lock().await;
        let authorized_ms = unix_ms();
        let kept = new_row(
            begun.installation,
            begun.open_id,
            authorized_ms,
            &tokens,
            None,
        );
        self.put_user_authorization(kept).await?;
        Ok(())
    }

    /// What is kept of a person's authorization; none if the person never agreed.
    ///
    /// # Errors
    /// The store does not tell.
    pub async fn user_authorization(
        &self,
        bot: InstallationId,
        open_id: &str,
    ) -> Result<Option<UserAuthorizationRecord>, UserAuthorizationError> {
        let (store, open_id) = (self.context.store.clone(), open_id.to_owned());
        let read = blocking(move || store.reader().user_authorization(bot, &open_id)).await;
        Ok(read?)
    }

    /// A token with which calls are made for a person, renewed first if it ends soon.
    ///
    /// # Errors
    /// The person has to agree, or agree again; or the platform gives none now.
    pub async fn user_access_token(
        &self,
        bot: InstallationId,
        open_id: &str,
    ) -> Result<UserAccessToken, UserAuthorizationError> {
        let (fleet, open_id) = (self.clone(), open_id.to_owned());
        // A refresh spends a token, so it goes on although whoever asked has gone.
        let task = tokio::spawn(async move { fleet.token_of(bot, &open_id).await });
        task.await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    async fn token_of(
        &self,
        bot: InstallationId,
        open_id: &str,
    ) -> Result<UserAccessToken, UserAuthorizationError> {
        let turn = self.context.people.turn(bot, open_id);
        let _turn = turn.lock().await;
        let kept = self.user_authorization(bot, open_id).await?;
        let kept = kept.ok_or(UserAuthorizationError::Unknown)?;
        if let Some(reason) = kept.ended {
            return Err(UserAuthorizationError::Ended { reason });
        }
        let opened = self.context.store.open_user_tokens(&kept)?;
        let tokens: Option<KeptTokens> = opened
            .as_ref()
            .and_then(|text| serde_json::from_str(text.expose_secret()).ok());
        let tokens = tokens.ok_or(UserAuthorizationError::Unknown)?;
        let left_ms = kept.access_until_ms.saturating_sub(unix_ms());
        let Some(refresh) = tokens.refresh.as_deref() else {
            return match left_ms > 0 {
                true => Ok(access(&tokens, &kept)),
                false => Err(self.end(bot, open_id, "access_expired").await?),
            };
        };
        if left_ms > RENEW_WITHIN_MS {
            return Ok(access(&tokens, &kept));
        }
        let refresh_token = SecretString::from(refresh);
        let call = UserCall::Refresh { refresh_token };
        match self.user_call(bot, call).await {
            Ok(GivenTokens { tokens: new, .. }) => {
                let row = new_row(
                    bot,
                    open_id.to_owned(),
                    kept.authorized_ms,
                    &new,
                    Some(&kept),
                );
                let kept = self.put_user_authorization(row).await?;
                Ok(UserAccessToken {
                    token: new.access_token,
                    until_ms: kept.access_until_ms,
                    scopes: kept.scopes,
                })
            }
            Err(UserCallError::Platform(error)) if error.ends_authorization() => {
                Err(self.end(bot, open_id, error.label()).await?)
            }
            // The old one holds to its end.
            Err(error) if left_ms > 0 => {
                tracing::warn!(error = chain(&error), "a person's token was not renewed");
                Ok(access(&tokens, &kept))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The person has to agree again: the tokens are wiped, and the application hears of it.
    async fn end(
        &self,
        bot: InstallationId,
        open_id: &str,
        why: &'static str,
    ) -> Result<UserAuthorizationError, UserAuthorizationError> {
        let (store, person) = (self.context.store.clone(), open_id.to_owned());
        blocking(move || store.end_user_authorization(bot, &person, why)).await?;
        let error = UserAuthorizationError::Ended {
            reason: why.to_owned(),
        };
        let detail = format!("{error}. Next step: {}.", error.next_step());
        self.tell(bot, open_id, AuthorizationNews::Expired, (why, detail));
        Ok(error)
    }

    /// Forgets what a person agreed to. Returns whether there was something. The platform is not told: the person revokes it
    /// there.
    ///
    /// # Errors
    /// The store did not take it.
    pub async fn remove_user_authorization(
        &self,
        bot: InstallationId,
        open_id: &str,
    ) -> Result<bool, UserAuthorizationError> {
        let turn = self.context.people.turn(bot, open_id);
        let _turn = turn.lock().await;
        let (store, open_id) = (self.context.store.clone(), open_id.to_owned());
        let removed = blocking(move || store.remove_user_authorization(bot, &open_id)).await;
        Ok(removed?)
    }

    async fn put_user_authorization(
        &self,
        row: NewUserAuthorization,
    ) -> Result<UserAuthorizationRecord, UserAuthorizationError> {
        let store = self.context.store.clone();
        Ok(blocking(move || store.put_user_authorization(row)).await?)
    }

    async fn user_call(
        &self,
        bot: InstallationId,
        call: UserCall,
    ) -> Result<GivenTokens, UserCallError> {
        let entry = self.bots.get(bot);
        let installation = entry.as_ref().and_then(|entry| entry.installation.as_ref());
        let Some(installation) = installation else {
            let state = entry.map_or("removed", |entry| entry.bot.state().label());
            return Err(UserCallError::NotRunning { state });
        };
        let (teller, told) = oneshot::channel();
        installation.send(AskUserTokens { call, teller });
        // Two calls, three times.
        let longest = 6 * self.context.timing.message_call + SLACK;
        match tokio::time::timeout(longest, told).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(UserCallError::NoAnswer),
        }
    }

    fn tell(
        &self,
        bot: InstallationId,
        open_id: &str,
        news: AuthorizationNews,
        said: (&'static str, String),
    ) {
        if let Some(entry) = self.bots.get(bot) {
            record(&self.context.writer, &entry.bot, open_id, news, said);
        }
    }
}

fn access(tokens: &KeptTokens, kept: &UserAuthorizationRecord) -> UserAccessToken {
    UserAccessToken {
        token: SecretString::from(tokens.access.as_str()),
        until_ms: kept.access_until_ms,
        scopes: kept.scopes.clone(),
    }
}

/// The row of these tokens. Of renewed tokens what the answer leaves out is as it was.
fn new_row(
    bot: InstallationId,
    open_id: String,
    authorized_ms: i64,
    tokens: &UserTokens,
    before: Option<&UserAuthorizationRecord>,
) -> NewUserAuthorization {
    let until = |life: Duration| {
        let life_ms = i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
        unix_ms().saturating_add(life_ms)
    };
    let refresh = tokens.refresh_token.as_ref();
    let kept = KeptTokens {
        access: tokens.access_token.expose_secret().to_owned(),
        refresh: refresh.map(|token| token.expose_secret().to_owned()),
    };
    let text = serde_json::to_string(&kept).expect("texts are always JSON");
    let scopes = match (tokens.scopes.is_empty(), before) {
        (true, Some(before)) => before.scopes.clone(),
        (true, None) | (false, _) => tokens.scopes.join(" "),
    };
    NewUserAuthorization {
        installation: bot,
        open_id,
        scopes,
        authorized_ms,
        access_until_ms: until(tokens.expires_in),
        refresh_until_ms: refresh.map(|_| until(tokens.refresh_expires_in)),
        tokens: SecretString::from(text),
    }
}

/// 43 characters of 256 random bits: enough for a state, and the least for a code verifier.
fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// Does what may wait for a disk. A panic there is the caller's.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}
