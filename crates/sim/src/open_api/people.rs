//! What people agreed to: codes, refresh tokens and access tokens, each for one app and one person.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::OpenApi;

/// For how long a code holds.
const CODE_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// What a page asked and a person agreed to.
#[derive(Clone, Debug)]
pub(crate) struct Agreement {
    pub(crate) app: String,
    pub(crate) person: String,
    pub(crate) scope: String,
    pub(crate) redirect_uri: String,
    /// SHA-256 of the code verifier, in base64url.
    pub(crate) challenge: Option<String>,
}

#[derive(Debug)]
struct Spendable {
    agreement: Agreement,
    until: Instant,
    is_spent: bool,
}

/// Codes and tokens of people.
#[derive(Debug, Default)]
pub(crate) struct People {
    codes: HashMap<String, Spendable>,
    refresh: HashMap<String, Spendable>,
    access: HashMap<String, (String, Instant)>,
}

/// Why something cannot be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unspendable {
    Unknown,
    OtherApp,
    Expired,
    Spent,
}

impl OpenApi {
    pub(crate) fn give_code(&mut self, code: String, agreement: Agreement, now: Instant) {
        let code_of = spendable(agreement, now + CODE_LIFETIME);
        self.people.codes.insert(code, code_of);
    }

    pub(crate) fn give_tokens(
        &mut self,
        (access, access_until): (String, Instant),
        refresh: Option<(String, Instant)>,
        agreement: &Agreement,
    ) {
        let person = agreement.person.clone();
        self.people.access.insert(access, (person, access_until));
        if let Some((refresh, until)) = refresh {
            let refresh_of = spendable(agreement.clone(), until);
            self.people.refresh.insert(refresh, refresh_of);
        }
    }

    pub(crate) fn spend_code(
        &mut self,
        app: &str,
        code: &str,
        now: Instant,
    ) -> Result<Agreement, Unspendable> {
        spend(self.people.codes.get_mut(code), app, now)
    }

    pub(crate) fn spend_refresh_token(
        &mut self,
        app: &str,
        token: &str,
        now: Instant,
    ) -> Result<Agreement, Unspendable> {
        spend(self.people.refresh.get_mut(token), app, now)
    }

    /// The person whose access token this is.
    pub(crate) fn person_of(&self, authorization: Option<&str>, now: Instant) -> Option<&str> {
        let token = authorization?.strip_prefix("Bearer ")?;
        let (person, until) = self.people.access.get(token)?;
        (now < *until).then_some(person)
    }
}

fn spendable(agreement: Agreement, until: Instant) -> Spendable {
    Spendable {
        agreement,
        until,
        is_spent: false,
    }
}

fn spend(found: Option<&mut Spendable>, app: &str, now: Instant) -> Result<Agreement, Unspendable> {
    let found = found.ok_or(Unspendable::Unknown)?;
    if found.agreement.app != app {
        return Err(Unspendable::OtherApp);
    }
    if std::mem::replace(&mut found.is_spent, true) {
        return Err(Unspendable::Spent);
    }
    if now >= found.until {
        return Err(Unspendable::Expired);
    }
    Ok(found.agreement.clone())
}
