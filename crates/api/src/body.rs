//! The JSON body of a request, which may be left out where every member may.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Json;
use actix_web::{FromRequest, HttpRequest};
use longwire_consumer::{DefinitionFault, Member, Members};
use longwire_listener::Problem;
use secrecy::zeroize::Zeroize as _;
use serde_json::{Map, Value};

use crate::problem_code::body_problem;

/// The body of a request. A request without one has an empty object.
pub(crate) struct Body(pub(crate) Value);

/// A JSON body that may hold secrets. Its texts are wiped when it is dropped.
pub(crate) struct SecretBody(pub(crate) Value);

impl Drop for SecretBody {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl FromRequest for Body {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let length = request.headers().get(header::CONTENT_LENGTH);
        let is_empty = length.is_none_or(|length| length.as_bytes() == b"0")
            && !request.headers().contains_key(header::TRANSFER_ENCODING);
        if is_empty {
            return Box::pin(async { Ok(Self(Value::Object(Map::new()))) });
        }
        let read = Json::<Value>::from_request(request, payload);
        Box::pin(async { Ok(Self(read.await?.into_inner())) })
    }
}

impl Body {
    /// Reads the members of the body, which is an object.
    ///
    /// # Errors
    /// 400 with all mistakes. A member that `read` did not ask for is one.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&mut Members<'_, '_>) -> Option<T>,
    ) -> Result<T, Problem> {
        let mut faults: Vec<DefinitionFault> = Vec::new();
        let outcome = match Member::root(&self.0).members(&mut faults) {
            None => None,
            Some(mut members) => {
                let outcome = read(&mut members);
                members.refuse_others();
                outcome
            }
        };
        match outcome {
            Some(outcome) if faults.is_empty() => Ok(outcome),
            Some(_) | None => Err(body_problem(&faults)),
        }
    }
}
