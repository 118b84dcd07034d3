//! The state of a bot: its holder, its waiting callbacks, and how often it was subscribed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::fault::ConnectionId;
use crate::ids::AttemptId;
use crate::wecom::rate::Rate;
use crate::wecom::record::CallbackSource;

/// A bot that was subscribed or pushed to.
#[derive(Debug)]
pub(crate) struct Bot {
    pub(crate) id: String,
    pub(crate) holder: Option<ConnectionId>,
    /// Callbacks that no holder has got yet, in their order.
    pub(crate) waiting: VecDeque<(AttemptId, CallbackSource)>,
    pub(crate) subscribes: u64,
    pub(crate) displacements: u64,
    /// The rate of its uploads.
    pub(crate) uploads: Rate,
    /// Subscribes of the last minute.
    recent: VecDeque<Instant>,
}

impl Bot {
    pub(crate) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            holder: None,
            waiting: VecDeque::new(),
            subscribes: 0,
            displacements: 0,
            uploads: Rate::default(),
            recent: VecDeque::new(),
        }
    }

    /// Counts a subscribe, and returns whether it is within the limit per window.
    pub(crate) fn may_subscribe(
        &mut self,
        limit: Option<u32>,
        window: Duration,
        now: Instant,
    ) -> bool {
        let Some(limit) = limit else {
            return true;
        };
        while let Some(first) = self.recent.front() {
            if now.saturating_duration_since(*first) < window {
                break;
            }
            self.recent.pop_front();
        }
        if self.recent.len() >= limit as usize {
            return false;
        }
        self.recent.push_back(now);
        true
    }
}
