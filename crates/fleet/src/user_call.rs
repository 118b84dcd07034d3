//! What a bot asks its platform about a person's tokens.

use std::time::Duration;

use actix::Message;
use longwire_platform::feishu::{CallingApp, UserTokenError, UserTokens, user_tokens};
use secrecy::SecretString;
use tokio::sync::oneshot;

/// How often a call is made that the platform asks to be made again (20050, 20072).
const TRIES: usize = 3;
/// The pause before.
const PAUSE: Duration = Duration::from_millis(500);

/// Why a bot did not ask, or has no tokens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserCallError {
    /// WeCom has no such call.
    #[error("only bots of Feishu and Lark act for people")]
    OtherPlatform,
    /// The bot is stopped, or the process drains.
    #[error("the bot asks nothing (it is {state})")]
    NotRunning { state: &'static str },
    /// The base URL or the proxy of the bot cannot be used.
    #[error("the bot's settings cannot be used: {0}")]
    Settings(String),
    /// The installation ended before it had an answer, or is stuck. What was to be spent may be.
    #[error("the call was given up before the platform answered")]
    NoAnswer,
    /// The platform gave none.
    #[error(transparent)]
    Platform(#[from] UserTokenError),
}

/// Tokens, and whose they are.
#[derive(Debug)]
pub(crate) struct GivenTokens {
    pub(crate) tokens: UserTokens,
    /// The person, of tokens that a code gave.
    pub(crate) open_id: Option<String>,
}

/// What is asked.
pub(crate) enum UserCall {
    /// The tokens of a code, and whose they are.
    Exchange {
        code: String,
        redirect_uri: String,
        code_verifier: SecretString,
    },
    /// New tokens for a refresh token.
    Refresh { refresh_token: SecretString },
}

/// Where the outcome goes.
pub(crate) type UserCallTeller = oneshot::Sender<Result<GivenTokens, UserCallError>>;

/// Ask the platform this. From the fleet's handle, once per call; it is made although nobody waits any more, because it spends
/// what it is made with.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct AskUserTokens {
    pub(crate) call: UserCall,
    pub(crate) teller: UserCallTeller,
}

impl UserCall {
    /// Makes the call.
    pub(crate) async fn make(&self, app: &CallingApp<'_>) -> Result<GivenTokens, UserTokenError> {
        let mut tries = 1;
        loop {
            match self.make_once(app).await {
                Err(UserTokenError::Busy { .. }) if tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn make_once(&self, app: &CallingApp<'_>) -> Result<GivenTokens, UserTokenError> {
        match self {
            Self::Exchange {
                code,
                redirect_uri,
                code_verifier,
            } => {
                let tokens = user_tokens::exchange(app, code, redirect_uri, code_verifier).await?;
                let open_id = user_tokens::open_id_of(app, &tokens.access_token).await?;
                Ok(GivenTokens {
                    tokens,
                    open_id: Some(open_id),
                })
            }
            Self::Refresh { refresh_token } => Ok(GivenTokens {
                tokens: user_tokens::refresh(app, refresh_token).await?,
                open_id: None,
            }),
        }
    }
}
