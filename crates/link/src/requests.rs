//! What one connection has asked of the platform and not been answered.
//!
//! WeCom answers every command under the id it came with, and all answers to one callback share the callback's id: two
//! of them on their way at once could not be told apart. So each id has a lane: one frame on its way, the others behind
//! it; different ids do not wait for each other.
//!
//! ```text
//! submit ─▶ lane of its id ─▶ poll_transmit ─▶ (platform) ─▶ handle_ack: answered
//!                 ▲                                │
//!                 │                                ▼ too late: the waiter is told, the answer is owed
//!                 └──── the owed answer comes ─────┤
//!                                                  └─▶ it does not come: who waits is told, the lane is closed
//! ```
//!
//! **An answer that is late** must not be taken for the next frame's, as the official SDKs do. Counting it as owed and
//! sending on would be right only if the platform answers in order and loses nothing: after one lost answer each one
//! would be taken for the one before. So while an answer is owed, nothing is sent under its id. When it comes, it
//! answers nobody and the lane goes on. When it has not come after the same patience once more, those behind it are
//! told that they were not sent, and further ones are not taken ([`SubmitError::Unanswered`]): say it in a message of
//! its own, whose id is its own. After [`RequestLimits::owed_for`] the id is free again; an answer later than that could
//! be taken for another's. So could a second answer to a frame that has its own: the two look alike.
//!
//! The clock of a request begins when its frame is handed out. Who does not take it (the socket is full) is ended by the
//! deadline of that write, and [`Requests::end`] tells all that wait. Every waiter is told exactly once.

mod limits;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

pub use limits::{RequestKind, RequestLimits};

/// Why a request was not taken, with its waiter.
#[derive(Debug)]
pub enum SubmitError<T> {
    /// There are too many, or their frames are too large together.
    Full(T),
    /// An earlier frame under this id has waited so long for its answer that no other may follow.
    Unanswered(T),
}

/// What an answer finds.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Acked<T> {
    /// The request it answers.
    Answered {
        /// What was asked.
        kind: RequestKind,
        /// Who waits for it.
        waiter: T,
        /// From handing out the frame to now.
        round_trip: Duration,
    },
    /// One that was given up; its waiter has been told.
    Late,
    /// None: nothing is on its way under this id.
    Unknown,
}

/// A request that nobody will answer any more.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct GivenUp<T> {
    /// What was asked.
    pub kind: RequestKind,
    /// Who waits for it.
    pub waiter: T,
    /// Whether its frame was handed out: it may have been carried out all the same. If not, it certainly was not.
    pub was_sent: bool,
}

/// The unanswered requests of one connection; they end with it. `T` is what is needed to tell who waits.
pub struct Requests<T> {
    limits: RequestLimits,
    lanes: HashMap<Arc<str>, Lane<T>>,
    /// The lanes whose frame is to be handed out, in this order.
    ready: VecDeque<Arc<str>>,
    /// One entry for each lane that waits for an answer.
    timers: BTreeSet<(Instant, Arc<str>)>,
    /// Requests and owed answers.
    places: usize,
    /// Bytes of the frames that are not handed out.
    bytes_held: usize,
    submitted: u64,
}

/// What goes under one id. The id is our own copy: a callback's would hold its whole read buffer.
struct Lane<T> {
    head: Head<T>,
    queue: VecDeque<Request<T>>,
}

struct Request<T> {
    /// Numbers the requests as they came.
    number: u64,
    kind: RequestKind,
    frame: Bytes,
    waiter: T,
}

enum Head<T> {
    /// To be handed out.
    Ready(Request<T>),
    /// On its way.
    Sent {
        number: u64,
        kind: RequestKind,
        waiter: T,
        at: Instant,
        due: Instant,
    },
    /// Given up, its answer still possible. Others wait for it until the lane is closed.
    Owed {
        closing: Option<Instant>,
        forgotten: Instant,
    },
}

impl<T> Head<T> {
    fn timer(&self) -> Option<Instant> {
        match *self {
            Self::Ready(_) => None,
            Self::Sent { due, .. } => Some(due),
            Self::Owed { closing, forgotten } => closing.or(Some(forgotten)),
        }
    }
}

impl<T> Requests<T> {
    /// None yet.
    #[must_use]
    pub fn new(limits: RequestLimits) -> Self {
        Self {
            limits,
            lanes: HashMap::new(),
            ready: VecDeque::new(),
            timers: BTreeSet::new(),
            places: 0,
            bytes_held: 0,
            submitted: 0,
        }
    }

    /// A frame that is to be sent and answered under this id; [`poll_transmit`](Self::poll_transmit) hands it out in
    /// its turn.
    ///
    /// # Errors
    ///
    /// It is not taken, and `waiter` comes back.
    pub fn submit(
        &mut self,
        req_id: &str,
        kind: RequestKind,
        frame: Bytes,
        waiter: T,
    ) -> Result<(), SubmitError<T>> {
        let lane = self.lanes.get_mut(req_id);
        if let Some(Lane {
            head: Head::Owed { closing: None, .. },
            ..
        }) = lane
        {
            return Err(SubmitError::Unanswered(waiter));
        }
        // A single frame always fits, whatever the bound.
        let bytes = self.bytes_held + frame.len();
        let is_full = self.places >= self.limits.most
            || (self.bytes_held > 0 && bytes > self.limits.most_bytes);
        if is_full && !kind.is_vital() {
            return Err(SubmitError::Full(waiter));
        }
        self.places += 1;
        self.bytes_held = bytes;
        self.submitted += 1;
        let request = Request {
            number: self.submitted,
            kind,
            frame,
            waiter,
        };
        match lane {
            Some(lane) => lane.queue.push_back(request),
            None => self.make_ready(req_id.into(), request, VecDeque::new()),
        }
        Ok(())
    }

    /// The next frame to be sent, if any; its clock begins now.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Bytes> {
        let req_id = self.ready.pop_front()?;
        let Lane { head, queue } = self.lanes.remove(&req_id)?;
        let (head, frame) = match head {
            Head::Ready(request) => {
                self.bytes_held -= request.frame.len();
                let head = Head::Sent {
                    number: request.number,
                    kind: request.kind,
                    waiter: request.waiter,
                    at: now,
                    due: now + self.limits.patience(request.kind),
                };
                (head, Some(request.frame))
            }
            // Only ready ones stand there.
            head @ (Head::Sent { .. } | Head::Owed { .. }) => (head, None),
        };
        self.put(req_id, head, queue);
        frame
    }

    /// An answer came under this id.
    pub fn handle_ack(&mut self, req_id: &str, now: Instant) -> Acked<T> {
        let Some((req_id, Lane { head, queue })) = self.lanes.remove_entry(req_id) else {
            return Acked::Unknown;
        };
        if let Some(due) = head.timer() {
            self.timers.remove(&(due, Arc::clone(&req_id)));
        }
        let acked = match head {
            head @ Head::Ready(_) => {
                self.put(req_id, head, queue);
                return Acked::Unknown;
            }
            Head::Sent {
                kind, waiter, at, ..
            } => Acked::Answered {
                kind,
                waiter,
                round_trip: now.saturating_duration_since(at),
            },
            Head::Owed { .. } => Acked::Late,
        };
        self.places -= 1;
        self.go_on(req_id, queue);
        acked
    }

    /// The time of [`poll_timeout`](Self::poll_timeout) has come; harmless when early. Returns those who need not wait
    /// any longer.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<GivenUp<T>> {
        let mut given_up = Vec::new();
        while self.poll_timeout().is_some_and(|due| due <= now)
            && let Some((_, req_id)) = self.timers.pop_first()
            && let Some(Lane { head, queue }) = self.lanes.remove(&req_id)
        {
            match head {
                Head::Sent { kind, waiter, .. } => {
                    given_up.push(GivenUp {
                        kind,
                        waiter,
                        was_sent: true,
                    });
                    let patience = self.limits.patience(kind);
                    let head = Head::Owed {
                        closing: Some(now + patience),
                        forgotten: now + patience.max(self.limits.owed_for),
                    };
                    self.put(req_id, head, queue);
                }
                Head::Owed {
                    closing: Some(_),
                    forgotten,
                } => {
                    for request in queue {
                        self.places -= 1;
                        self.bytes_held -= request.frame.len();
                        given_up.push(request.unsent());
                    }
                    let head = Head::Owed {
                        closing: None,
                        forgotten,
                    };
                    self.put(req_id, head, VecDeque::new());
                }
                Head::Owed { closing: None, .. } => {
                    self.places -= 1;
                    self.go_on(req_id, queue);
                }
                // It has no timer.
                head @ Head::Ready(_) => self.put(req_id, head, queue),
            }
        }
        given_up
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// The connection is over, and with it every id and every answer. Returns all that wait, in the order they came.
    pub fn end(&mut self) -> Vec<GivenUp<T>> {
        let ended = std::mem::replace(self, Self::new(self.limits));
        let mut numbered = Vec::with_capacity(ended.places);
        for Lane { head, queue } in ended.lanes.into_values() {
            match head {
                Head::Ready(request) => numbered.push((request.number, request.unsent())),
                Head::Sent {
                    number,
                    kind,
                    waiter,
                    ..
                } => {
                    let given_up = GivenUp {
                        kind,
                        waiter,
                        was_sent: true,
                    };
                    numbered.push((number, given_up));
                }
                Head::Owed { .. } => {}
            }
            let behind = queue.into_iter();
            numbered.extend(behind.map(|request| (request.number, request.unsent())));
        }
        numbered.sort_unstable_by_key(|(number, _)| *number);
        numbered.into_iter().map(|(_, one)| one).collect()
    }

    fn make_ready(&mut self, req_id: Arc<str>, request: Request<T>, queue: VecDeque<Request<T>>) {
        // Behind megabytes of a file a ping would come too late.
        if request.kind.is_vital() {
            self.ready.push_front(Arc::clone(&req_id));
        } else {
            self.ready.push_back(Arc::clone(&req_id));
        }
        self.put(req_id, Head::Ready(request), queue);
    }

    /// The lane's head is done with: the next one follows, or the lane ends.
    fn go_on(&mut self, req_id: Arc<str>, mut queue: VecDeque<Request<T>>) {
        if let Some(request) = queue.pop_front() {
            self.make_ready(req_id, request, queue);
        } else if self.lanes.is_empty() {
            // Room for one ping would be a kilobyte of every idle bot, and is had again in no time.
            self.lanes = HashMap::new();
            self.ready = VecDeque::new();
            self.timers = BTreeSet::new();
        }
    }

    fn put(&mut self, req_id: Arc<str>, head: Head<T>, queue: VecDeque<Request<T>>) {
        if let Some(due) = head.timer() {
            self.timers.insert((due, Arc::clone(&req_id)));
        }
        self.lanes.insert(req_id, Lane { head, queue });
    }
}

impl<T> Request<T> {
    fn unsent(self) -> GivenUp<T> {
        GivenUp {
            kind: self.kind,
            waiter: self.waiter,
            was_sent: false,
        }
    }
}

/// Without frames: one of them holds the bot's secret.
impl<T> fmt::Debug for Requests<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests")
            .field("places", &self.places)
            .field("lanes", &self.lanes.len())
            .field("bytes_held", &self.bytes_held)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
