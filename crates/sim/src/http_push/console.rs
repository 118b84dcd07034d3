//! What the developer console of an app knows: its request URLs and its two callback secrets.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::target::{Target, UrlProblem};
use crate::http_ledger::HttpPushKind;
use crate::message::INVENTED_TOKEN;

/// The request URLs of an app and the secrets of its "Encryption Strategy" page. Saving them replaces what was there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestUrls {
    /// Where events go.
    pub events: Option<String>,
    /// Where card callbacks and link previews go; `None` sends them to `events`.
    pub callbacks: Option<String>,
    /// The verification token. `None` is the simulator's own, because the platform's apps always have one.
    pub verification_token: Option<String>,
    /// The encrypt key. `None`: nothing is encrypted, and signatures are made with an empty key.
    pub encrypt_key: Option<String>,
}

impl RequestUrls {
    /// Both kinds at this URL, without encryption.
    pub fn at(url: &str) -> Self {
        Self {
            events: Some(url.to_owned()),
            ..Self::default()
        }
    }

    /// The same with these secrets.
    pub fn with_secrets(mut self, verification_token: &str, encrypt_key: Option<&str>) -> Self {
        self.verification_token = Some(verification_token.to_owned());
        self.encrypt_key = encrypt_key.map(str::to_owned);
        self
    }
}

/// Whether the URLs are asked for a challenge before they are saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UrlCheck {
    /// The `url_verification` request, without signature headers. It is encrypted if there is an encrypt key.
    #[default]
    Challenge,
    /// The same with signature headers.
    SignedChallenge,
    /// None, as if the URLs had been saved earlier.
    Skip,
}

/// Why request URLs were not saved.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UrlNotSaved {
    /// The text is no URL that the platform posts to.
    #[error("{url} cannot be a request URL: {problem}")]
    NotAUrl {
        /// The text.
        url: String,
        /// What is wrong with it.
        problem: UrlProblem,
    },
    /// It was not answered within a second, or the connection failed.
    #[error("{url} did not answer the challenge in time: {reason}")]
    NoAnswer {
        /// The URL.
        url: String,
        /// What happened.
        reason: String,
    },
    /// Another status than 200, or a body without the challenge.
    #[error("{url} answered the challenge with status {status} and {answer}")]
    WrongAnswer {
        /// The URL.
        url: String,
        /// Status of the answer.
        status: u16,
        /// Its body, cut.
        answer: String,
    },
}

/// The saved state of an app's console.
#[derive(Debug)]
pub(crate) struct Console {
    pub(crate) events: Option<Arc<Target>>,
    pub(crate) callbacks: Option<Arc<Target>>,
    pub(crate) verification_token: String,
    pub(crate) encrypt_key: Option<String>,
    /// SHA-256 of the encrypt key, which is the key of the cipher.
    pub(crate) cipher_key: Option<[u8; 32]>,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            events: None,
            callbacks: None,
            verification_token: INVENTED_TOKEN.to_owned(),
            encrypt_key: None,
            cipher_key: None,
        }
    }
}

impl Console {
    pub(crate) fn of(urls: &RequestUrls) -> Result<Self, UrlNotSaved> {
        let target = |url: &Option<String>| match url.as_deref() {
            None => Ok(None),
            Some(url) => match Target::parse(url) {
                Ok(target) => Ok(Some(Arc::new(target))),
                Err(problem) => Err(UrlNotSaved::NotAUrl {
                    url: url.to_owned(),
                    problem,
                }),
            },
        };
        let events = target(&urls.events)?;
        let callbacks = target(&urls.callbacks)?;
        // An empty key in the console means none.
        let encrypt_key = urls.encrypt_key.clone().filter(|key| !key.is_empty());
        Ok(Self {
            callbacks: callbacks.or_else(|| events.clone()),
            events,
            verification_token: urls
                .verification_token
                .clone()
                .unwrap_or_else(|| INVENTED_TOKEN.to_owned()),
            cipher_key: encrypt_key.as_deref().map(super::sealed::cipher_key),
            encrypt_key,
        })
    }

    /// Where pushes of this kind go.
    pub(crate) fn target(&self, kind: HttpPushKind) -> Option<&Arc<Target>> {
        match kind {
            HttpPushKind::Event => self.events.as_ref(),
            HttpPushKind::Card | HttpPushKind::OldCard => self.callbacks.as_ref(),
        }
    }

    /// The token that stands in the events of the app.
    pub(crate) fn verification_token(&self) -> &str {
        &self.verification_token
    }
}
