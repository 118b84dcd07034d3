//! Which client plays a story, and what it plays it against.

use crate::sdk::Sdk;

/// What stands between a client and the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Between {
    /// The client speaks to the simulator itself, as it would to the platform.
    Nothing,
    /// The client speaks to longwire's relay, and longwire holds the bot.
    Longwire,
}

/// The cast of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scene {
    pub(crate) sdk: Sdk,
    pub(crate) between: Between,
}
