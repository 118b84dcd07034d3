//! Faults that somebody provokes from outside, where the settings allow it: what no test can bring about otherwise.

use super::Fleet;
use crate::fault::InjectError;
use crate::installation::{InjectChild, InjectSender};
use crate::kind::FleetActor;
use crate::supervisor::{EndArbiterOf, Slept};
use longwire_actor::{Fault, Inject};
use std::time::Duration;

impl Fleet {
    fn check_injection(&self) -> Result<(), InjectError> {
        if self.context.fault_injection {
            Ok(())
        } else {
            Err(InjectError::Off)
        }
    }

    /// Provokes a fault in one actor.
    ///
    /// # Errors
    /// [`InjectError`]: switched off, or nobody by that name. An actor that does not live right now is not an error.
    pub fn inject(
        &self,
        installation: &str,
        actor: FleetActor,
        fault: Fault,
    ) -> Result<(), InjectError> {
        self.check_injection()?;
        let entry = self.bots.find(installation).ok_or(InjectError::Absent)?;
        match actor {
            FleetActor::Supervisor => self.supervisor.send(Inject(fault)),
            FleetActor::Dispatch => {
                if let Some(dispatch) = self.dispatch() {
                    dispatch.send(Inject(fault));
                }
            }
            FleetActor::Installation => {
                if let Some(installation) = entry.installation {
                    installation.send(Inject(fault));
                }
            }
            FleetActor::Connection(actor) => {
                if let Some(installation) = entry.installation {
                    installation.send(InjectChild(actor, fault));
                }
            }
            FleetActor::Sender => {
                if let Some(installation) = entry.installation {
                    installation.send(InjectSender(fault));
                }
            }
        }
        Ok(())
    }

    /// Ends the thread that carries an installation, and with it everybody who lives there.
    ///
    /// # Errors
    /// As [`inject`](Self::inject).
    pub fn end_arbiter(&self, installation: &str) -> Result<(), InjectError> {
        self.check_injection()?;
        let entry = self.bots.find(installation).ok_or(InjectError::Absent)?;
        self.supervisor.send(EndArbiterOf(entry.bot.id));
        Ok(())
    }

    /// Does what follows a sleep of the host.
    ///
    /// # Errors
    /// [`InjectError::Off`].
    pub fn inject_sleep(&self, slept: Duration) -> Result<(), InjectError> {
        self.check_injection()?;
        self.supervisor.send(Slept(slept));
        Ok(())
    }
}
