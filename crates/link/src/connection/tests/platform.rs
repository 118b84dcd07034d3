//! WeCom with one bot, and several links that connect it.

use super::wecom::subscribe;
use super::*;

/// The platform with one bot and the links that connect it. It serves the newest subscription and tells the one before.
pub(super) struct Platform {
    pub(super) links: Vec<Link>,
    pub(super) now: Instant,
    pub(super) holder: Option<usize>,
    /// Who subscribed when.
    pub(super) subscribed: Vec<(usize, Instant)>,
}

impl Platform {
    pub(super) fn new(links: Vec<Link>) -> Self {
        Self {
            links,
            now: Instant::now(),
            holder: None,
            subscribed: Vec::new(),
        }
    }

    pub(super) fn wants(&mut self, index: usize, desired: Desired) {
        self.links[index].handle_desired(desired, self.now);
        self.carry_out(index);
    }

    /// Carries out the actions of the link `index`.
    pub(super) fn carry_out(&mut self, index: usize) {
        let now = self.now;
        if subscribe(&mut self.links[index], now).is_none() {
            return;
        }
        self.subscribed.push((index, now));
        if let Some(former) = self.holder.replace(index).filter(|former| *former != index) {
            let generation = self.links[former].generation();
            self.links[former].handle_setback(generation, Setback::Displaced, now);
            let close = Action::Close(generation, CloseReason::Lost(Setback::Displaced));
            assert_eq!(self.links[former].poll_action(), Some(close));
            let record = Action::RecordDisplaced;
            assert_eq!(self.links[former].poll_action(), Some(record));
            self.carry_out(former);
        }
    }

    /// Lets this time pass and fires the timers.
    pub(super) fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            let due = (0..self.links.len())
                .filter_map(|index| Some((self.links[index].poll_timeout()?, index)))
                .min();
            let Some((due, index)) = due.filter(|(due, _)| *due <= end) else {
                break;
            };
            self.now = due.max(self.now);
            self.links[index].handle_timeout(self.now);
            self.carry_out(index);
        }
        self.now = end;
    }
}
