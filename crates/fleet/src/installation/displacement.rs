//! What must outlive the process of a bot that another client took: that it is displaced, and when it was taken back.
//!
//! [`Link`](longwire_link::Link) decides what is recorded and what waits for that; the store's writer puts it on the
//! disk with its next transaction. A process killed within these milliseconds connects the bot once more at its next
//! start. So does one whose store takes nothing from the displacement to its end.

use super::Installation;
use crate::clock::{now, unix_ms_at};
use actix::{Handler, Message};
use longwire_link::{Generation, State};
use longwire_store::Displacement;
use std::sync::Arc;
use std::time::Duration;

/// Take-backs count for so long, so older ones need not be kept.
const COUNTED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// It is on disk that the bot is taken back. From the store's writer, once for each time it was told to record that,
/// unless it was told something newer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct TakeBackRecorded(Generation);

impl Installation {
    /// Has the disk know that another client has the bot.
    pub(super) fn record_displaced(&self) {
        if let State::Displaced { since, .. } = *self.link.state() {
            let displacement = self.displacement(Some(unix_ms_at(since)));
            self.shared.writer.keep_displacement(displacement, || ());
        }
    }

    /// Has the disk know that the bot is taken back, and hears when it does.
    pub(super) fn record_take_back(&self, generation: Generation) {
        let me = Arc::clone(&self.me);
        // Bounded: one answer to each question of the link, which asks again after minutes.
        let tell = move || me.send(TakeBackRecorded(generation));
        let displacement = self.displacement(None);
        self.shared.writer.keep_displacement(displacement, tell);
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
