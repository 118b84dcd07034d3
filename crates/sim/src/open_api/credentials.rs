//! The credentials `c-…` of clicks, with which a card can be changed twice within half an hour.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

const LIFETIME: Duration = Duration::from_secs(30 * 60);
const USES: u32 = 2;
/// Most credentials that are kept; the oldest are dropped.
const CREDENTIALS_KEPT: usize = 10_000;

/// A click that may change its card.
#[derive(Clone, Debug)]
pub(crate) struct Credential {
    pub(crate) app: String,
    pub(crate) message_id: String,
    /// Which click of the message it is: when it was made.
    pub(crate) clicked_ms: u64,
    born: Instant,
    uses: u32,
    pub(crate) answered: Answered,
}

/// Whether the click was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    Yes,
    NotYet,
}

/// Why a credential changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    Unknown,
    OtherApp,
    /// The click has to be answered first.
    NotYet,
    Expired,
    UsedUp,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    all: HashMap<String, Credential>,
    order: VecDeque<String>,
}

impl Credentials {
    pub(crate) fn give(
        &mut self,
        token: &str,
        app: &str,
        message_id: &str,
        (born, clicked_ms): (Instant, u64),
    ) {
        let credential = Credential {
            app: app.to_owned(),
            message_id: message_id.to_owned(),
            clicked_ms,
            born,
            uses: 0,
            answered: Answered::NotYet,
        };
        self.all.insert(token.to_owned(), credential);
        self.order.push_back(token.to_owned());
        if self.order.len() > CREDENTIALS_KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
    }

    /// The click was answered. Returns its message and when it was made.
    pub(crate) fn answer(&mut self, token: &str) -> Option<(String, u64)> {
        let credential = self.all.get_mut(token)?;
        credential.answered = Answered::Yes;
        Some((credential.message_id.clone(), credential.clicked_ms))
    }

    /// Uses it once. Returns its message.
    pub(crate) fn spend(
        &mut self,
        token: &str,
        app: &str,
        now: Instant,
    ) -> Result<String, Unusable> {
        let credential = self.all.get_mut(token).ok_or(Unusable::Unknown)?;
        if credential.app != app {
            return Err(Unusable::OtherApp);
        }
        if credential.answered == Answered::NotYet {
            return Err(Unusable::NotYet);
        }
        if now.saturating_duration_since(credential.born) >= LIFETIME {
            return Err(Unusable::Expired);
        }
        if credential.uses >= USES {
            return Err(Unusable::UsedUp);
        }
        credential.uses += 1;
        Ok(credential.message_id.clone())
    }
}
