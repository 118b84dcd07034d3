//! Which bot an application means, and whether its token may have it.
//!
//! An application has a token of ours where its SDK wants the app's secret. Whatever is wrong with it, the answer is one and the
//! same, so that nobody learns which bots there are; the cause is counted and kept for the operator.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use longwire_access::{Grant, Scope, TokenId, TokenText};
use longwire_installation::{Desired, Platform};
use longwire_listener::{AccessCheck, PresentedRefusal, RouteClass};
use longwire_store::InstallationRecord;

use crate::clock::unix_ms;
use crate::refusals::{RefusalCause, RefusedConnection, shown};
use crate::relay::Relay;

/// Who asks to be let in, as far as it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Visitor {
    /// Where the request came from.
    pub(crate) peer: Option<SocketAddr>,
    /// `User-Agent`, shortened.
    pub(crate) agent: Option<String>,
}

impl Visitor {
    pub(crate) fn new(peer: Option<SocketAddr>, agent: Option<&str>) -> Self {
        Self {
            peer,
            agent: agent.map(shown),
        }
    }
}

/// Who was let in.
pub(crate) struct Admitted {
    pub(crate) hold: Arc<TokenHold>,
    pub(crate) grant: Grant,
    pub(crate) bot: Arc<InstallationRecord>,
}

/// What a refused client hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The same for a wrong token, a real secret, a bot of others.
    Wrong,
    /// It may be let in later.
    NotYet,
}

/// A token that was admitted, for as long as its connection lasts.
pub(crate) struct TokenHold {
    text: TokenText,
    access: AccessCheck,
}

impl TokenHold {
    /// Whether the token is valid still. A look into memory.
    pub(crate) fn is_still_admitted(&self) -> bool {
        self.access.still_admits(&self.text)
    }

    pub(crate) fn id(&self) -> TokenId {
        self.text.id()
    }
}

impl fmt::Debug for TokenHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

/// Lets an application in that names one of these platforms' apps and has a token of the scope `relay` for it.
///
/// Of several bots of one app the token has the first that is to be connected.
pub(crate) fn admit(
    relay: &Relay,
    app_id: &str,
    secret: &str,
    visitor: &Visitor,
    is_platform: impl Fn(Platform) -> bool,
) -> Result<Admitted, Refused> {
    if relay.draining.has_begun() {
        return Err(refuse(
            relay,
            visitor,
            RefusalCause::Draining,
            Some(app_id),
            None,
        ));
    }
    let admitted = (relay.access).admit_presented(secret, Scope::Relay, RouteClass::Stream);
    let (text, grant) = admitted.map_err(|refusal| {
        let (cause, token) = of_presented(refusal);
        refuse(relay, visitor, cause, Some(app_id), token)
    })?;
    let mut bots = relay.fleet.records_of_app(app_id);
    bots.retain(|bot| is_platform(bot.platform) && grant.sees(&bot.space, bot.public_id));
    let wanted = bots.iter().position(|bot| bot.desired == Desired::Run);
    if bots.is_empty() {
        let cause = RefusalCause::NoSuchBot;
        return Err(refuse(
            relay,
            visitor,
            cause,
            Some(app_id),
            Some(grant.token),
        ));
    }
    Ok(Admitted {
        hold: Arc::new(TokenHold {
            text,
            access: relay.access.clone(),
        }),
        grant,
        bot: bots.swap_remove(wanted.unwrap_or(0)),
    })
}

/// Counts and keeps why somebody is not let in, and says what they hear.
pub(crate) fn refuse(
    relay: &Relay,
    visitor: &Visitor,
    cause: RefusalCause,
    app_id: Option<&str>,
    token: Option<TokenId>,
) -> Refused {
    let known = app_id.filter(|app_id| !relay.fleet.records_of_app(app_id).is_empty());
    relay.refusals.add(RefusedConnection {
        at_ms: unix_ms(),
        cause,
        app_id: known.map(str::to_owned),
        token,
        peer: visitor.peer,
        agent: visitor.agent.clone(),
    });
    match cause {
        RefusalCause::NoToken
        | RefusalCause::TokenUnknown
        | RefusalCause::TokenWrong
        | RefusalCause::TokenRevoked
        | RefusalCause::TokenExpired
        | RefusalCause::ScopeMissing
        | RefusalCause::NoSuchBot
        | RefusalCause::TicketRefused
        | RefusalCause::Malformed => Refused::Wrong,
        // Of a stopped consumer, too: whoever starts it again wants its programs back.
        RefusalCause::ConsumerStopped
        | RefusalCause::TooOften
        | RefusalCause::Full
        | RefusalCause::NotReady
        | RefusalCause::Draining => Refused::NotYet,
    }
}

fn of_presented(refusal: PresentedRefusal) -> (RefusalCause, Option<TokenId>) {
    match refusal {
        PresentedRefusal::NoToken => (RefusalCause::NoToken, None),
        PresentedRefusal::Refused(token, refusal) => (RefusalCause::of_token(refusal), Some(token)),
        PresentedRefusal::ScopeMissing(token, _) => (RefusalCause::ScopeMissing, Some(token)),
        PresentedRefusal::TooOften(token) => (RefusalCause::TooOften, Some(token)),
    }
}
