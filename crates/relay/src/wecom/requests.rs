//! What one client has asked of the platform, through the bot's connection.
//!
//! All answers to one callback go under its `req_id`, and so do the platform's confirmations: two on their way at once
//! could not be told apart. So one of them is passed on at a time and the others wait behind it, in the order in which the
//! client sent them. Other requests get ids of longwire's own and wait for nobody.
//!
//! ```text
//! submit ─┬─▶ Start ─▶ (fleet, platform) ─▶ answered ─▶ Answered, and the next Start of its lane
//!         └─▶ lane of its req_id ──────────────────────▶ expired: the client is told that nothing was sent
//! ```
//!
//! The platform confirms within [`CONFIRM`], and clients give up then: a later confirmation would be taken for that of
//! their next frame under the same id. So a late one is not told.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use bytestring::ByteString;
use longwire_fleet::RawRequest;

/// After this time the official clients take a frame for unanswered.
pub(super) const CONFIRM: Duration = Duration::from_secs(5);

/// So long a request may wait for the bot's connection and for those before it. What is left of [`CONFIRM`] is for telling
/// the client.
pub(super) const WAIT: Duration = Duration::from_millis(4_500);

/// Requests of one client that are not answered. The official Node SDK keeps as many for one id.
const MOST: usize = 500;

/// Bytes of the bodies of those. Ten chunks of an upload, each as large as the platform allows.
const MOST_BYTES: usize = 8 << 20;

/// A request of one client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct RequestNumber(u64);

/// Pass this on now.
pub(crate) struct Start {
    pub(crate) number: RequestNumber,
    pub(crate) request: RawRequest,
    /// Until when it may wait for the bot's connection.
    pub(crate) until: Instant,
}

/// A request that was passed on has its answer.
pub(super) struct Answered {
    /// The client's id of it.
    pub(super) req_id: ByteString,
    /// Whether the client still takes an answer under this id for this request's.
    pub(super) is_awaited: bool,
    /// The next one of its lane.
    pub(super) next: Option<Start>,
}

/// There are too many, or they are too large together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Full;

/// The unanswered requests of one client.
#[derive(Default)]
pub(super) struct ClientRequests {
    started: HashMap<RequestNumber, Started>,
    /// By the `req_id` of the callback that is answered: those behind the one that was passed on. There is a lane while
    /// one is.
    lanes: HashMap<ByteString, VecDeque<Waiting>>,
    /// The waiting ones, by their number, so oldest first.
    waiting: BTreeMap<RequestNumber, ByteString>,
    bytes: usize,
    submitted: u64,
}

struct Started {
    req_id: ByteString,
    /// Whether it answers a callback, and so has a lane.
    answers_callback: bool,
    came: Instant,
    bytes: usize,
}

struct Waiting {
    number: RequestNumber,
    request: RawRequest,
    came: Instant,
}

impl ClientRequests {
    /// The client asks something, under this id of its own. One that answers a callback has that id in the request too.
    /// Returns it if it is to be passed on now.
    ///
    /// # Errors
    /// When it is not taken.
    pub(super) fn submit(
        &mut self,
        req_id: ByteString,
        request: RawRequest,
        now: Instant,
    ) -> Result<Option<Start>, Full> {
        let bytes = size(&request);
        let count = self.started.len() + self.waiting.len();
        // A single one always fits, whatever the bound.
        if count >= MOST || (count > 0 && self.bytes + bytes > MOST_BYTES) {
            return Err(Full);
        }
        self.bytes += bytes;
        self.submitted += 1;
        let waiting = Waiting {
            number: RequestNumber(self.submitted),
            request,
            came: now,
        };
        if waiting.request.req_id.is_some() {
            if let Some(lane) = self.lanes.get_mut(&req_id) {
                self.waiting.insert(waiting.number, req_id);
                lane.push_back(waiting);
                return Ok(None);
            }
            self.lanes.insert(req_id.clone(), VecDeque::new());
        }
        Ok(Some(self.start(req_id, waiting)))
    }

    /// A request that was passed on is answered, or will not be.
    pub(super) fn answered(&mut self, number: RequestNumber, now: Instant) -> Option<Answered> {
        let started = self.started.remove(&number)?;
        self.bytes -= started.bytes;
        let req_id = started.req_id;
        let is_in_time = now.saturating_duration_since(started.came) < CONFIRM;
        let mut next = None;
        if started.answers_callback
            && let Some(lane) = self.lanes.get_mut(&req_id)
        {
            match lane.pop_front() {
                Some(waiting) => {
                    self.waiting.remove(&waiting.number);
                    next = Some(self.start(req_id.clone(), waiting));
                }
                None => {
                    self.lanes.remove(&req_id);
                }
            }
        }
        Some(Answered {
            req_id,
            is_awaited: is_in_time || !started.answers_callback,
            next,
        })
    }

    /// Those that waited too long behind others. Returns the client's ids of them; nothing of them was sent.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<ByteString> {
        let mut expired = Vec::new();
        while self.poll_timeout().is_some_and(|due| due <= now)
            && let Some((number, req_id)) = self.waiting.pop_first()
        {
            let lane = self.lanes.get_mut(&req_id);
            // The oldest of all that wait is the first of its lane.
            if let Some(waiting) = lane.and_then(VecDeque::pop_front) {
                debug_assert_eq!(waiting.number, number, "a lane is in order");
                self.bytes -= size(&waiting.request);
            }
            expired.push(req_id);
        }
        expired
    }

    /// When to call [`expire`](Self::expire).
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let (number, req_id) = self.waiting.first_key_value()?;
        let first = self.lanes.get(req_id)?.front()?;
        debug_assert_eq!(first.number, *number, "a lane is in order");
        Some(first.came + WAIT)
    }

    /// How many are not answered.
    pub(super) fn len(&self) -> usize {
        self.started.len() + self.waiting.len()
    }

    fn start(&mut self, req_id: ByteString, waiting: Waiting) -> Start {
        let Waiting {
            number,
            request,
            came,
        } = waiting;
        let started = Started {
            req_id,
            answers_callback: request.req_id.is_some(),
            came,
            bytes: size(&request),
        };
        self.started.insert(number, started);
        Start {
            number,
            request,
            until: came + WAIT,
        }
    }
}

fn size(request: &RawRequest) -> usize {
    request.body.as_ref().map_or(0, |body| body.get().len())
}

#[cfg(test)]
mod tests {
    use longwire_wire::wecom::{Command, CommandName};
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    fn request(callback: Option<&str>, body: &str) -> RawRequest {
        RawRequest {
            command: CommandName::from(Command::RespondMessage),
            req_id: callback.map(ByteString::from),
            body: Some(RawValue::from_string(body.to_owned()).expect("json")),
        }
    }

    fn submit(
        requests: &mut ClientRequests,
        req_id: &str,
        body: &str,
        now: Instant,
    ) -> Option<Start> {
        let request = request(Some(req_id), body);
        requests
            .submit(req_id.into(), request, now)
            .expect("there is room")
    }

    #[test]
    fn answers_to_one_callback_go_one_after_the_other() {
        let now = Instant::now();
        let mut requests = ClientRequests::default();
        let first = submit(&mut requests, "r", "1", now).expect("nothing before it");
        assert!(submit(&mut requests, "r", "2", now).is_none());
        assert!(submit(&mut requests, "s", "3", now).is_some(), "another id");
        let answered = requests
            .answered(first.number, now)
            .expect("it was started");
        assert_eq!((&*answered.req_id, answered.is_awaited), ("r", true));
        let second = answered.next.expect("it waited");
        assert_eq!(second.request.body.expect("a body").get(), "2");
        let answered = requests.answered(second.number, now).expect("started");
        assert!(answered.next.is_none());
        assert!(requests.answered(second.number, now).is_none(), "twice");
        assert!(requests.lanes.len() == 1, "that of s");
    }

    #[test]
    fn other_requests_wait_for_nobody() {
        let now = Instant::now();
        let mut requests = ClientRequests::default();
        for _ in 0..2 {
            let started = requests.submit("x".into(), request(None, "{}"), now);
            assert!(started.expect("there is room").is_some());
        }
    }

    #[test]
    fn what_waited_too_long_was_not_sent() {
        let now = Instant::now();
        let mut requests = ClientRequests::default();
        let first = submit(&mut requests, "r", "1", now).expect("nothing before it");
        assert_eq!(requests.poll_timeout(), None);
        submit(&mut requests, "r", "2", now + CONFIRM / 2);
        assert_eq!(requests.poll_timeout(), Some(now + CONFIRM / 2 + WAIT));
        assert_eq!(requests.expire(now + WAIT), Vec::<ByteString>::new());
        assert_eq!(requests.expire(now + CONFIRM / 2 + WAIT), ["r"]);
        let late = requests
            .answered(first.number, now + CONFIRM)
            .expect("started");
        assert!(!late.is_awaited, "the client counts it as unanswered");
        assert!(late.next.is_none());
        assert_eq!((requests.len(), requests.bytes), (0, 0));
    }

    #[test]
    fn a_client_has_so_many_and_so_much() {
        let now = Instant::now();
        let mut requests = ClientRequests::default();
        for _ in 0..MOST {
            submit(&mut requests, "r", "1", now);
        }
        let one_more = requests.submit("s".into(), request(None, "1"), now);
        assert_eq!(one_more.err(), Some(Full));
        let mut requests = ClientRequests::default();
        let large = format!("\"{}\"", "x".repeat(MOST_BYTES));
        assert!(submit(&mut requests, "r", &large, now).is_some());
        let one_more = requests.submit("s".into(), request(None, "1"), now);
        assert_eq!(one_more.err(), Some(Full));
    }

    proptest! {
        /// Each request is passed on once or expires once, those of one callback in their order and one at a time.
        #[test]
        fn each_has_one_end(steps in prop::collection::vec((0_u8..3, 0_u8..4), 1..200)) {
            let mut now = Instant::now();
            let mut requests = ClientRequests::default();
            let mut on_the_way: BTreeMap<String, (RequestNumber, u32)> = BTreeMap::new();
            let (mut came, mut ended, mut serial) = (0, 0, 0_u32);
            for (id, what) in steps {
                let req_id = id.to_string();
                match what {
                    0 | 1 => {
                        came += 1;
                        serial += 1;
                        let started = submit(&mut requests, &req_id, &serial.to_string(), now);
                        prop_assert_eq!(started.is_some(), !on_the_way.contains_key(&req_id));
                        if let Some(start) = started {
                            on_the_way.insert(req_id, (start.number, serial));
                        }
                    }
                    2 => if let Some((number, before)) = on_the_way.remove(&req_id) {
                        ended += 1;
                        let answered = requests.answered(number, now).expect("started");
                        if let Some(next) = answered.next {
                            let serial = next.request.body.expect("a body").get().parse();
                            let serial: u32 = serial.expect("a number");
                            prop_assert!(serial > before);
                            on_the_way.insert(req_id, (next.number, serial));
                        }
                    },
                    _ => {
                        now += CONFIRM / 3;
                        ended += requests.expire(now).len();
                    }
                }
                prop_assert_eq!(requests.len(), came - ended);
            }
        }
    }
}
