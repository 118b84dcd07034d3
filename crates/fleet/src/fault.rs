//! Why a fault was not provoked on request. What a fault is, `longwire_actor::Fault` says.

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
