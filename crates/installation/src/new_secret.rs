//! What becomes of a new app secret: it is used at once, or it is a candidate until the platform has taken it.
//!
//! A secret with a typing mistake would end the connection of a bot that works. So while a bot is connected, the new secret
//! waits beside the old one. On Feishu and Lark it is proven by a bootstrap, beside the connection that lives. WeCom grants one
//! connection, so there the secret is tried when an operator says so, and the old one comes back if it is refused.

use crate::{Desired, Mode};

/// How a bot fares with the secret that it has, as whoever runs it sees it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum PresentSecret {
    /// The platform took it, or nobody knows that it did not.
    InUse,
    /// The platform refused it, or nobody runs the bot.
    NotInUse,
}

/// What becomes of a new secret.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum NewSecretUse {
    /// It is the bot's secret from now on.
    AtOnce,
    /// It waits beside the present one.
    Candidate,
}

impl NewSecretUse {
    /// What becomes of a new secret of a bot that is `desired` and has this `mode`. With no connection there is none that
    /// the new secret could end.
    #[must_use]
    pub fn decide(desired: Desired, mode: Mode, present: PresentSecret) -> Self {
        match (desired, present) {
            (Desired::Run, PresentSecret::InUse) if mode.connects() => Self::Candidate,
            (Desired::Run, PresentSecret::InUse | PresentSecret::NotInUse)
            | (Desired::Stop, PresentSecret::InUse | PresentSecret::NotInUse) => Self::AtOnce,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_connection_that_works_is_spared() {
        for &desired in Desired::ALL {
            for &mode in Mode::ALL {
                for present in [PresentSecret::InUse, PresentSecret::NotInUse] {
                    let works = desired == Desired::Run
                        && mode != Mode::Webhook
                        && present == PresentSecret::InUse;
                    let wanted = match works {
                        true => NewSecretUse::Candidate,
                        false => NewSecretUse::AtOnce,
                    };
                    assert_eq!(NewSecretUse::decide(desired, mode, present), wanted);
                }
            }
        }
    }
}
