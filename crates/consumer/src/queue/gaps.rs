//! Events that retention took from the log before they were done.

use longwire_wire::event::Seq;

use super::ConsumerQueue;
use crate::news::ConsumerNews;

impl<E: Clone> ConsumerQueue<E> {
    /// Of all events up to `through` nothing is left in the log. Those that were not read yet are passed over: the owner is
    /// told how many numbers that are, and the next event that is read says so when it is sent. Events in memory stay.
    pub fn handle_gone(&mut self, through: Seq) {
        let mut gone = 0_u64;
        while self
            .unfinished
            .front()
            .is_some_and(|next| next.seq <= through)
        {
            self.unfinished.pop_front();
            gone += 1;
        }
        if self.read < through.0 {
            gone += (through.0 - self.read).unsigned_abs();
            self.read = through.0;
        }
        self.tell_gone(gone);
    }

    /// So many events of a page that was read are not in the log any more, though events before them are.
    pub fn handle_missing(&mut self, events: u64) {
        self.tell_gone(events);
    }

    fn tell_gone(&mut self, events: u64) {
        if events > 0 {
            self.gap += events;
            self.saves.changed();
            self.news.push_back(ConsumerNews::Gone { events });
        }
    }
}
