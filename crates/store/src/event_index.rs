//! Which events the log holds: what makes a repeat known.
//!
//! A unique index over keys that are hashes has every insert at a random place: each event dirties
//! a page of its own, twice (log and checkpoint), and the cost rises with the table. So the keys of
//! events are kept in two forms that are both written in order:
//!
//! - The **tail**: keys of the newest events, in memory. On disk they are nowhere but in the rows of
//!   the events themselves, from which the tail is read again after a restart.
//! - **Runs**: keys of 131,072 older events each, on pages by the first bits of the key, with a
//!   filter in memory that says which runs need not be asked. A full tail becomes a run a few pages
//!   at a time, in the transactions that record later events.
//!
//! A run is derived from rows that are committed already, and a page counts only when its whole run
//! does, so there is no moment at which a crash could make the two disagree. In memory a run takes
//! two bytes per event, its filter.
//!
//! The time of day on this host is not used, because a clock can be wrong by years and be set right
//! again between an event and its repeat. The platform's own times decide which runs are asked
//! ([`Claims`]). A run is forgotten when the store has been open for the
//! [window](WINDOW_MS) since the run was completed; that time only ever grows, and never faster than
//! real time does.
//!
//! This is the part without a database: it says what to read and what to write, and
//! [`crate::sqlite::event_index`] does. What a transaction noted is provisional until
//! [`EventIndex::keep`], and taken back by [`EventIndex::undo`].

mod claims;
mod filter;
mod log_key;
mod page;
mod tail;

pub(crate) use claims::Claims;
pub(crate) use filter::Filter;
pub(crate) use log_key::{BUCKETS, LogKey};
pub(crate) use page::{Page, PageId};

use crate::cause::{Cause, Failure};
use longwire_wire::event::Seq;
use tail::Tail;

/// Events whose keys make a run: few enough that their keys take some 6 MiB of memory as a tail,
/// and a restart, which reads their rows again, does so in a fraction of a second (events of 1 KiB:
/// some 150 MB of the log at most).
pub(crate) const RUN_EVENTS: usize = 131_072;

/// How long a repeat is known as one, at least, in time during which the store is open: the platform's
/// last repeat comes 7.1 hours after the first push, a copied or restored platform queue may come
/// later.
const WINDOW_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// Runs are written this many times as fast as the tail fills.
const HASTE: usize = 4;

/// Runs that were completed before this are forgotten, when the store has been open for `open_ms` in all.
pub(crate) fn window_begins(open_ms: i64) -> i64 {
    open_ms.saturating_sub(WINDOW_MS)
}

/// The number of a run; they rise with the log.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) struct RunId(pub(crate) i64);

/// The events that a run or the tail covers.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) struct Span {
    /// The event that the numbers on its pages count from.
    pub(crate) first: Seq,
    /// The last one: each event up to here is in this run or an earlier one.
    pub(crate) through: Seq,
}

/// What is known of a run without reading its pages.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) id: RunId,
    pub(crate) span: Span,
    pub(crate) filter: Filter,
    pub(crate) claims: Claims,
    /// For how long the store had been open, in all, when the run was completed.
    pub(crate) completed_ms: i64,
}

/// The keys of all events within the window.
#[derive(Debug)]
pub(crate) struct EventIndex {
    run_events: usize,
    /// Oldest first.
    runs: Vec<Run>,
    next_run: RunId,
    closing: Option<Closing>,
    tail: Tail,
    /// Keys noted since the last [`keep`](Self::keep); all of them are in the tail.
    noted: Vec<LogKey>,
    /// What the tail covered before them.
    kept_span: Option<Span>,
    /// The newest number that an earlier state of the log had given, when this one was opened in its place.
    given: Option<Seq>,
}

/// A full tail on its way to becoming a run.
#[derive(Debug)]
struct Closing {
    tail: Tail,
    filter: Filter,
    /// Pages written in committed transactions.
    kept: usize,
    /// Pages written, this transaction's included.
    written: usize,
}

/// The pages of the runs, within a transaction of the engine that keeps them.
pub(crate) trait IndexPages {
    /// The page of this id.
    fn page(&mut self, id: PageId) -> Result<Option<Page>, Failure>;
}

impl EventIndex {
    /// An index with these runs, oldest first, and an empty tail.
    pub(crate) fn new(run_events: usize, runs: Vec<Run>) -> Self {
        let newest = runs.last().map_or(0, |run| run.id.0);
        Self {
            run_events,
            runs,
            next_run: RunId(newest + 1),
            closing: None,
            tail: Tail::default(),
            noted: Vec::new(),
            kept_span: None,
            given: None,
        }
    }

    /// Numbers up to here were given to events that are no longer in the log.
    pub(crate) fn go_on_after(&mut self, given: Option<Seq>) {
        self.given = self.given.max(given);
    }

    /// The newest number that was given to an event, be it still there or not.
    pub(crate) fn given(&self) -> Option<Seq> {
        self.through().max(self.given)
    }

    /// The number of the next event: behind whatever a follower has read.
    pub(crate) fn next(&self) -> Seq {
        Seq(self.given().map_or(1, |seq| seq.0 + 1))
    }

    /// The event of this key, wherever it is; `claimed_ms` is when the event says that it happened.
    pub(crate) fn find(
        &self,
        pages: &mut impl IndexPages,
        key: LogKey,
        claimed_ms: Option<i64>,
    ) -> Result<Option<Seq>, Failure> {
        if let Some(seq) = self.recent(key) {
            return Ok(Some(seq));
        }
        for run in self.may_hold(key, claimed_ms) {
            let page = pages.page(PageId::of(run.id, key.bucket()))?;
            // A run has all its pages from the transaction that completed it.
            let page = page.ok_or_else(|| {
                Failure::new(Cause::Corrupt, "a page of the event index is missing")
            })?;
            let found = page.find(key, run.span.first);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The event of this key, if it is one of the newest.
    pub(crate) fn recent(&self, key: LogKey) -> Option<Seq> {
        let closing = self.closing.as_ref();
        self.tail
            .get(key)
            .or_else(|| closing.and_then(|closing| closing.tail.get(key)))
    }

    /// The runs that may hold this key of an event that says when it happened, newest first. A page of
    /// each is to be read.
    pub(crate) fn may_hold(
        &self,
        key: LogKey,
        claimed_ms: Option<i64>,
    ) -> impl Iterator<Item = &Run> {
        let hash = key.hash();
        let runs = self.runs.iter().rev();
        runs.filter(move |run| run.claims.may_hold(claimed_ms) && run.filter.may_hold(hash))
    }

    /// The newest event that is in here, if there is any.
    pub(crate) fn through(&self) -> Option<Seq> {
        let closing = self.closing.as_ref().and_then(|closing| closing.tail.span);
        let span = self.tail.span.or(closing);
        span.or(self.runs.last().map(|run| run.span))
            .map(|span| span.through)
    }

    /// Puts a full tail aside. Called between transactions.
    pub(crate) fn turn(&mut self) {
        debug_assert!(self.noted.is_empty(), "a transaction is under way");
        if self.tail.len >= self.run_events && self.closing.is_none() {
            self.close_tail();
        }
    }

    /// Puts a tail aside that is not full, when the numbers go on far behind it: a tail and a run count from their first event,
    /// and no further than 2^32. Called between transactions, while no run is being closed.
    pub(crate) fn turn_before_a_gap(&mut self) {
        debug_assert!(self.noted.is_empty(), "a transaction is under way");
        debug_assert!(self.closing.is_none(), "a run is being closed");
        if self.tail.len > 0 {
            self.close_tail();
        }
    }

    fn close_tail(&mut self) {
        let tail = std::mem::take(&mut self.tail);
        self.closing = Some(Closing {
            filter: Filter::for_keys(tail.len),
            tail,
            kept: 0,
            written: 0,
        });
        self.kept_span = None;
    }

    /// Takes in an event that is being recorded.
    pub(crate) fn note(&mut self, key: LogKey, seq: Seq, claimed_ms: Option<i64>) {
        self.tail.insert(key, seq, claimed_ms);
        self.noted.push(key);
    }

    /// The pages of the closing run that are due in this transaction, by the events it records.
    pub(crate) fn due(&mut self) -> Vec<(PageId, Page)> {
        let share = (HASTE * self.noted.len() * BUCKETS).div_ceil(self.run_events);
        self.pages(share)
    }

    /// All pages of the closing run that are left.
    pub(crate) fn rest(&mut self) -> Vec<(PageId, Page)> {
        self.pages(BUCKETS)
    }

    fn pages(&mut self, at_most: usize) -> Vec<(PageId, Page)> {
        let run = self.next_run;
        let Some(closing) = &mut self.closing else {
            return Vec::new();
        };
        let buckets = closing.written..(closing.written + at_most).min(BUCKETS);
        closing.written = buckets.end;
        buckets
            .map(|bucket| {
                let mut page = Page::default();
                for (key, offset) in closing.tail.bucket(bucket) {
                    closing.filter.add(key.hash());
                    page.push(key, offset);
                }
                (PageId::of(run, bucket), page)
            })
            .collect()
    }

    /// The closing run, if this transaction has its last pages.
    pub(crate) fn completed(&self) -> Option<CompletedRun<'_>> {
        let closing = self.closing.as_ref()?;
        (closing.written == BUCKETS).then_some(CompletedRun {
            id: self.next_run,
            span: closing.tail.span?,
            filter: &closing.filter,
            claims: &closing.tail.claims,
        })
    }

    /// A run that is out of the window, when another one is completed.
    pub(crate) fn expired(&self, open_ms: i64) -> Option<RunId> {
        self.completed()?;
        let limit_ms = window_begins(open_ms);
        let expired = |run: &&Run| run.completed_ms < limit_ms;
        self.runs.iter().find(expired).map(|run| run.id)
    }

    /// The transaction is committed, when the store had been open for `open_ms`; `forgotten` is the
    /// expired run it deleted.
    pub(crate) fn keep(&mut self, forgotten: Option<RunId>, open_ms: i64) {
        self.noted.clear();
        self.kept_span = self.tail.span;
        self.runs.retain(|run| Some(run.id) != forgotten);
        if let Some(closing) = &mut self.closing {
            closing.kept = closing.written;
            if closing.kept == BUCKETS
                && let Some(Closing { tail, filter, .. }) = self.closing.take()
                && let Some(span) = tail.span
            {
                self.runs.push(Run {
                    id: self.next_run,
                    span,
                    filter,
                    claims: tail.claims,
                    completed_ms: open_ms,
                });
                self.next_run = RunId(self.next_run.0 + 1);
            }
        }
    }

    /// The transaction was rolled back.
    pub(crate) fn undo(&mut self) {
        for key in self.noted.drain(..) {
            self.tail.remove(key);
        }
        // Exactly: a run that claimed to reach further would hide the events that come next.
        self.tail.span = self.kept_span;
        if let Some(closing) = &mut self.closing {
            // Keys that stay in the filter are added again with their pages.
            closing.written = closing.kept;
        }
    }
}

/// A run as it is written.
pub(crate) struct CompletedRun<'a> {
    pub(crate) id: RunId,
    pub(crate) span: Span,
    pub(crate) filter: &'a Filter,
    pub(crate) claims: &'a Claims,
}

#[cfg(test)]
mod tests;
