//! What the road of the platform's own connections makes of the rest of a definition.
//!
//! An SDK knows one bot, and the frames of its platform. So such a consumer receives the events of that bot as the platform sent
//! them, one by one, and none of longwire's own.

use std::num::NonZeroU32;

use longwire_installation::Platform;

use super::fault::FaultCode;
use super::members::Members;
use super::road::RelayRoad;
use crate::filter::EventFilter;
use crate::policy::DeliveryPolicy;

/// After so many failures an event is given up unless the policy says how many: about half a minute after the first. An
/// application that has no handler for an event answers 500 each time, and its chat waits so long.
const ATTEMPTS: NonZeroU32 = NonZeroU32::new(6).expect("it is not zero");

/// Why there is no envelope.
pub(super) const NO_ENVELOPE: &str =
    "over a relay the platform's own bytes arrive, without an envelope: leave this out";

/// Lets the road's bot alone pass, and bounds the tries.
pub(super) fn narrow(
    road: &RelayRoad,
    filter: &mut EventFilter,
    policy: &mut DeliveryPolicy,
    members: &mut Members<'_, '_>,
) {
    let named = &filter.installations;
    if named.iter().any(|one| *one != road.installation) {
        let detail = "a relay is of one bot: the one that `road` names, or leave this out";
        members.fault("filter/installations", FaultCode::Conflict, detail);
    }
    filter.installations = vec![road.installation];
    // Events of longwire itself are of no platform.
    if filter.platforms.is_empty() {
        filter.platforms = Platform::ALL.to_vec();
    }
    if policy.gather.is_some() {
        let detail = "over a relay events arrive one by one: leave this out";
        members.fault("policy/gather", FaultCode::Conflict, detail);
    }
    policy.give_up.attempts.get_or_insert(ATTEMPTS);
}
