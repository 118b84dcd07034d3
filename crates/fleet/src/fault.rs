//! Why a fault was not provoked. What one is, the actor kit knows.

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
