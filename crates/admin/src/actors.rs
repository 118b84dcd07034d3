//! The actors' cards, filtered and sorted, and the state of one actor in its own words.

use std::cmp::Ordering;

use actix_web::web::{Data, Json, Query};
use longwire_fleet::{ActorView, Inspection};
use serde::Deserialize;

use longwire_listener::Problem;

use crate::Admin;
use crate::document::{ActorDocument, ActorPage, InspectionDocument};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Only the actor at this path and those below.
    under: Option<String>,
    kind: Option<String>,
    state: Option<String>,
    /// A field of the card, `-` before it for descending: `-mailbox.depth`.
    sort: Option<String>,
    limit: Option<usize>,
}

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

pub(crate) async fn list(
    admin: Data<Admin>,
    query: Query<ListQuery>,
) -> Result<Json<ActorPage>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::invalid(format!("limit is from 1 to {MAX_LIMIT}")));
    }
    let mut actors = admin.actors();
    actors.retain(|actor| matches(actor, &query));
    if let Some(sort) = &query.sort {
        let (field, descending) = match sort.strip_prefix('-') {
            Some(field) => (field, true),
            None => (sort.as_str(), false),
        };
        let order = order(field).ok_or_else(|| {
            Problem::invalid(format!(
                "cannot sort by `{field}`; there are {}",
                SORTABLE.join(", ")
            ))
        })?;
        // Stable, so equal ones stay in the order of the tree.
        actors.sort_by(|a, b| if descending { order(b, a) } else { order(a, b) });
    }
    let matched = actors.len();
    actors.truncate(limit);
    let data = actors.into_iter().map(ActorDocument).collect();
    Ok(Json(ActorPage { data, matched }))
}

fn matches(actor: &ActorView, query: &ListQuery) -> bool {
    let below = |under: &str| {
        let under = under.trim_end_matches('/');
        actor
            .path
            .strip_prefix(under)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    query.under.as_deref().is_none_or(below)
        && query.kind.as_deref().is_none_or(|kind| kind == actor.kind)
        && query
            .state
            .as_deref()
            .is_none_or(|state| state == actor.state)
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

fn order(field: &str) -> Option<fn(&ActorView, &ActorView) -> Ordering> {
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

/// Asks an actor for its state. That it does not answer within 500 ms is an answer too.
pub(crate) async fn inspect(
    admin: Data<Admin>,
    query: Query<InspectQuery>,
) -> Result<Json<InspectionDocument>, Problem> {
    match admin.settings.fleet.inspect(&query.path).await {
        Inspection::Absent => Err(Problem::not_found(format!(
            "no actor lives at {}",
            query.path
        ))),
        inspection => Ok(Json(InspectionDocument(inspection))),
    }
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
