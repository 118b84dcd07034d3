//! The calls that ask for people.

use std::time::Duration;

use longwire_wire::open_api::{USERS_BASIC_MOST, UsersRequest, code};
use serde_json::{Value, json};

use super::Asked;
use super::answers::{ApiReply, bad_field, done, refusal};
use super::outcomes::late;
use crate::behaviour::{Behaviour, Occasion};
use crate::open_api::Caller;
use crate::state::PlatformState;

/// Most people of a `users/batch` call.
const BATCH_MOST: usize = 50;

impl PlatformState {
    /// What people show of themselves, without regard to the app's range. Everybody exists whose id begins with `ou_`.
    pub(super) fn names_call(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        self.lookup(caller, |state, named| {
            let people = UsersRequest::parse(&asked.request.body).ok();
            let people = people.filter(|people| people.user_ids.len() <= USERS_BASIC_MOST);
            let Some(people) = people else {
                return bad_field("user_ids");
            };
            let known = people.user_ids.iter().filter(|id| id.starts_with("ou_"));
            let users: Vec<Value> = known
                .map(|id| match named {
                    Named::Yes => {
                        let name = state.open_api.directory.name_of(id);
                        let en_name = state.open_api.directory.person(id).en_name;
                        json!({ "user_id": id, "name": name, "i18n_name": {
                            "zh_cn": name, "en_us": en_name.unwrap_or_default(), "ja_jp": "" } })
                    }
                    Named::No => json!({ "user_id": id }),
                })
                .collect();
            done(json!({ "users": users }))
        })
    }

    pub(super) fn user_get(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let id_type = asked.request.query("user_id_type");
        let id_type = id_type.as_deref().unwrap_or("open_id");
        let open_id = self.open_api.directory.open_id_of(id_type, asked.route.id);
        self.lookup(caller, |state, named| {
            if !open_id.starts_with("ou_") || !state.open_api.directory.is_in_reach(&open_id) {
                return refusal(400, code::OUT_OF_RANGE, "no user authority error");
            }
            done(json!({ "user": state.contact(&open_id, named) }))
        })
    }

    /// People who are out of range are left out.
    pub(super) fn users_get(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let ids = asked.request.query_all("user_ids");
        if ids.is_empty() || ids.len() > BATCH_MOST {
            return bad_field("user_ids");
        }
        let id_type = asked.request.query("user_id_type");
        let id_type = id_type.as_deref().unwrap_or("open_id");
        self.lookup(caller, |state, named| {
            let directory = &state.open_api.directory;
            let people = ids.iter().map(|id| directory.open_id_of(id_type, id));
            let people = people.filter(|id| id.starts_with("ou_") && directory.is_in_reach(id));
            let items: Vec<Value> = people.map(|id| state.contact(&id, named)).collect();
            done(json!({ "items": items }))
        })
    }

    fn contact(&self, open_id: &str, named: Named) -> Value {
        let directory = &self.open_api.directory;
        let mut person = json!({ "union_id": directory.union_id(open_id), "open_id": open_id });
        if let Named::Yes = named {
            person["name"] = json!(directory.name_of(open_id));
            if let Some(en_name) = directory.person(open_id).en_name {
                person["en_name"] = json!(en_name);
            }
        }
        person
    }

    pub(super) fn lookup(
        &mut self,
        caller: &Caller,
        answer: impl FnOnce(&Self, Named) -> ApiReply,
    ) -> ApiReply {
        match self.scripts.take(Occasion::Lookup, &caller.app) {
            Some(Behaviour::LookupRefuse { http, code, msg }) => refusal(http, code, &msg),
            Some(Behaviour::LookupHang) => ApiReply::Hang,
            Some(Behaviour::LookupSlow { delay_ms }) => {
                late(answer(self, Named::Yes), Duration::from_millis(delay_ms))
            }
            Some(Behaviour::LookupNameless) => answer(self, Named::No),
            _ => answer(self, Named::Yes),
        }
    }
}

/// Whether people have their names in the answer.
#[derive(Clone, Copy)]
pub(super) enum Named {
    Yes,
    No,
}
