//! Events that are not recorded, where the platform sends none again: counted for the bot and for all, and said in the log.
//! Wherever one is lost, it is lost here: one by one what was read, and by connections what was not.

use crate::bot::Bot;
use crate::context::FleetContext;
use longwire_link::Generation;
use longwire_link::session::LossReason;
use std::sync::atomic::Ordering::Relaxed;

/// Why events are lost.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LossCause {
    /// The session has said why.
    Session(LossReason),
    /// The connection's actor failed, or the process did not wait for it.
    ActorEnded,
}

/// So many events of a connection are lost. Nothing is counted twice: `let_go` takes them out of what the bot shows as
/// unanswered, in the same moment in which it is seen how many of them a stop has told.
pub(crate) fn count(
    cause: LossCause,
    fleet: &FleetContext,
    bot: &Bot,
    generation: Generation,
    events: u64,
    let_go: impl FnOnce(),
) {
    let untold = {
        let mut told = bot.told_losses();
        let_go();
        let known = events.min(*told);
        *told -= known;
        events - known
    };
    tell(cause, fleet, bot, generation, untold);
}

/// The store takes nothing any more: what the bot shows as unanswered goes with the process. Its connections still hold it.
pub(crate) fn count_unanswered(fleet: &FleetContext, bot: &Bot) {
    let untold = {
        let mut told = bot.told_losses();
        let unanswered = bot.tally.unanswered.load(Relaxed);
        let untold = unanswered.saturating_sub(*told);
        *told += untold;
        untold
    };
    let cause = LossCause::Session(LossReason::ProcessEnds);
    tell(cause, fleet, bot, bot.generation(), untold);
}

fn tell(cause: LossCause, fleet: &FleetContext, bot: &Bot, generation: Generation, events: u64) {
    if events == 0 {
        return;
    }
    fleet.totals.unrecorded.fetch_add(events, Relaxed);
    bot.tally.unrecorded.fetch_add(events, Relaxed);
    let (reason, next_step) = explain(cause);
    tracing::error!(
        name = %bot.record().name,
        installation = bot.public_id,
        generation = generation.0,
        events,
        reason,
        next_step,
        "events were read and are lost; the platform does not send them again"
    );
}

/// The reason and what to do, in words.
fn explain(cause: LossCause) -> (&'static str, &'static str) {
    match cause {
        LossCause::Session(LossReason::Rule) => (
            "a rule of the schema refuses them",
            "read the store's own line about it",
        ),
        LossCause::Session(LossReason::ProcessEnds) => (
            "the process ends before the store has taken them",
            "clear the store's trouble before longwire is stopped; `/readyz` says what it is",
        ),
        LossCause::Session(LossReason::NoRoom) => (
            "the store takes nothing, and connections that ended keep as much as they may",
            "clear the store's trouble; `/readyz` says what it is",
        ),
        LossCause::ActorEnded => (
            "the connection's actor ended before the store had them",
            "read what the log says before this: an actor failed, or the process ended in a hurry",
        ),
    }
}

/// A connection ended, and not all was read that had come over it. How many events that were, nobody knows.
pub(crate) fn left_unread(fleet: &FleetContext, bot: &Bot, generation: Generation) {
    fleet.totals.left_unread.fetch_add(1, Relaxed);
    bot.tally.left_unread.fetch_add(1, Relaxed);
    tracing::error!(
        name = %bot.record().name,
        installation = bot.public_id,
        generation = generation.0,
        next_step = "clear the store's trouble, which `/readyz` names; without one, read what the log says before this: an \
                     actor failed, or memory for unfinished messages ran out",
        "a connection ended with input unread; the platform does not send it again"
    );
}
