//! What people agreed to: codes, refresh tokens and access tokens, each for one app and one person.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::OpenApi;
use super::tokens::Caller;

/// For how long a code holds.
const CODE_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// When more access tokens than this were given, those that have ended are forgotten.
const ACCESS_KEPT: usize = 10_000;
/// The code of an access token that nobody was given.
const USER_TOKEN_INVALID: i64 = 99_991_668;
/// The code of an access token that has ended.
const USER_TOKEN_EXPIRED: i64 = 99_991_677;

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
    access: HashMap<String, Access>,
}

/// A person's access token.
#[derive(Debug)]
struct Access {
    app: String,
    person: String,
    until: Instant,
}

impl People {
    /// The app that calls with a person's token, or the code of the refusal.
    pub(super) fn caller(&self, token: &str, now: Instant) -> Result<Caller, i64> {
        let access = self.access.get(token).ok_or(USER_TOKEN_INVALID)?;
        if now >= access.until {
            return Err(USER_TOKEN_EXPIRED);
        }
        Ok(Caller {
            app: access.app.clone(),
            person: Some(access.person.clone()),
        })
    }
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
        if self.people.access.len() >= ACCESS_KEPT {
            let oldest = access_until.checked_sub(CODE_LIFETIME);
            let is_new = |kept: &Access| oldest.is_none_or(|oldest| kept.until >= oldest);
            self.people.access.retain(|_, kept| is_new(kept));
        }
        let given = Access {
            app: agreement.app.clone(),
            person: agreement.person.clone(),
            until: access_until,
        };
        self.people.access.insert(access, given);
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
