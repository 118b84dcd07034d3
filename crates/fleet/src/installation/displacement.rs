//! Has the store keep that another client has the bot, and when the bot was taken back: both must outlive the process.
//!
//! [`Link`](longwire_link::Link) decides what is recorded and what waits for that; the store's writer puts it on the
//! disk with its next transaction. If the process is killed within these milliseconds, the bot is connected once more at the
//! next start; likewise if the store takes nothing until the process ends.

use super::Installation;
use crate::clock::{now, unix_ms_at};
use actix::{Handler, Message};
use longwire_link::{Generation, State};
use longwire_store::Displacement;
use std::sync::Arc;
use std::time::Duration;

/// A take-back counts against the day's number for so long.
const COUNTED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// A take-back is on disk. From the store's writer, once for each time that it was told to record one, unless it was told
/// something newer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct TakeBackRecorded(Generation);

impl Installation {
    /// Records that another client has the bot.
    pub(super) fn record_displaced(&self) {
        if let State::Displaced { since, .. } = *self.link.state() {
            let displacement = self.displacement(Some(unix_ms_at(since)));
            self.fleet.writer.keep_displacement(displacement, || ());
        }
    }

    /// Records that the bot is taken back; [`TakeBackRecorded`] says when that is on disk.
    pub(super) fn record_take_back(&self, generation: Generation) {
        let me = Arc::clone(&self.me);
        // Bounded: one answer to each question of the link, which asks again after minutes.
        let tell = move || me.send(TakeBackRecorded(generation));
        let displacement = self.displacement(None);
        self.fleet.writer.keep_displacement(displacement, tell);
    }

    fn displacement(&self, displaced_ms: Option<i64>) -> Displacement {
        let times = self.link.taken_back();
        Displacement {
            installation: self.bot.id,
            claims: self.record.claims,
            displaced_ms,
            taken_back_ms: times
                .filter(|time| now().saturating_duration_since(*time) < COUNTED_FOR)
                .map(unix_ms_at)
                .collect(),
        }
    }
}

impl Handler<TakeBackRecorded> for Installation {
    type Result = ();

    fn handle(&mut self, TakeBackRecorded(generation): TakeBackRecorded, ctx: &mut Self::Context) {
        self.link.handle_take_back_recorded(generation, now());
        self.drive(ctx);
    }
}
