//! The actors' cards, filtered and sorted, and the state of one actor in its own words.

use std::cmp::Ordering;

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Query};
use longwire_actor::CARD_STATES;
use longwire_api::QueryReader;
use longwire_delivery::ACTOR_KINDS;
use longwire_fleet::{ActorView, FleetActor, Inspection};
use longwire_janitor::JanitorHandle;
use serde::{Deserialize, Serialize};

use longwire_listener::Problem;

use crate::Admin;
use crate::document::{ActorDocument, ActorPage, InspectionDocument, RetentionDocument};

/// Which actors are asked for.
struct Wanted {
    /// Only the actor at this path and those below.
    under: Option<String>,
    /// Empty for any.
    kinds: Vec<&'static str>,
    /// Empty for any.
    states: Vec<&'static str>,
}

pub(crate) async fn list(
    admin: Data<Admin>,
    request: HttpRequest,
) -> Result<Json<ActorPage>, Problem> {
    let mut actors = admin.actors();
    let mut query = QueryReader::of(request.query_string());
    let wanted = Wanted {
        under: query.text("under"),
        kinds: query.choices("kind", &kinds(&actors)),
        states: query.choices("state", &CARD_STATES),
    };
    let limit = query.limit();
    let order = sorting(&mut query);
    query.finish()?;
    actors.retain(|actor| wanted.matches(actor));
    if let Some((order, is_descending)) = order {
        // Stable, so equal ones stay in the order of the tree.
        actors.sort_by(|a, b| match is_descending {
            true => order(b, a),
            false => order(a, b),
        });
    }
    let matched = actors.len();
    actors.truncate(limit);
    let data = actors.into_iter().map(ActorDocument).collect();
    Ok(Json(ActorPage { data, matched }))
}

/// The kinds that there may be, also while none of a kind lives.
fn kinds(present: &[ActorView]) -> Vec<&'static str> {
    let mut kinds: Vec<_> = FleetActor::ALL.iter().map(|actor| actor.label()).collect();
    kinds.extend(ACTOR_KINDS);
    for actor in present {
        if !kinds.contains(&actor.kind) {
            kinds.push(actor.kind);
        }
    }
    kinds
}

type Order = fn(&ActorView, &ActorView) -> Ordering;

/// `sort`: a field of the card, `-` before it for descending, as in `-mailbox.depth`.
fn sorting(query: &mut QueryReader<'_>) -> Option<(Order, bool)> {
    let sort = query.text("sort")?;
    let (field, is_descending) = match sort.strip_prefix('-') {
        Some(field) => (field, true),
        None => (sort.as_str(), false),
    };
    let order = order(field);
    if order.is_none() {
        let detail = format!("one of these belongs here: {}", SORTABLE.join(", "));
        query.fault("sort", "invalid_value", detail);
    }
    order.map(|order| (order, is_descending))
}

impl Wanted {
    fn matches(&self, actor: &ActorView) -> bool {
        let is_below = |under: &str| {
            let rest = actor.path.strip_prefix(under.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_in = |wanted: &[&str], value| wanted.is_empty() || wanted.contains(&value);
        self.under.as_deref().is_none_or(is_below)
            && is_in(&self.kinds, actor.kind)
            && is_in(&self.states, actor.state)
    }
}

const SORTABLE: [&str; 9] = [
    "path",
    "mailbox.depth",
    "mailbox.high_water",
    "handled",
    "rate_1m",
    "handle_ms.p99",
    "handle_ms.max",
    "uptime_ms",
    "supervision.restarts",
];

fn order(field: &str) -> Option<Order> {
    Some(match field {
        "path" => |a, b| a.path.cmp(&b.path),
        "mailbox.depth" => |a, b| a.mailbox.depth.cmp(&b.mailbox.depth),
        "mailbox.high_water" => |a, b| a.mailbox.high_water.cmp(&b.mailbox.high_water),
        "handled" => |a, b| a.handled.cmp(&b.handled),
        "rate_1m" => |a, b| a.rate_1m.total_cmp(&b.rate_1m),
        "handle_ms.p99" => |a, b| a.handle_ms.p99.total_cmp(&b.handle_ms.p99),
        "handle_ms.max" => |a, b| a.handle_ms.max.total_cmp(&b.handle_ms.max),
        "uptime_ms" => |a, b| a.uptime_ms.cmp(&b.uptime_ms),
        "supervision.restarts" => |a, b| a.supervision.restarts.cmp(&b.supervision.restarts),
        _ => return None,
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InspectQuery {
    path: String,
}

/// Asks an actor for its state. That it does not answer within 500 ms is an answer too. The answer of the janitor is what it wrote
/// down after its last step.
pub(crate) async fn inspect(
    admin: Data<Admin>,
    query: Query<InspectQuery>,
) -> Result<Json<InspectionAnswer>, Problem> {
    let janitor = admin.settings.janitor.as_ref();
    if let Some(janitor) = janitor.filter(|_| JanitorHandle::lives_at(&query.path)) {
        return Ok(Json(InspectionAnswer::Janitor {
            outcome: "answered",
            words: Box::new(RetentionDocument::from(&janitor.view())),
        }));
    }
    match admin.settings.fleet.inspect(&query.path).await {
        Inspection::Absent => Err(Problem::not_found(format!(
            "no actor lives at {}",
            query.path
        ))),
        inspection => Ok(Json(InspectionAnswer::Fleet(InspectionDocument(
            inspection,
        )))),
    }
}

/// The answer to a question for an actor's state.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum InspectionAnswer {
    /// Of an actor of the fleet.
    Fleet(InspectionDocument),
    /// Of the janitor.
    Janitor {
        outcome: &'static str,
        words: Box<RetentionDocument>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_can_be_sorted_by() {
        assert!(SORTABLE.iter().all(|field| order(field).is_some()));
        assert!(order("doing").is_none());
    }
}
