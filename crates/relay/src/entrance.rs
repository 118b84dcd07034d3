//! What everybody needs who lets a connection in.

use std::sync::Arc;
use std::time::Duration;

use longwire_delivery::Deliveries;
use longwire_fleet::Fleet;
use longwire_listener::{AccessCheck, Draining, StreamPlaces};

use crate::connected::Connected;
use crate::public_url::PublicUrl;
use crate::refusals::Refusals;

/// What everybody needs who lets a connection in.
pub(crate) struct Entrance {
    pub(crate) fleet: Fleet,
    pub(crate) deliveries: Deliveries,
    pub(crate) access: AccessCheck,
    pub(crate) draining: Draining,
    pub(crate) handler_limit: Duration,
    pub(crate) ping_interval: Duration,
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) places: StreamPlaces,
    pub(crate) connected: Arc<Connected>,
    pub(crate) refusals: Refusals,
}
