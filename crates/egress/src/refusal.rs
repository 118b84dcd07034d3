//! Keeps the headers of a refused upgrade.
//!
//! awc reports only the status of a refused handshake, but the platform's reason is in the headers. This middleware
//! reads the answer to every upgrade before awc does, and turns any status but 101 into an error with the headers. It
//! has no state, so any number of dials may use one client.

use std::fmt;
use std::rc::Rc;

use actix_http::ResponseHead;
use actix_service::Service;
use awc::error::SendRequestError;
use awc::http::StatusCode;
use awc::middleware::Transform;
use awc::{ConnectRequest, ConnectResponse};
use futures_util::future::LocalBoxFuture;

/// The server's answer to an upgrade that it refused.
#[derive(Clone, PartialEq, Eq)]
pub struct RefusedUpgrade {
    /// HTTP status; never 101.
    pub http_status: u16,
    /// Headers in the order received, names in lower case. Bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
}

impl RefusedUpgrade {
    fn of(head: &ResponseHead) -> Self {
        let headers = head.headers().iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        Self {
            http_status: head.status.as_u16(),
            headers: headers.collect(),
        }
    }

    /// The first value of the header `name`, ignoring case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value)
    }
}

impl fmt::Debug for RefusedUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values are left out, because one may be a cookie or another credential.
        f.debug_struct("RefusedUpgrade")
            .field("http_status", &self.http_status)
            .field(
                "headers",
                &self
                    .headers
                    .iter()
                    .map(|(name, _)| name)
                    .collect::<Vec<_>>(),
            )
            .finish()
    }
}

impl fmt::Display for RefusedUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "upgrade refused with http status {}", self.http_status)
    }
}

impl std::error::Error for RefusedUpgrade {}

/// The awc middleware described at the top of this file.
pub(crate) struct KeepRefusals;

impl<S> Transform<S, ConnectRequest> for KeepRefusals
where
    S: Service<ConnectRequest, Response = ConnectResponse, Error = SendRequestError> + 'static,
{
    type Transform = KeepRefusalsService<S>;

    fn new_transform(self, service: S) -> Self::Transform {
        KeepRefusalsService {
            inner: Rc::new(service),
        }
    }
}

pub(crate) struct KeepRefusalsService<S> {
    inner: Rc<S>,
}

impl<S> Service<ConnectRequest> for KeepRefusalsService<S>
where
    S: Service<ConnectRequest, Response = ConnectResponse, Error = SendRequestError> + 'static,
{
    type Response = ConnectResponse;
    type Error = SendRequestError;
    type Future = LocalBoxFuture<'static, Result<ConnectResponse, SendRequestError>>;

    actix_service::forward_ready!(inner);

    fn call(&self, request: ConnectRequest) -> Self::Future {
        let answer = self.inner.call(request);
        Box::pin(async move {
            match answer.await? {
                ConnectResponse::Tunnel(head, _)
                    if head.status != StatusCode::SWITCHING_PROTOCOLS =>
                {
                    Err(SendRequestError::Custom(
                        Box::new(RefusedUpgrade::of(&head)),
                        Box::new("upgrade refused"),
                    ))
                }
                granted => Ok(granted),
            }
        })
    }
}
