//! The memory of connections that are over and wait for the store to record what they brought.
//!
//! While the store is in trouble, every lost connection may leave some. What a bot's ended connections hold counts towards
//! the window of the living one, which is not read when that window is used up; so a bot holds little more than a window,
//! however often it is connected anew. But each new connection reads once before it is subscribed, and ten thousand
//! windows are more than a process has. What exceeds the bounds is lost, counted and named. While the store is well, what
//! connections hold is recorded in a moment, and nothing is lost however many of them end at once.

use crate::bot::Bot;
use crate::context::FleetContext;
use crate::retained_bytes::RetainedBytes;
use longwire_store::Health;
use std::sync::Arc;

/// How many windows the ended connections of one bot may keep. One is what back-pressure allows; the other is for what
/// connections bring in the read that brings their subscription.
const WINDOWS: usize = 2;

/// What one ended connection holds; given back when it is dropped.
pub(crate) struct RetainedPart {
    fleet: Arc<FleetContext>,
    bot: Arc<Bot>,
    bytes: usize,
}

impl RetainedPart {
    /// Of a connection with so many bytes of payload. `None` while the store is in trouble and that exceeds a bound.
    pub(crate) fn take(fleet: &Arc<FleetContext>, bot: &Arc<Bot>, bytes: usize) -> Option<Self> {
        let (all, own) = (&fleet.retained, &bot.retained);
        if fleet.store.health() == Health::Ok {
            all.add(bytes);
            own.add(bytes);
        } else if !RetainedBytes::take_within(all, own, bytes, WINDOWS * fleet.window_bytes) {
            return None;
        }
        Some(Self {
            fleet: Arc::clone(fleet),
            bot: Arc::clone(bot),
            bytes,
        })
    }
}

impl Drop for RetainedPart {
    fn drop(&mut self) {
        self.fleet.retained.give_back(self.bytes);
        self.bot.retained.give_back(self.bytes);
    }
}
