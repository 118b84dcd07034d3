//! Faults provoked on purpose, where the configuration allows it: the way to see that a panic stays one bot's own.

use actix::Message;

/// What to provoke in one actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A panic inside a handler.
    Panic,
    /// A stop nobody asked for.
    Stop,
}

impl Fault {
    /// From its label, `panic` or `stop`.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        match label {
            "panic" => Some(Self::Panic),
            "stop" => Some(Self::Stop),
            _ => None,
        }
    }
}

/// Do this to yourself. From the fleet's handle, only when fault injection is on.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(crate) struct Inject(pub(crate) Fault);

/// Why a fault was not injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InjectError {
    /// The configuration does not allow it.
    #[error("fault injection is off; set fault_injection = true in [debug]")]
    Off,
    /// Nobody by that name.
    #[error("no such installation")]
    Absent,
}
