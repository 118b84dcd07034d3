//! The second connection that is made when the access of a live bot changed, as [`Link`](longwire_link::Link) decides.
//!
//! Until it is proved, all that belongs to it lies here, and the connection that serves has the usual places. Then it takes
//! those. What its end means for a candidate among the secrets stands in `candidate.rs`.

use super::Installation;
use super::connection::Connection;
use super::messages::AttemptPermit;
use crate::access::Access;
use crate::clock::{now, unix_ms};
use crate::try_secret::TryTeller;
use crate::view::{RenewalOutcome, RenewalView};
use longwire_actor::Context;
use longwire_egress::SocketPermit;
use longwire_installation::Revision;
use longwire_link::{Generation, Renewal, RenewalEnd};
use longwire_store::{InstallationRecord, TimelineKind};
use longwire_wire::frame::ServiceId;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// A second connection that is being made.
pub(super) struct Renewing {
    /// What it connects with: the row as it is once the candidate is promoted, or the changed row.
    pub(super) record: Arc<InstallationRecord>,
    /// Which candidate it proves, if it proves one.
    pub(super) candidate: Option<Revision>,
    /// Held until it is open or given up.
    pub(super) attempt: Option<Box<AttemptPermit>>,
    pub(super) socket_permit: Option<SocketPermit>,
    /// Between bootstrap and dial.
    pub(super) access: Option<Box<(Generation, Access)>>,
    pub(super) service: Option<ServiceId>,
    pub(super) connection: Option<Connection>,
    /// The platform's text about the latest failure.
    pub(super) detail: String,
    /// Since when the bot has had no connection.
    pub(super) lost: Option<Instant>,
    /// Who waits for what comes of it.
    pub(super) teller: Option<TryTeller>,
}

impl Renewing {
    pub(super) fn with(record: Arc<InstallationRecord>) -> Self {
        Self {
            record,
            candidate: None,
            attempt: None,
            socket_permit: None,
            access: None,
            service: None,
            connection: None,
            detail: String::new(),
            lost: None,
            teller: None,
        }
    }
}

impl Installation {
    /// Makes a second connection beside the live one.
    pub(super) fn renew(&mut self, how: Renewal, with: Renewing, ctx: &mut Context<Self>) {
        if self.renewing.is_some() {
            self.link.handle_renewal_withdrawn();
            self.carry_out(ctx);
        }
        self.link.handle_renewal(how, now());
        if self.link.renewing().is_some() {
            self.renewing = Some(Box::new(with));
        }
    }

    /// The second connection that is being made, if this is its latest attempt.
    pub(super) fn renewing(&mut self, generation: Generation) -> Option<&mut Renewing> {
        match self.link.renewing() == Some(generation) {
            true => self.renewing.as_deref_mut(),
            false => None,
        }
    }

    /// What the attempt of this generation connects with.
    pub(super) fn record_of(&mut self, generation: Generation) -> Arc<InstallationRecord> {
        match self.renewing(generation) {
            Some(renewing) => Arc::clone(&renewing.record),
            None => Arc::clone(&self.record),
        }
    }

    /// The place of its permit for an open connection.
    pub(super) fn socket_permit_of(&mut self, generation: Generation) -> &mut Option<SocketPermit> {
        if self.link.renewing() == Some(generation)
            && let Some(renewing) = &mut self.renewing
        {
            return &mut renewing.socket_permit;
        }
        &mut self.socket_permit
    }

    /// The connection that serves is lost, and another one is being made already: from now on the bot has none.
    pub(super) fn lost_while_renewing(&mut self) {
        if let Some(renewing) = &mut self.renewing {
            renewing.lost.get_or_insert_with(now);
        }
    }

    /// Gives the second connection the place of the first, if it is the link's by now. Answers whether it did.
    pub(super) fn adopt_renewed(&mut self) -> bool {
        let generation = self.link.generation();
        let Some(renewing) = &mut self.renewing else {
            return false;
        };
        let Some(connection) =
            (renewing.connection).take_if(|connection| connection.generation == generation)
        else {
            return false;
        };
        self.connection = Some(connection);
        self.attempt = renewing.attempt.take();
        self.socket_permit = renewing.socket_permit.take();
        self.service = renewing.service;
        self.access = None;
        true
    }

    /// The link says what came of it.
    pub(super) fn renewal_ended(
        &mut self,
        generation: Generation,
        end: RenewalEnd,
        ctx: &mut Context<Self>,
    ) {
        if end == RenewalEnd::Proved && self.adopt_renewed() {
            self.serves();
        }
        let Some(renewing) = self.renewing.take() else {
            return;
        };
        let gap = renewing.lost.map_or(0, |lost| {
            let gap = now().saturating_duration_since(lost);
            u64::try_from(gap.as_millis()).unwrap_or(u64::MAX)
        });
        let (outcome, setback) = match end {
            RenewalEnd::Proved => (RenewalOutcome::Proved, None),
            RenewalEnd::Refused(setback) => (RenewalOutcome::Refused, Some(setback)),
            RenewalEnd::Failed(setback) => (RenewalOutcome::Failed, Some(setback)),
            RenewalEnd::GivenUp => (RenewalOutcome::GivenUp, None),
        };
        let reason = setback.map(|setback| match renewing.detail.as_str() {
            "" => setback.to_string(),
            detail => format!("{setback}: {detail}"),
        });
        let view = RenewalView {
            at_ms: unix_ms(),
            outcome,
            is_of_candidate: renewing.candidate.is_some(),
            reason,
            next_step: setback.map(|setback| setback.next_step()),
            generation: generation.0,
            gap_ms: gap,
        };
        self.tell_renewal(&view);
        if outcome == RenewalOutcome::Proved && renewing.candidate.is_some() {
            // The row may have changed meanwhile, but for its access.
            let promoted = self.record.with_candidate().map(Arc::new);
            let is_proved = |row: &Arc<InstallationRecord>| row.has_same_access(&renewing.record);
            let promoted = promoted.filter(is_proved);
            self.record = promoted.unwrap_or_else(|| Arc::clone(&renewing.record));
        }
        self.candidate_tried(*renewing, &view, ctx);
    }

    /// Counts, logs and notes what came of it.
    fn tell_renewal(&self, view: &RenewalView) {
        let what = match view.is_of_candidate {
            true => "the new secret",
            false => "the changed access",
        };
        let (app_id, installation) = (&self.record.app_id, &self.bot.public_id);
        let (generation, gap_ms) = (view.generation, view.gap_ms);
        let reason = view.reason.as_deref().unwrap_or_default();
        let connections = &self.fleet.totals;
        match view.outcome {
            RenewalOutcome::Proved => {
                connections.renewed.fetch_add(1, Relaxed);
                tracing::info!(
                    name = %self.record.name,
                    app_id,
                    installation,
                    generation,
                    gap_ms,
                    "the platform took {what}, and a connection with it serves"
                );
                let text = format!("{what}; {gap_ms} ms without a connection");
                self.note(Generation(generation), TimelineKind::Renewed, text);
            }
            RenewalOutcome::Refused | RenewalOutcome::Failed => {
                connections.renewals_failed.fetch_add(1, Relaxed);
                let next_step = view.next_step.unwrap_or_default();
                tracing::warn!(
                    name = %self.record.name,
                    app_id,
                    installation,
                    generation,
                    reason,
                    next_step,
                    "no connection with {what}; the one before goes on"
                );
                let text = format!("{what}: {reason}. {next_step}");
                self.note(Generation(generation), TimelineKind::RenewalFailed, text);
            }
            // What ended it is told itself.
            RenewalOutcome::GivenUp => return,
        }
        self.bot.renewed(view.clone());
    }
}
