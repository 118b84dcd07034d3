//! Metrics of the actors, by kind.

use std::collections::BTreeMap;
use std::fmt;

use longwire_fleet::ActorView;

use super::families::Families;

/// All actors of one kind.
#[derive(Debug, Default)]
pub(super) struct Kind {
    pub(super) states: BTreeMap<&'static str, u64>,
    pub(super) mailbox_depth_max: u64,
    pub(super) restarts: u64,
}

pub(super) fn by_kind(actors: &[ActorView]) -> BTreeMap<&'static str, Kind> {
    let mut kinds: BTreeMap<&'static str, Kind> = BTreeMap::new();
    for actor in actors {
        let kind = kinds.entry(actor.kind).or_default();
        *kind.states.entry(actor.state).or_default() += 1;
        kind.mailbox_depth_max = kind.mailbox_depth_max.max(actor.mailbox.depth);
        kind.restarts += actor.supervision.restarts;
    }
    kinds
}

pub(super) fn write(
    kinds: &BTreeMap<&'static str, Kind>,
    families: &mut Families<'_>,
) -> fmt::Result {
    let states = kinds.iter().flat_map(|(&kind, of)| {
        let states = of.states.iter();
        states.map(move |(&state, &count)| ([kind, state], count as f64))
    });
    families.gauges_by(
        "actors",
        "Actors by kind and state",
        ["kind", "state"],
        states,
    )?;
    let depths = kinds.iter();
    families.gauges_by(
        "mailbox_depth_max",
        "The deepest mailbox of a kind",
        ["kind"],
        depths.map(|(&kind, of)| ([kind], of.mailbox_depth_max as f64)),
    )?;
    families.counters_by(
        "actor_restarts",
        "Actors rebuilt after an unexpected end",
        "kind",
        kinds.iter().map(|(&kind, of)| (kind, of.restarts)),
    )
}
