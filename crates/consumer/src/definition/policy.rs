//! Reading a policy.

use std::num::{NonZeroU16, NonZeroU32};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::fault::{DefinitionFault, FaultCode};
use super::members::Member;
use crate::order_key::DeliveryOrder;
use crate::policy::{AgeRule, DeliveryPolicy, GatherPolicy, GiveUp, MaxAge};

type Faults = Vec<DefinitionFault>;

/// The most deliveries that a webhook may have under way.
const CONCURRENCY: RangeInclusive<i64> = 1..=1_024;
/// Deliveries per second. More than the highest is no limit in effect.
const RATE: RangeInclusive<i64> = 1..=100_000;
/// A batch must not hold a chat for long, and its application waits.
const GATHER_MS: RangeInclusive<i64> = 1..=60_000;
/// How long events may wait: as long as retention may be.
const AGE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(365 * 86_400);
const ATTEMPTS: RangeInclusive<i64> = 1..=1_000;

pub(super) const ORDERS: [(&str, DeliveryOrder); 3] = [
    ("none", DeliveryOrder::None),
    ("chat", DeliveryOrder::Chat),
    ("installation", DeliveryOrder::Installation),
];
pub(super) const AGE_RULES: [(&str, AgeRule); 3] = [
    ("deliver", AgeRule::Deliver),
    ("label", AgeRule::Label),
    ("skip", AgeRule::Skip),
];

pub(super) fn read(value: Member<'_>, faults: &mut Faults) -> Option<DeliveryPolicy> {
    let mut members = value.members(faults)?;
    let order = members.optional("order", |value, faults| value.word(&ORDERS, faults));
    let concurrency = members.optional("concurrency", |value, faults| {
        value.number(CONCURRENCY, faults)
    });
    let rate = members.optional("rate", |value, faults| value.number(RATE, faults));
    let gather = members.optional("gather", read_gather);
    let max_age = members.optional("max_age", read_max_age);
    let give_up = members.optional("give_up", read_give_up);
    let patience = members.optional("patience", |value, faults| value.duration(AGE, faults));
    let order = order.unwrap_or_default();
    if gather.is_some() && order != DeliveryOrder::Chat {
        let detail = "events are gathered by chat; this needs `\"order\": \"chat\"`";
        members.fault("gather", FaultCode::Conflict, detail);
    }
    members.refuse_others();
    Some(DeliveryPolicy {
        order,
        concurrency: concurrency
            .and_then(|number| NonZeroU16::new(u16::try_from(number).ok()?))
            .unwrap_or(DeliveryPolicy::CONCURRENCY),
        rate: rate.and_then(non_zero),
        gather,
        max_age,
        give_up: give_up.unwrap_or_default(),
        patience: patience.unwrap_or(DeliveryPolicy::PATIENCE),
    })
}

fn non_zero(number: i64) -> Option<NonZeroU32> {
    NonZeroU32::new(u32::try_from(number).ok()?)
}

fn read_gather(value: Member<'_>, faults: &mut Faults) -> Option<GatherPolicy> {
    let mut members = value.members(faults)?;
    let ms = |value: Member<'_>, faults: &mut Faults| {
        let ms = value.number(GATHER_MS, faults)?;
        Some(Duration::from_millis(u64::try_from(ms).ok()?))
    };
    let quiet = members.required("quiet_ms", ms);
    let max = members.required("max_ms", ms);
    if quiet.zip(max).is_some_and(|(quiet, max)| quiet > max) {
        members.fault(
            "max_ms",
            FaultCode::Conflict,
            "at least `quiet_ms` belongs here",
        );
    }
    members.refuse_others();
    Some(GatherPolicy {
        quiet: quiet?,
        max: max?,
    })
}

fn read_max_age(value: Member<'_>, faults: &mut Faults) -> Option<MaxAge> {
    let mut members = value.members(faults)?;
    let after = members.required("after", |value, faults| value.duration(AGE, faults));
    let then = members.required("then", |value, faults| value.word(&AGE_RULES, faults));
    members.refuse_others();
    Some(MaxAge {
        after: after?,
        then: then?,
    })
}

fn read_give_up(value: Member<'_>, faults: &mut Faults) -> Option<GiveUp> {
    let mut members = value.members(faults)?;
    let attempts = members.optional("attempts", |value, faults| value.number(ATTEMPTS, faults));
    let age = members.optional("age", |value, faults| value.duration(AGE, faults));
    members.refuse_others();
    Some(GiveUp {
        attempts: attempts.and_then(non_zero),
        age,
    })
}
