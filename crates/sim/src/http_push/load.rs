//! Generated HTTP traffic: a closed loop, or an even pace, over a number of kept connections.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::traffic::{Pacing, StreamLimits, Traffic};

/// Messages of people, pushed over HTTP. Without `per_second` each connection always has one unanswered request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpLoad {
    /// The apps, which take turns; empty means all that have request URLs.
    pub apps: Vec<String>,
    /// Connections that stay open.
    pub connections: u32,
    /// Requests per second over all connections, evenly paced.
    pub per_second: Option<f64>,
    /// Size of an event's JSON, before it is encrypted.
    pub payload_bytes: usize,
    /// Stop after this many events.
    pub total: Option<u64>,
    /// Stop after this many seconds.
    pub seconds: Option<f64>,
}

impl Default for HttpLoad {
    fn default() -> Self {
        Self {
            apps: Vec::new(),
            connections: 100,
            per_second: None,
            payload_bytes: 1024,
            total: None,
            seconds: None,
        }
    }
}

/// Traffic that runs.
#[derive(Debug)]
pub(crate) struct RunningHttpLoad {
    pub(crate) settings: HttpLoad,
    apps: Vec<usize>,
    turn: usize,
    pace: HttpPace,
}

#[derive(Debug)]
enum HttpPace {
    Closed(StreamLimits),
    Even(Pacing),
}

impl RunningHttpLoad {
    /// `apps` are their indexes, one at least.
    pub(crate) fn new(settings: HttpLoad, apps: Vec<usize>, now: Instant) -> Self {
        let pace = match settings.per_second {
            None => HttpPace::Closed(StreamLimits::new(settings.total, settings.seconds, now)),
            Some(per_second) => {
                let traffic = Traffic {
                    per_second,
                    total: settings.total,
                    seconds: settings.seconds,
                    ..Traffic::default()
                };
                HttpPace::Even(Pacing::new(traffic, now))
            }
        };
        Self {
            settings,
            apps,
            turn: 0,
            pace,
        }
    }

    fn next_app(&mut self) -> usize {
        let app = self.apps[self.turn % self.apps.len()];
        self.turn = self.turn.wrapping_add(1);
        app
    }

    /// The app of the next event of a closed loop, if there is one to make.
    pub(crate) fn take_looped(&mut self, now: Instant) -> Option<usize> {
        match &mut self.pace {
            HttpPace::Closed(limits) if limits.left(now) > 0 => limits.made += 1,
            HttpPace::Closed(_) | HttpPace::Even(_) => return None,
        }
        Some(self.next_app())
    }

    /// The apps of the paced events that are due.
    pub(crate) fn take_paced(&mut self, now: Instant) -> Vec<usize> {
        let due = match &mut self.pace {
            HttpPace::Closed(_) => 0,
            HttpPace::Even(pacing) => {
                let due = pacing.due(now);
                pacing.budget.made += due;
                due
            }
        };
        (0..due).map(|_| self.next_app()).collect()
    }

    /// When the next paced event is due.
    pub(crate) fn next(&self, now: Instant) -> Option<Instant> {
        match &self.pace {
            HttpPace::Closed(_) => None,
            HttpPace::Even(pacing) => (!pacing.finished(now)).then(|| pacing.next(now)),
        }
    }

    pub(crate) fn is_running(&self, now: Instant) -> bool {
        match &self.pace {
            HttpPace::Closed(limits) => limits.left(now) > 0,
            HttpPace::Even(pacing) => !pacing.finished(now),
        }
    }
}
