//! What an endpoint is, and what one post may take.

use std::sync::Arc;
use std::time::Duration;

use super::headers::EndpointHeaders;
use super::target::EndpointUrl;
use super::tls::EndpointCa;
use crate::address_filter::AddressFilter;

/// What is constant for one endpoint.
#[derive(Debug, Clone)]
pub struct EndpointSettings {
    /// Where to post to.
    pub url: EndpointUrl,
    /// The owner's own headers.
    pub headers: EndpointHeaders,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The authority that alone vouches for the endpoint's certificate; the gateway's roots if there is none.
    pub ca: Option<EndpointCa>,
    /// The addresses that may be dialled.
    pub filter: Arc<AddressFilter>,
    /// The most connections that are kept open without a request.
    pub max_idle: usize,
    /// How long a connection is kept without a request, if the endpoint does not name a shorter time. Common servers
    /// close after 5 s (Node, uvicorn) to 75 s (nginx).
    pub idle: Duration,
}

impl EndpointSettings {
    /// JSON, no headers of the owner's, the gateway's roots, and 4 idle connections kept for 60 s each.
    #[must_use]
    pub fn new(url: EndpointUrl, filter: Arc<AddressFilter>) -> Self {
        Self {
            url,
            headers: EndpointHeaders::none(),
            content_type: "application/json",
            ca: None,
            filter,
            max_idle: 4,
            idle: Duration::from_secs(60),
        }
    }
}

/// What one post may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostLimits {
    /// Time from the call to the answer, with lookup, proxy and TLS.
    pub deadline: Duration,
    /// The bytes of the answer's body that are kept; 256 KiB at most.
    pub keep_bytes: usize,
}

impl Default for PostLimits {
    /// 20 s, within the 15 to 30 s that Standard Webhooks recommends, and 16 KiB.
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(20),
            keep_bytes: 16 * 1024,
        }
    }
}
