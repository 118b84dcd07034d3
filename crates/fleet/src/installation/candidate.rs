//! A new secret that waits until the platform has taken it, as the row says.
//!
//! On Feishu and Lark it is tried at once, on a connection beside the one that serves. On WeCom it is tried when an operator
//! says so ([`TrySecret`]), because the platform ends the connection that serves and with it what is under way over it. A bot
//! that has no connection to lose takes it at once. The store is told what came of it, and is asked again if it fails.

use super::Installation;
use super::messages::RowChanged;
use super::renewal::Renewing;
use crate::setback::chain;
use crate::try_secret::{SecretTried, TrySecretError, TryTeller};
use crate::view::{RenewalOutcome, RenewalView};
use actix::{ActorFutureExt, AsyncContext, Handler, Message, WrapFuture};
use longwire_actor::{Context, send};
use longwire_installation::{Desired, Platform, Revision};
use longwire_link::{Renewal, State};
use longwire_store::{CandidateState, InstallationRecord, WriteError};
use std::sync::Arc;
use std::time::Duration;

/// Try the new secret that waits. From the fleet's handle; bounded by its callers.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct TrySecret(pub(crate) TryTeller);

/// What the store is told about a candidate.
#[derive(Clone)]
enum Verdict {
    /// It is the secret.
    Taken,
    /// The platform refused it, for this reason.
    Refused(String),
}

/// The store took a [`Verdict`], or did not.
struct Settled;

/// So long after the store could not keep a verdict it is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(5);

impl Installation {
    /// The candidate that waits.
    fn waiting_candidate(&self) -> Option<Revision> {
        let candidate = self.record.candidate.as_deref()?;
        (candidate.state == CandidateState::Waiting).then_some(candidate.revision)
    }

    /// Whether this candidate is tried already, or the store is being told about it.
    fn is_under_way(&self, candidate: Revision) -> bool {
        let renewing = self.renewing.as_deref();
        self.settling == Some(candidate)
            || renewing.is_some_and(|renewing| renewing.candidate == Some(candidate))
    }

    /// Does about a candidate what the state calls for. Called after each change of the row and of the state.
    pub(super) fn tend_candidate(&mut self, ctx: &mut Context<Self>) {
        let Some(candidate) = self.waiting_candidate() else {
            return;
        };
        if self.is_under_way(candidate) || self.drain.is_some() {
            return;
        }
        match (self.link.state(), self.record.platform) {
            (State::Live { .. }, Platform::Feishu | Platform::Lark) => {
                self.try_candidate(Renewal::Beside, candidate, None, ctx);
            }
            // There is no connection that a wrong one could cost.
            (State::Refused { .. } | State::Webhook, _) => {
                self.settle(candidate, Verdict::Taken, None, ctx);
            }
            (State::Stopped, _) if self.record.desired == Desired::Stop => {
                self.settle(candidate, Verdict::Taken, None, ctx);
            }
            _ => {}
        }
    }

    fn try_candidate(
        &mut self,
        how: Renewal,
        candidate: Revision,
        teller: Option<TryTeller>,
        ctx: &mut Context<Self>,
    ) {
        if let Some(record) = self.record.with_candidate() {
            let with = Renewing {
                candidate: Some(candidate),
                teller,
                ..Renewing::with(Arc::new(record))
            };
            self.renew(how, with, ctx);
        }
    }

    /// A second connection is proved, or is not. Tells whoever waits, and the store if it is about a candidate.
    pub(super) fn candidate_tried(
        &mut self,
        renewing: Renewing,
        view: &RenewalView,
        ctx: &mut Context<Self>,
    ) {
        let told = match view.outcome {
            RenewalOutcome::Proved => Ok(SecretTried {
                generation: view.generation,
                gap_ms: view.gap_ms,
            }),
            RenewalOutcome::Refused => Err(TrySecretError::Refused {
                reason: view.reason.clone().unwrap_or_default(),
                next_step: view.next_step.unwrap_or_default(),
            }),
            RenewalOutcome::Failed => Err(TrySecretError::Failed {
                reason: view.reason.clone().unwrap_or_default(),
            }),
            RenewalOutcome::GivenUp => Err(TrySecretError::GivenUp),
        };
        let verdict = match &told {
            Ok(_) => Some(Verdict::Taken),
            Err(TrySecretError::Refused { reason, .. }) => Some(Verdict::Refused(reason.clone())),
            Err(_) => None,
        };
        let told = renewing.teller.map(|teller| (teller, told));
        match (verdict, renewing.candidate) {
            (Some(verdict), Some(candidate)) => self.settle(candidate, verdict, told, ctx),
            _ => tell(told),
        }
    }

    /// Has the store keep what is known of a candidate, and then tells whoever waits.
    fn settle(
        &mut self,
        candidate: Revision,
        verdict: Verdict,
        told: Option<(TryTeller, Result<SecretTried, TrySecretError>)>,
        ctx: &mut Context<Self>,
    ) {
        self.settling = Some(candidate);
        let (store, id, kept) = (self.fleet.store.clone(), self.bot.id, verdict.clone());
        let written = actix_rt::task::spawn_blocking(move || match kept {
            Verdict::Taken => store.promote_candidate(id, candidate),
            Verdict::Refused(reason) => store.drop_candidate(id, candidate, reason),
        });
        ctx.spawn(written.into_actor(self).map(move |written, this, ctx| {
            let _working = ctx.working::<Settled>();
            let failure = match written {
                // Another one waits by now, or the bot was removed: the row that comes says so.
                Ok(
                    Ok(_)
                    | Err(WriteError::Outdated { .. } | WriteError::UnknownInstallation { .. }),
                ) => None,
                Ok(Err(error)) => Some(chain(&error)),
                // The writing itself panicked.
                Err(error) => Some(chain(&error)),
            };
            match failure {
                None => {
                    tell(told);
                    send(&*this.supervisor, RowChanged);
                }
                Some(error) => {
                    let installation = &this.bot.public_id;
                    tracing::warn!(
                        name = %this.record.name,
                        installation,
                        error,
                        "the store cannot keep what became of a new secret; trying again in 5 s"
                    );
                    ctx.work_later::<Settled>(ASK_AGAIN, move |this, ctx| {
                        this.settle(candidate, verdict, told, ctx);
                    });
                }
            }
        }));
    }

    /// The row as it concerns this installation: with the candidate that its connection has proved, until the store has
    /// promoted that.
    pub(super) fn as_proved(&self, record: Arc<InstallationRecord>) -> Arc<InstallationRecord> {
        match record.with_candidate() {
            Some(proved) if proved.has_same_access(&self.record) => Arc::new(proved),
            _ => record,
        }
    }

    /// The store has a changed row: a candidate that it no longer shows as waiting is settled.
    pub(super) fn forget_settled(&mut self) {
        if self.settling != self.waiting_candidate() {
            self.settling = None;
        }
    }
}

fn tell(told: Option<(TryTeller, Result<SecretTried, TrySecretError>)>) {
    if let Some((teller, told)) = told {
        // Whoever asked may have gone.
        drop(teller.send(told));
    }
}

impl Handler<TrySecret> for Installation {
    type Result = ();

    fn handle(&mut self, TrySecret(teller): TrySecret, ctx: &mut Self::Context) {
        let refusal = match (self.waiting_candidate(), self.link.state()) {
            (None, _) => TrySecretError::NoCandidate,
            // It was tried; the row that says so is on its way.
            (Some(candidate), _) if self.settling == Some(candidate) => TrySecretError::NoCandidate,
            (Some(candidate), State::Live { .. }) => {
                let renewing = self.renewing.as_deref_mut();
                let how = match self.record.platform {
                    Platform::Feishu | Platform::Lark => Renewal::Beside,
                    Platform::Wecom => Renewal::Displacing,
                };
                match renewing {
                    // It waits for a trouble to pass, or is on its way.
                    Some(renewing) if renewing.candidate == Some(candidate) => {
                        renewing.teller = Some(teller);
                    }
                    _ => self.try_candidate(how, candidate, Some(teller), ctx),
                }
                return self.drive(ctx);
            }
            (Some(_), state) => TrySecretError::NotConnected {
                state: state.label(),
            },
        };
        drop(teller.send(Err(refusal)));
    }
}
