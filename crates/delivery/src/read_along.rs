//! Reads along in the log: without a position, and without taking an event from anyone.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use longwire_access::Space;
use longwire_consumer::{
    AttemptFacts, Detail, EventFilter, EventId, EventText, Expansions, write_event,
};
use longwire_store::ReadError;
use longwire_wire::event::Seq;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::expander::Expander;
use crate::log::Log;
use crate::logged_event::LoggedEvent;
use crate::sse;

/// Events of the log that are looked at for one page, whether they pass the filter or not: a page may have no event, though there
/// are some behind it.
const LOOKED_AT: usize = 4_096;
/// Events of the log that are read at a time.
const STEP: usize = 256;
/// Bytes of one page, about.
const BYTES: usize = 4 << 20;

/// What is to be read.
#[derive(Clone, Debug)]
pub struct ReadAlong {
    /// The space whose events are seen.
    pub space: Space,
    /// Which events.
    pub filter: EventFilter,
    /// Behind this one; behind the newest if absent.
    pub after: Option<Seq>,
    /// How much of them.
    pub detail: Detail,
    /// What is looked up for a page of them. A stream that reads along has nothing of it.
    pub expand: Expansions,
}

/// A page of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadPage {
    /// The envelopes.
    pub events: Vec<ReadEnvelope>,
    /// Where to go on: everything up to here was looked at.
    pub reached: Seq,
    /// Whether the log went on behind it.
    pub more: bool,
}

/// An event as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadEnvelope {
    /// Its public id.
    pub id: EventId,
    /// Its envelope.
    pub envelope: Bytes,
}

impl ReadEnvelope {
    fn of(event: &LoggedEvent, text: &EventText) -> Self {
        let mut envelope = Vec::new();
        write_event(text, &facts(event), &mut envelope);
        Self {
            id: event.id,
            envelope: envelope.into(),
        }
    }
}

fn facts(event: &LoggedEvent) -> AttemptFacts {
    AttemptFacts {
        possible_duplicate_of: event.possible_duplicate_of,
        ..AttemptFacts::default()
    }
}

/// Reads a page of at most `limit` events. If there is none, waits so long for one.
pub(crate) async fn page(
    log: Rc<Log>,
    expander: Rc<Expander>,
    what: ReadAlong,
    limit: usize,
    wait: Duration,
) -> Result<ReadPage, ReadError> {
    let _reads = log.reader();
    let until = Instant::now() + wait;
    let mut head = log.watch_head();
    let newest = log.store().watch_head().newest().unwrap_or(Seq(0));
    let mut after = what.after.unwrap_or(newest);
    loop {
        head.mark_unchanged();
        let found = look(&log, &what, after, limit).await?;
        if !found.events.is_empty() || found.more || wait.is_zero() {
            return Ok(found.page(&expander, &what).await);
        }
        after = found.reached;
        if !matches!(timeout_at(until, head.changed()).await, Ok(Ok(()))) {
            return Ok(found.page(&expander, &what).await);
        }
    }
}

/// The envelope of one event, with what is looked up for it within two seconds.
pub(crate) async fn envelope(
    expander: &Rc<Expander>,
    event: &LoggedEvent,
    detail: Detail,
    expand: Expansions,
) -> ReadEnvelope {
    if expand.is_empty() || detail == Detail::Thin {
        return ReadEnvelope::of(event, event.text(detail));
    }
    let pending = expander.begin(event, expand);
    pending.settled(expander.deadline()).await;
    ReadEnvelope::of(event, &event.expanded_text(&pending.now()))
}

/// Events that pass a filter.
struct FoundEvents {
    events: Vec<Rc<LoggedEvent>>,
    reached: Seq,
    more: bool,
}

impl FoundEvents {
    /// Their envelopes, with what is looked up for all of them within two seconds.
    async fn page(self, expander: &Rc<Expander>, what: &ReadAlong) -> ReadPage {
        let events = self.events.iter();
        let envelopes = events.map(|event| envelope(expander, event, what.detail, what.expand));
        ReadPage {
            events: join_all(envelopes).await,
            reached: self.reached,
            more: self.more,
        }
    }
}

/// What passes the filter behind `after`, now.
async fn look(
    log: &Log,
    what: &ReadAlong,
    after: Seq,
    limit: usize,
) -> Result<FoundEvents, ReadError> {
    let (mut reached, mut looked_at, mut bytes) = (after, 0, 0);
    let mut events = Vec::new();
    let mut more = true;
    while more && events.len() < limit && looked_at < LOOKED_AT && bytes < BYTES {
        let (step, from) = (STEP.min(LOOKED_AT - looked_at), reached);
        let found = match log.page(from, None, step) {
            Some(page) => page,
            None => log.read(from, None, step).await?,
        };
        let has_all = found.events.len() < step;
        for event in &found.events {
            looked_at += 1;
            reached = event.record.seq;
            if event.passes(&what.filter, &what.space) {
                bytes += event.text(what.detail).bytes().len();
                events.push(Rc::clone(event));
                if events.len() >= limit || bytes >= BYTES {
                    break;
                }
            }
        }
        let is_through = found
            .events
            .last()
            .is_none_or(|last| last.record.seq == reached);
        if is_through {
            reached = reached.max(found.reached);
        }
        more = !(has_all && is_through);
    }
    Ok(FoundEvents {
        events,
        reached,
        more,
    })
}

/// Sends events as they come, until the reader goes away.
pub(crate) async fn follow(
    log: Rc<Log>,
    what: ReadAlong,
    chunks: mpsc::Sender<Bytes>,
    keep_alive: Duration,
) {
    let _reads = log.reader();
    let mut head = log.watch_head();
    let newest = log.store().watch_head().newest().unwrap_or(Seq(0));
    let mut after = what.after.unwrap_or(newest);
    if chunks.send(sse::HELLO).await.is_err() {
        return;
    }
    loop {
        head.mark_unchanged();
        if after < log.gone_through() {
            // What retention took is not passed over in silence: whoever comes again is told where to go on.
            tracing::warn!("retention took events that a stream had not read yet; the stream ends");
            return;
        }
        let found = match log.page(after, None, STEP) {
            Some(page) => Ok(page),
            None => log.read(after, None, STEP).await,
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(error = %error, "a page of the log cannot be read; a stream ends");
                return;
            }
        };
        for event in &found.events {
            if event.passes(&what.filter, &what.space) {
                let chunk = sse::chunk(event.id, event.text(what.detail), &facts(event));
                if chunks.send(chunk).await.is_err() {
                    return;
                }
            }
        }
        let has_all = found.events.len() < STEP;
        after = found.reached.max(after);
        if has_all && !wait(&mut head, &chunks, keep_alive).await {
            return;
        }
    }
}

/// Waits for new events. Returns whether the reader is still there.
async fn wait(
    head: &mut tokio::sync::watch::Receiver<Seq>,
    chunks: &mpsc::Sender<Bytes>,
    keep_alive: Duration,
) -> bool {
    loop {
        tokio::select! {
            changed = head.changed() => return changed.is_ok(),
            () = chunks.closed() => return false,
            () = tokio::time::sleep(keep_alive) => {
                if chunks.send(sse::KEEP_ALIVE).await.is_err() {
                    return false;
                }
            }
        }
    }
}
