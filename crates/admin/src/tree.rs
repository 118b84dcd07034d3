//! The actors as a tree that stays readable at 10,000 bots: folded by kind and state, unfolded one path at a time.

use std::collections::BTreeMap;

use actix_web::web::{Data, Json, Query};
use longwire_fleet::ActorView;
use serde::Deserialize;

use longwire_listener::Problem;

use crate::Admin;
use crate::document::{ActorDocument, KindGroup, TreeDocument};

/// Children listed by one unfolding; the rest is a number.
const MAX_UNFOLDED: usize = 500;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TreeQuery {
    /// List the children of the actor at this path.
    unfold: Option<String>,
}

pub(crate) async fn tree(
    admin: Data<Admin>,
    query: Query<TreeQuery>,
) -> Result<Json<TreeDocument>, Problem> {
    let actors = admin.actors();
    let Some(path) = query.into_inner().unfold else {
        return Ok(Json(TreeDocument::Folded {
            groups: fold(&actors),
        }));
    };
    if !actors.iter().any(|actor| actor.path == path) {
        return Err(Problem::not_found(format!("no actor lives at {path}")));
    }
    let of_path = |actor: &ActorView| actor.parent.as_deref() == Some(path.as_str());
    let total = actors.iter().filter(|actor| of_path(actor)).count();
    let children = actors
        .into_iter()
        .filter(of_path)
        .take(MAX_UNFOLDED)
        .map(ActorDocument)
        .collect();
    Ok(Json(TreeDocument::Unfolded {
        path,
        children,
        more: total.saturating_sub(MAX_UNFOLDED),
    }))
}

/// One group per kind, in the order parents come before children.
fn fold(actors: &[ActorView]) -> Vec<KindGroup> {
    let mut groups: Vec<KindGroup> = Vec::new();
    for actor in actors {
        let group = match groups.iter_mut().position(|group| group.kind == actor.kind) {
            Some(at) => &mut groups[at],
            None => {
                groups.push(KindGroup {
                    kind: actor.kind,
                    path: actor.path.clone(),
                    count: 0,
                    states: BTreeMap::new(),
                    restarts: 0,
                    deepest_mailbox: 0,
                    warned: 0,
                });
                groups.last_mut().expect("one was just pushed")
            }
        };
        group.count += 1;
        *group.states.entry(actor.state).or_default() += 1;
        group.restarts += actor.supervision.restarts;
        group.deepest_mailbox = group.deepest_mailbox.max(actor.mailbox.depth);
        group.warned += usize::from(!actor.warnings.is_empty());
        if group.count > 1 {
            group.path = pattern(&actor.path);
        }
    }
    groups
}

/// `/fleet/bots/ins_…/socket` as `/fleet/bots/*/socket`.
fn pattern(path: &str) -> String {
    path.split('/')
        .map(|part| if part.starts_with("ins_") { "*" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}
