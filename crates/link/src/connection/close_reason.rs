//! Why a connection or an attempt is closed.

use crate::setback::Setback;

/// Why a connection or an attempt is closed.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// The operator stopped the installation.
    Stopped,
    /// Credentials or settings changed. The installation connects again at once.
    Reconfigured,
    /// The bot's events come over HTTP from now on.
    Webhook,
    /// Another connection, made with changed access, serves the bot instead.
    Renewed,
    /// The call or the dial was not reported in time.
    TimedOut,
    /// The connection is lost, for this reason.
    Lost(Setback),
    /// The actors of the connection ended too often.
    Restarting,
    /// It opened after its attempt had been given up.
    Stale,
}

impl CloseReason {
    /// A stable name for counters and logs.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Reconfigured => "reconfigured",
            Self::Webhook => "webhook",
            Self::Renewed => "renewed",
            Self::TimedOut => "timed_out",
            Self::Lost(setback) => setback.label(),
            Self::Restarting => "restarting",
            Self::Stale => "stale",
        }
    }
}
