//! The call for what people show of themselves: their names.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::NoApiAnswer;
use crate::repair;

/// Path of the call, below the platform's base URL. Its query has `user_id_type`. It needs the scope
/// `contact:user.basic_profile:readonly`, ignores the app's contact range, and takes 5 calls a second (`contact-v3`,
/// `user/basic_batch`).
pub const USERS_BASIC_PATH: &str = "/open-apis/contact/v3/users/basic_batch";
/// The most people of one call.
pub const USERS_BASIC_MOST: usize = 10;

/// The request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsersRequest<'a> {
    /// Their ids, [`USERS_BASIC_MOST`] at most.
    #[serde(borrow)]
    pub user_ids: Vec<Cow<'a, str>>,
}

impl<'a> UsersRequest<'a> {
    /// Reads a request.
    pub fn parse(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }

    /// The request body.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts are always JSON")
    }
}

/// What a person shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasicUser {
    /// The id that was asked for.
    pub user_id: String,
    /// The name; absent if the app may not know it.
    pub name: Option<String>,
}

/// The people of a successful answer. Those that the platform does not know are left out.
pub fn read_basic_users(body: &[u8]) -> Result<Vec<BasicUser>, NoApiAnswer> {
    let value: Value = repair::from_slice(body).map_err(|_| NoApiAnswer)?;
    let users = value.pointer("/data/users").and_then(Value::as_array);
    let text = |user: &Value, member: &str| {
        let text = user.get(member)?.as_str()?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    let users = users.into_iter().flatten().filter_map(|user| {
        Some(BasicUser {
            user_id: text(user, "user_id")?,
            name: text(user, "name"),
        })
    });
    Ok(users.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_in_both_directions() {
        let request = UsersRequest {
            user_ids: vec!["ou_1".into()],
        };
        let body = request.to_json();
        assert_eq!(body, br#"{"user_ids":["ou_1"]}"#);
        assert_eq!(UsersRequest::parse(&body).ok(), Some(request));
    }

    #[test]
    fn names_and_what_is_missing() {
        let body = br#"{"code":0,"data":{"users":[{"user_id":"ou_1","name":"Ann","i18n_name":{}},{"user_id":"ou_2"},
            {"user_id":"ou_3","name":""},{"name":"Nobody"},7]}}"#;
        let users = read_basic_users(body).expect("an answer");
        let found: Vec<_> = users
            .iter()
            .map(|user| (&*user.user_id, user.name.as_deref()))
            .collect();
        assert_eq!(
            found,
            [("ou_1", Some("Ann")), ("ou_2", None), ("ou_3", None)]
        );
        assert_eq!(read_basic_users(br#"{"code":0}"#), Ok(Vec::new()));
        assert_eq!(read_basic_users(b"<html>"), Err(NoApiAnswer));
    }
}
