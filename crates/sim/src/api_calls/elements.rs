//! The calls that change elements of a card entity: one of them, or several things at once.

use serde_json::{Map, Value};

use super::Asked;
use super::answers::ApiReply;
use super::cards::{Refused, inner};
use crate::api_call::ApiCall;
use crate::open_api::{Caller, CardEntity, CardRefusal, ElementChange, Place};
use crate::state::PlatformState;

impl PlatformState {
    pub(super) fn card_elements(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        self.card_change(caller, asked, add)
    }

    pub(super) fn card_element(
        &mut self,
        caller: &Caller,
        asked: Asked<'_>,
        element: &str,
    ) -> ApiReply {
        let call = asked.route.call;
        self.card_change(caller, asked, |card, body| {
            let change = match call {
                ApiCall::CardElementDelete => ElementChange::Delete,
                ApiCall::CardElementPatch => ElementChange::Patch(members(body)?),
                _ => ElementChange::Replace(inner(body, "element")?),
            };
            card.change(element, change)?;
            Ok(())
        })
    }

    /// Several changes under one sequence. The first that fails ends them.
    pub(super) fn card_batch(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        self.card_change(caller, asked, |card, body| {
            let actions = inner(body, "actions")?;
            let actions = actions.as_array().ok_or(Refused::Field("actions"))?;
            for action in actions {
                carry_out(card, action, asked)?;
            }
            Ok(())
        })
    }
}

fn carry_out(card: &mut CardEntity, action: &Value, asked: Asked<'_>) -> Result<(), Refused> {
    let unknown = CardRefusal {
        code: 300_121,
        msg: "The action is invalid",
    };
    let none = Value::Null;
    let params = action.get("params").unwrap_or(&none);
    let element = || {
        let id = params.get("element_id").and_then(Value::as_str);
        id.ok_or(Refused::Field("element_id"))
    };
    match action.get("action").and_then(Value::as_str) {
        Some("partial_update_setting") => card.set(&inner(params, "settings")?, asked.now)?,
        Some("add_elements") => add(card, params)?,
        Some("delete_elements") => {
            let ids = inner(params, "element_ids")?;
            for id in ids
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                card.change(id, ElementChange::Delete)?;
            }
        }
        Some("update_element") => {
            card.change(
                element()?,
                ElementChange::Replace(inner(params, "element")?),
            )?;
        }
        Some("partial_update_element") => {
            card.change(element()?, ElementChange::Patch(members(params)?))?;
        }
        _ => return Err(Refused::Card(unknown)),
    }
    Ok(())
}

fn add(card: &mut CardEntity, body: &Value) -> Result<(), Refused> {
    let new = inner(body, "elements")?;
    let new = new.as_array().ok_or(Refused::Field("elements"))?;
    let target = body.get("target_element_id").and_then(Value::as_str);
    let beside = match (body.get("type").and_then(Value::as_str), target) {
        (Some("insert_before"), Some(target)) => Some((target, Place::Before)),
        (Some("insert_after"), Some(target)) => Some((target, Place::After)),
        (Some("append"), _) => None,
        _ => return Err(Refused::Field("type")),
    };
    card.add(new, beside)?;
    Ok(())
}

fn members(body: &Value) -> Result<Map<String, Value>, Refused> {
    match inner(body, "partial_element")? {
        Value::Object(members) => Ok(members),
        _ => Err(Refused::Field("partial_element")),
    }
}
