//! Mistakes in a definition.

use std::fmt;

/// What kind of mistake it is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum FaultCode {
    /// A member that has to be there is not.
    Missing,
    /// There is no such member.
    UnknownMember,
    /// The value is of another JSON type.
    WrongType,
    /// The value is of the right type and not allowed.
    InvalidValue,
    /// The number, duration or list is too small or too large.
    OutOfRange,
    /// The value is allowed, and does not go with another one.
    Conflict,
}

impl FaultCode {
    /// The stable word in problems.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::UnknownMember => "unknown_member",
            Self::WrongType => "wrong_type",
            Self::InvalidValue => "invalid_value",
            Self::OutOfRange => "out_of_range",
            Self::Conflict => "conflict",
        }
    }
}

/// One mistake in a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionFault {
    /// Where it is: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What kind of mistake.
    pub code: FaultCode,
    /// What would be right. Does not repeat values of headers.
    pub detail: String,
}

/// All mistakes in a definition, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionFaults(Vec<DefinitionFault>);

impl DefinitionFaults {
    /// These, of which there is at least one.
    #[must_use]
    pub fn new(faults: Vec<DefinitionFault>) -> Self {
        Self(faults)
    }

    /// The mistakes, in the order of the definition's members.
    #[must_use]
    pub fn all(&self) -> &[DefinitionFault] {
        &self.0
    }
}

impl fmt::Display for DefinitionFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, fault) in self.0.iter().enumerate() {
            let comma = if nth > 0 { "; " } else { "" };
            let pointer = if fault.pointer.is_empty() {
                "/"
            } else {
                &fault.pointer
            };
            write!(f, "{comma}{pointer}: {}", fault.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for DefinitionFaults {}
