//! Which events a reader asks for, and which of them it may see.

use longwire_access::Grant;
use longwire_consumer::{Detail, EventFilter, EventId, Expansions, Member};
use longwire_delivery::ReadAlong;
use longwire_listener::Problem;
use longwire_wire::event::Seq;
use serde_json::{Map, json};

use super::{cursors, foreign_event, seq_of};
use crate::Api;
use crate::cursor::CursorList;
use crate::problem_code::ProblemCode;
use crate::query::QueryReader;

/// The parameters that are conditions, and the members of a filter that they stand for.
const CONDITIONS: [(&str, &str); 3] = [
    ("type", "types"),
    ("installation", "installations"),
    ("chat", "chats"),
];

/// What the rest of a query asks for: `after`, and the conditions.
pub(super) fn reading(
    mut query: QueryReader<'_>,
    api: &Api,
    grant: &Grant,
) -> Result<ReadAlong, Problem> {
    let after = query.text("after");
    let filter = selection(&mut query);
    query.finish()?;
    let after = after.map(|text| place(api, grant, &text)).transpose()?;
    Ok(ReadAlong {
        space: grant.space.clone(),
        filter: narrowed(filter, grant)?,
        after,
        detail: Detail::Whole,
        expand: Expansions::NONE,
    })
}

/// The filter of the parameters `type`, `installation` and `chat`.
fn selection(query: &mut QueryReader<'_>) -> EventFilter {
    let mut conditions = Map::new();
    for (parameter, member) in CONDITIONS {
        let values = query.all(parameter);
        if !values.is_empty() {
            conditions.insert(member.to_owned(), json!(values));
        }
    }
    let mut faults = Vec::new();
    let conditions = conditions.into();
    let filter = EventFilter::read(Member::root(&conditions), &mut faults);
    for fault in faults {
        let member = fault.pointer.split('/').nth(1).unwrap_or_default();
        let named = CONDITIONS.iter().find(|(_, known)| *known == member);
        let parameter = named.map_or(member, |(parameter, _)| parameter);
        query.fault(parameter, fault.code.label(), fault.detail);
    }
    filter.unwrap_or_default()
}

/// The filter without the installations that the caller's token does not name.
///
/// # Errors
/// 404 for a filter that names such an installation.
pub(crate) fn narrowed(filter: EventFilter, grant: &Grant) -> Result<EventFilter, Problem> {
    let Some(allowed) = &grant.installations else {
        return Ok(filter);
    };
    let named = filter.installations();
    if let Some(foreign) = named.iter().find(|id| !allowed.contains(id)) {
        let detail = format!("there is no installation `{foreign}`");
        return Err(ProblemCode::NotFound.problem(detail));
    }
    Ok(match named.is_empty() {
        true => filter.of_installations(allowed.to_vec()),
        false => filter,
    })
}

/// Where a reader goes on: behind a cursor or an event.
fn place(api: &Api, grant: &Grant, text: &str) -> Result<Seq, Problem> {
    if let Ok(id) = text.parse::<EventId>() {
        return seq_of(api, id).ok_or_else(foreign_event);
    }
    let place = cursors(api, grant).read(CursorList::Events, text)?;
    Ok(Seq(i64::try_from(place).unwrap_or(i64::MAX)))
}
