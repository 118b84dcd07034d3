//! How a connection with changed access is made, and what comes of it.

use crate::setback::Setback;

/// How a connection with changed access takes the place of the one before.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Renewal {
    /// The platform serves several connections of a bot. The new one is proved by its first pong, and the old one is closed
    /// then. An attempt that fails for a reason that may pass is repeated.
    Beside,
    /// The platform serves the connection that subscribed last. The new one is proved by its subscription, which displaces
    /// the old one. It is tried once, because an operator chose the moment.
    Displacing,
}

/// What came of a [`Renewal`].
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum RenewalEnd {
    /// The new connection serves the bot, and its generation is the link's.
    Proved,
    /// The platform, the proxy or our own policy objects, so an operator has to act. The old connection stays.
    Refused(Setback),
    /// It failed for a reason that may pass. Only of [`Renewal::Displacing`]; the old connection stays.
    Failed(Setback),
    /// It was not finished: the installation was stopped or changed once more, or the old connection was lost before the
    /// new one had begun.
    GivenUp,
}
