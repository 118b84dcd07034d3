//! The turns of the actor around a session, and what wakes it for one.

use std::time::{Duration, Instant};

use super::{Waking, World, Writer};
use crate::session::*;

impl World {
    /// Whether something wakes the actor now.
    pub(in crate::session::tests) fn is_woken(&self) -> bool {
        let Waking {
            is_due,
            reads,
            writes,
            timer,
        } = self.waking;
        let can_read = !self.incoming.is_empty() || self.is_input_over;
        let can_write = self.is_write_broken || self.kernel_takes && !self.is_flush_blocked;
        let is_late = timer.is_some_and(|due| due <= self.now);
        self.finished.is_none()
            && (is_due
                || is_late
                || !self.has_hung_up && (reads && can_read || writes && can_write))
    }

    /// One turn of the actor, if something wakes it.
    pub(in crate::session::tests) fn turn(&mut self) {
        if !self.is_woken() {
            return;
        }
        self.turns += 1;
        self.waking = Waking::default();
        let begun = self.now;
        let is_done = self.turn_awake();
        if self.finished.is_some() {
            // Best effort, as the actor does it.
            self.write();
            return self.check_end();
        }
        if is_done {
            self.check_timeout(begun);
            self.check_application(begun);
            self.check_pause();
            self.waking.timer = self.session.poll_timeout(self.now);
        } else {
            self.waking.is_due = true;
        }
    }

    /// Whether the actor waits now.
    fn turn_awake(&mut self) -> bool {
        self.write();
        if self.finished.is_some() {
            return true;
        }
        self.session.handle_timeout(self.around());
        self.drive();
        if self.finished.is_some() {
            return true;
        }
        self.session.decode(self.around());
        self.drive();
        let (mut reads, mut is_empty) = (0, false);
        while !is_empty && self.finished.is_none() && !self.has_hung_up {
            let most_bytes = self.session.wants_bytes();
            if most_bytes == 0 {
                break;
            }
            if reads == READS_PER_TURN {
                self.write();
                return false;
            }
            reads += 1;
            is_empty = self.read(most_bytes);
        }
        if self.finished.is_some() || self.has_hung_up {
            return true;
        }
        self.write();
        !self.session.wants_turn() && (is_empty || self.session.wants_bytes() == 0)
    }

    /// Reads once. Whether nothing was there.
    fn read(&mut self, most_bytes: usize) -> bool {
        if !self.incoming.is_empty() {
            let count = most_bytes.min(self.incoming.len());
            let chunk: Vec<u8> = self.incoming.drain(..count).collect();
            let is_asking =
                self.session.view().phase == "open" && std::mem::take(&mut self.pinger.is_asking);
            let before = self.heard;
            self.now += std::mem::take(&mut self.read_takes);
            self.application.bytes_read(self.now);
            if std::mem::take(&mut self.fills_up) {
                self.writer = Writer::Full;
            }
            self.take_in(Input::Bytes(chunk.into()));
            assert_eq!(
                self.heard,
                before + u32::from(is_asking),
                "the pinger hears"
            );
        } else if self.is_input_over {
            self.take_in(Input::InputEnded(String::new()));
        } else {
            self.waking.reads = true;
            self.take_in(Input::Empty);
            return true;
        }
        false
    }

    /// A turn acts on all that was due when it began.
    fn check_timeout(&self, begun: Instant) {
        let due = self.session.poll_timeout(self.now);
        assert!(
            due.is_none_or(|due| due > begun),
            "something is left undone: {:?}",
            self.session.view()
        );
    }

    fn check_end(&self) {
        assert_eq!(self.session.poll_timeout(self.now), None);
        assert_eq!(self.session.wants_bytes(), 0);
        assert!(!self.session.wants_turn());
    }

    /// The pinger knows of a pause, or is told soon, and it knows of none that is over.
    fn check_pause(&self) {
        let view = self.session.view();
        if view.phase != "open" {
            return;
        }
        if view.reading {
            assert!(!self.pinger.is_paused, "reading goes on, and is not told");
        } else if !self.pinger.is_paused {
            let soon = self.now + Duration::from_secs(1);
            let due = self.session.poll_timeout(self.now);
            assert!(due.is_some_and(|due| due <= soon), "a pause is not told");
        }
    }

    fn write(&mut self) {
        if self.has_hung_up {
            return;
        }
        loop {
            let outbox = self.session.outbox();
            let is_flush = outbox.needs_flush();
            if outbox.unwritten().is_empty() && !is_flush {
                return;
            }
            if self.is_write_broken {
                if self.finished.is_none() {
                    self.take_in(Input::WriteFailed(String::new()));
                }
                return;
            }
            if !self.kernel_takes || is_flush && self.is_flush_blocked {
                outbox.handle_blocked(self.now);
                self.waking.writes = true;
                return;
            }
            if is_flush {
                outbox.handle_flushed();
                return;
            }
            let count = outbox.unwritten().len().min(self.write_bytes);
            let bytes = outbox.unwritten()[..count].to_vec();
            outbox.handle_written(count);
            self.client.take(&bytes, &mut self.written);
        }
    }

    /// Turns, as long as something wakes the actor.
    pub(in crate::session::tests) fn run(&mut self) {
        for _ in 0..10_000 {
            if !self.is_woken() {
                return;
            }
            self.turn();
        }
        panic!("it never waits: {:?}", self.session.view());
    }

    /// Time passes, with a turn whenever one is due.
    pub(in crate::session::tests) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        self.run();
        while self.finished.is_none()
            && let Some(due) = self.waking.timer.filter(|due| *due <= end)
        {
            self.now = due.max(self.now + Duration::from_millis(1));
            self.run();
        }
        self.now = self.now.max(end);
        self.run();
    }
}
