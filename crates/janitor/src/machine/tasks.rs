//! What is to be done in a round, and the steps of it.

use longwire_installation::InstallationId;
use longwire_store::{ListedEvent, NumberGap, RetentionStep, StepDone};
use longwire_wire::event::Seq;

use super::Action;
use super::pace::Pace;
use crate::look::Look;

/// Numbers of the log that are looked at in one go for a list.
const LISTED_AT_A_TIME: i64 = 4_096;

/// One thing, with its end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Task {
    Mark,
    DeleteKeys {
        through: i64,
    },
    Expire {
        through: i64,
    },
    List {
        installations: Vec<InstallationId>,
        after: Seq,
        until: Seq,
        found: Option<Vec<ListedEvent>>,
    },
    ExpireOf {
        installation: InstallationId,
        through: Seq,
        read_through: Seq,
        /// How many are left to go.
        events: u64,
    },
    Hash {
        installation: InstallationId,
        through: Seq,
    },
    Journeys {
        through: Seq,
    },
    Audit {
        before_ms: i64,
    },
    Timelines {
        before_ms: i64,
    },
    Tokens {
        before_ms: i64,
    },
    Authorizations {
        before_ms: i64,
    },
    Forget {
        installation: InstallationId,
    },
    GiveBack {
        /// How many are left.
        pages: u64,
    },
}

impl Task {
    /// The next step.
    pub(super) fn action(&self, look: &Look, pace: &Pace) -> Action {
        let rows = pace.rows();
        let span = i64::try_from(rows).unwrap_or(i64::MAX);
        let state = &look.state;
        Action::Step(match self {
            Self::Mark => RetentionStep::Mark,
            Self::DeleteKeys { through } => RetentionStep::DeleteKeys {
                through: Seq(
                    NumberGap::skip(&state.gaps, state.deleted_through + span).min(*through)
                ),
            },
            Self::Expire { through } => RetentionStep::Expire {
                through: Seq(NumberGap::skip(&state.gaps, state.gone_through + span).min(*through)),
            },
            Self::List {
                installations,
                after,
                until,
                found,
            } => {
                let end = NumberGap::skip(&state.gaps, after.0 + LISTED_AT_A_TIME);
                let through = Seq(end.min(until.0));
                match found {
                    None => {
                        return Action::Find {
                            installations: installations.clone(),
                            after: *after,
                            through,
                        };
                    }
                    Some(found) => RetentionStep::List {
                        installations: installations.clone(),
                        through,
                        found: found.clone(),
                    },
                }
            }
            Self::ExpireOf {
                installation,
                through,
                read_through,
                events,
            } => RetentionStep::ExpireOf {
                installation: *installation,
                through: *through,
                read_through: *read_through,
                events: rows.min(usize::try_from(*events).unwrap_or(usize::MAX)),
            },
            Self::Hash {
                installation,
                through,
            } => RetentionStep::Hash {
                installation: *installation,
                through: *through,
                events: rows,
            },
            Self::Journeys { through } => RetentionStep::Journeys {
                through: *through,
                rows,
            },
            Self::Audit { before_ms } => RetentionStep::Audit {
                before_ms: *before_ms,
                rows,
            },
            Self::Timelines { before_ms } => RetentionStep::Timelines {
                before_ms: *before_ms,
                rows,
            },
            Self::Tokens { before_ms } => RetentionStep::Tokens {
                before_ms: *before_ms,
            },
            Self::Authorizations { before_ms } => RetentionStep::Authorizations {
                before_ms: *before_ms,
            },
            Self::Forget { installation } => RetentionStep::Forget {
                installation: *installation,
            },
            Self::GiveBack { pages } => RetentionStep::GiveBack {
                pages: pace.pages().min(u32::try_from(*pages).unwrap_or(u32::MAX)),
            },
        })
    }

    /// What was found for the list.
    pub(super) fn found(&mut self, events: Vec<ListedEvent>) {
        if let Self::List { found, .. } = self {
            *found = Some(events);
        }
    }

    /// A step of it is done, which had this many rows. Returns whether all of it is.
    pub(super) fn done(&mut self, done: StepDone, look: &mut Look, pace: &Pace) -> bool {
        let span = i64::try_from(pace.rows()).unwrap_or(i64::MAX);
        let state = &mut look.state;
        match self {
            Self::Mark
            | Self::Tokens { .. }
            | Self::Authorizations { .. }
            | Self::Forget { .. } => true,
            Self::DeleteKeys { through } => {
                state.deleted_through = (state.deleted_through + span).min(*through);
                state.deleted_through >= *through
            }
            // A step that came no further has nothing to take.
            Self::Expire { through } => {
                done.gone_through >= *through || done.gone_through <= state.gone_through
            }
            Self::List {
                after,
                until,
                found,
                ..
            } => {
                *after = Seq((after.0 + LISTED_AT_A_TIME).min(until.0));
                *found = None;
                after >= until
            }
            Self::ExpireOf { events, .. } => {
                *events = events.saturating_sub(done.changed);
                *events == 0 || done.changed == 0
            }
            Self::Hash { .. }
            | Self::Journeys { .. }
            | Self::Audit { .. }
            | Self::Timelines { .. } => done.changed == 0,
            Self::GiveBack { pages } => {
                *pages = pages.saturating_sub(done.changed);
                *pages == 0 || done.changed == 0
            }
        }
    }

    /// What it is, for whoever looks at the actor.
    pub(super) fn doing(&self) -> &'static str {
        match self {
            Self::Mark => "marking the newest event",
            Self::DeleteKeys { .. } => "deleting keys whose repeats cannot come any more",
            Self::Expire { .. } => "letting events go",
            Self::List { .. } => "listing events of bots with rules of their own",
            Self::ExpireOf { .. } => "letting events of one bot go",
            Self::Hash { .. } => "replacing payloads by their hashes",
            Self::Journeys { .. } => "letting journeys go",
            Self::Audit { .. } => "letting entries of the audit go",
            Self::Timelines { .. } => "letting notes of timelines go",
            Self::Tokens { .. } => "letting ended tokens go",
            Self::Authorizations { .. } => "letting ended authorizations go",
            Self::Forget { .. } => "forgetting a removed bot",
            Self::GiveBack { .. } => "giving space back to the disk",
        }
    }
}
