//! Which bot an application means, and whether its token may have it.
//!
//! An application has a token of ours where its SDK wants the app's secret. Whatever is wrong with it, the answer is one and the
//! same, so that nobody learns which bots there are; the cause is counted and kept for the operator.

use std::net::SocketAddr;
use std::sync::Arc;

use longwire_access::{Grant, Scope, TokenId};
use longwire_installation::{Desired, Platform};
use longwire_listener::{PresentedRefusal, RouteClass};
use longwire_store::InstallationRecord;

use crate::clock::unix_ms;
use crate::entrance::Entrance;
use crate::refusals::{RefusalCause, RefusedConnection, shown};
use crate::token_hold::TokenHold;

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

/// Lets an application in that names one of these platforms' apps and has a token of the scope `relay` for it.
///
/// Of several bots of one app the token has the first that is to be connected.
pub(crate) fn admit(
    entrance: &Entrance,
    app_id: &str,
    secret: &str,
    visitor: &Visitor,
    is_platform: impl Fn(Platform) -> bool,
) -> Result<Admitted, Refused> {
    if entrance.draining.has_begun() {
        return Err(refuse(
            entrance,
            visitor,
            RefusalCause::Draining,
            Some(app_id),
            None,
        ));
    }
    let admitted = (entrance.access).admit_presented(secret, Scope::Relay, RouteClass::Stream);
    let (text, grant) = admitted.map_err(|refusal| {
        let (cause, token) = of_presented(refusal);
        refuse(entrance, visitor, cause, Some(app_id), token)
    })?;
    let mut bots = entrance.fleet.records_of_app(app_id);
    bots.retain(|bot| is_platform(bot.platform) && grant.sees(&bot.space, bot.public_id));
    let wanted = bots.iter().position(|bot| bot.desired == Desired::Run);
    if bots.is_empty() {
        let cause = RefusalCause::NoSuchBot;
        return Err(refuse(
            entrance,
            visitor,
            cause,
            Some(app_id),
            Some(grant.token),
        ));
    }
    Ok(Admitted {
        hold: Arc::new(TokenHold::new(text, entrance.access.clone())),
        grant,
        bot: bots.swap_remove(wanted.unwrap_or(0)),
    })
}

/// Counts and keeps why somebody is not let in, and says what they hear.
pub(crate) fn refuse(
    entrance: &Entrance,
    visitor: &Visitor,
    cause: RefusalCause,
    app_id: Option<&str>,
    token: Option<TokenId>,
) -> Refused {
    let known = app_id.filter(|app_id| !entrance.fleet.records_of_app(app_id).is_empty());
    entrance.refusals.add(RefusedConnection {
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
