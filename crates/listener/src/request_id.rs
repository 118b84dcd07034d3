//! The id of a request, by which its answer, its log lines and its caller's notes are brought together.
//!
//! A client may bring its own in `X-Request-Id`. Each answer has it, in the same header and in a problem's `request_id`.

use std::future::{Ready, ready};
use std::hash::{BuildHasher as _, RandomState};
use std::rc::Rc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest};

use crate::Problem;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over from a client, in bytes.
const MAX_BYTES: usize = 64;

/// The id of a request. A handler asks for it as an argument.
#[derive(Debug, Clone)]
pub struct RequestId(Rc<str>);

impl RequestId {
    /// As text: letters, digits, `-`, `_` and `.`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The client's own if it is fit to be repeated, else a new one.
    fn of(request: &ServiceRequest) -> Self {
        let given = request.headers().get(HEADER);
        let given = given
            .and_then(|id| id.to_str().ok())
            .filter(|id| is_fit(id));
        match given {
            Some(id) => Self(id.into()),
            None => Self::new(),
        }
    }

    pub(crate) fn new() -> Self {
        /// Tells this process from others. Nothing depends on its being hard to guess.
        static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(format!("req_{:016x}{count:x}", *PROCESS).into())
    }
}

fn is_fit(id: &str) -> bool {
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=MAX_BYTES).contains(&id.len()) && id.bytes().all(fit)
}

impl FromRequest for RequestId {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.extensions().get::<Self>().cloned();
        ready(Ok(id.unwrap_or_else(Self::new)))
    }
}

/// Gives the request its id, and the answer the same.
pub(crate) async fn identify(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = RequestId::of(&request);
    request.extensions_mut().insert(id.clone());
    let response = next.call(request).await?;
    let problem = response.response().extensions().get::<Problem>().cloned();
    let mut response = match problem {
        Some(problem) => {
            let body = problem.of_request(&id.0).to_json();
            response.map_body(|_, _| BoxBody::new(body))
        }
        None => response.map_into_boxed_body(),
    };
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(HEADER, value);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_clients() {
        for fit in ["a", "018f-_.Z", &"x".repeat(64)] {
            assert!(is_fit(fit), "{fit}");
        }
        for unfit in ["", "a b", "ä", "a\n", "<b>", &"x".repeat(65)] {
            assert!(!is_fit(unfit), "{unfit:?}");
        }
    }

    #[test]
    fn own_ids_differ_and_are_fit() {
        let (one, other) = (RequestId::new(), RequestId::new());
        assert_ne!(one.as_str(), other.as_str());
        assert!(is_fit(one.as_str()), "{one:?}");
    }
}
