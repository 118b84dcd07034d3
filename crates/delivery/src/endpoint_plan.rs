//! The settings of an endpoint's client, as a definition has them.

use std::sync::Arc;

use longwire_consumer::WebhookRoad;
use longwire_egress::endpoint::{
    EndpointCa, EndpointCaError, EndpointHeaders, EndpointSettings, EndpointUrlError, HeaderRefused,
};
use longwire_egress::{AddressFilter, BlockedAddress};

/// Why nothing can be posted to the endpoint of a definition.
#[derive(Debug, thiserror::Error)]
pub enum EndpointRefused {
    /// Its URL.
    #[error("the URL of the webhook cannot be used")]
    Url(#[from] EndpointUrlError),
    /// Its host is an address, or the name of one, where no webhook is delivered.
    #[error(transparent)]
    Blocked(#[from] BlockedAddress),
    /// One of its headers.
    #[error("a header of the webhook cannot be sent")]
    Header(#[from] HeaderRefused),
    /// Its certificates.
    #[error("the certificates of the webhook cannot be used")]
    Ca(#[from] EndpointCaError),
}

impl EndpointRefused {
    /// The member of the definition that is wrong, as a JSON pointer.
    #[must_use]
    pub fn pointer(&self) -> &'static str {
        match self {
            Self::Url(_) | Self::Blocked(_) => "/road/url",
            Self::Header(_) => "/road/headers",
            Self::Ca(_) => "/road/ca",
        }
    }
}

/// The settings of the client for bodies of this type, with so many posts at a time.
pub(crate) fn endpoint_settings(
    road: &WebhookRoad,
    filter: &Arc<AddressFilter>,
    content_type: &'static str,
    concurrency: usize,
) -> Result<EndpointSettings, EndpointRefused> {
    let url = road.url.as_str().parse()?;
    let mut settings = EndpointSettings::new(url, Arc::clone(filter));
    settings.headers = EndpointHeaders::new(road.headers.expose())?;
    settings.content_type = content_type;
    settings.max_idle = concurrency;
    if let Some(ca) = &road.ca {
        settings.ca = Some(EndpointCa::from_pem(ca.as_bytes())?);
    }
    Ok(settings)
}
