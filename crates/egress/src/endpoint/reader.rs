//! Reads one answer from the bytes of a connection, in whatever pieces they come. No I/O here.
//!
//! Head and kept body lie in one buffer, which the answer takes with it. A body that is longer than what is kept is read
//! on for a while, because the connection can be used again only after its end.

use std::time::Duration;

use super::answer::{ConnectionUse, PostAnswer};
use super::chunks::{Chunks, Piece};
use super::head::{Framing, Head};
use super::malformed::MalformedAnswer;

/// The longest head, in bytes. Servers send some hundred.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The most bytes of a body that are read, with the transfer coding. A new connection costs less than reading more.
pub(super) const MAX_BODY_BYTES: usize = 256 * 1024;

/// The most interim answers (1xx) before the answer. One is usual: 100 or 103.
const MAX_INTERIM: u8 = 16;

/// What a buffer begins with: a usual head and a short body.
const USUAL_ANSWER_BYTES: usize = 512;

/// What is still to come of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// What has come is no answer yet.
    Incomplete,
    /// What is kept is there. The rest has to be read if the connection is to be used again.
    RestToSkip,
    /// Nothing.
    Over,
}

/// How an answer ends if the connection ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtClose {
    /// No byte of it came.
    NothingCame,
    /// It is cut off.
    Cut,
    /// It is an answer.
    Whole,
}

#[derive(Debug)]
enum State {
    Head,
    Length { remaining: u64 },
    Chunked(Chunks),
    UntilClose,
    Over,
}

/// The answer that is being read.
#[derive(Debug)]
pub(super) struct AnswerReader {
    keep_bytes: usize,
    state: State,
    received: Vec<u8>,
    head_bytes: usize,
    status: u16,
    body_bytes: usize,
    interim: u8,
    whole: bool,
    persistent: bool,
    keep_alive: Option<Duration>,
}

impl AnswerReader {
    /// Keeps up to `keep_bytes` of the body.
    pub(super) fn new(keep_bytes: usize) -> Self {
        Self {
            keep_bytes: keep_bytes.min(MAX_BODY_BYTES),
            state: State::Head,
            received: Vec::with_capacity(USUAL_ANSWER_BYTES),
            head_bytes: 0,
            status: 0,
            body_bytes: 0,
            interim: 0,
            whole: true,
            persistent: true,
            keep_alive: None,
        }
    }

    /// Takes what was read from the connection.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Result<Progress, MalformedAnswer> {
        while !bytes.is_empty() && !matches!(self.state, State::Over) {
            let taken = match self.state {
                State::Head => self.read_head(bytes)?,
                _ => self.read_body(bytes)?,
            };
            bytes = &bytes[taken..];
        }
        if !bytes.is_empty() {
            // Nothing was asked that these could answer.
            self.persistent = false;
        }
        Ok(self.progress())
    }

    /// What it comes to if the connection ends here.
    pub(super) fn at_close(&mut self) -> AtClose {
        self.persistent = false;
        match (&self.state, self.progress()) {
            (State::Head, _) if self.received.is_empty() && self.interim == 0 => {
                AtClose::NothingCame
            }
            (State::UntilClose, _) | (_, Progress::Over) => {
                self.state = State::Over;
                AtClose::Whole
            }
            (_, Progress::RestToSkip) => {
                self.whole = false;
                AtClose::Whole
            }
            (_, Progress::Incomplete) => AtClose::Cut,
        }
    }

    /// Whether the connection can be used again once the rest is read.
    pub(super) fn may_persist(&self) -> bool {
        self.persistent
    }

    /// Whether the next request can be sent over the same connection.
    pub(super) fn is_persistent(&self) -> bool {
        self.persistent && matches!(self.state, State::Over)
    }

    /// How long the server says that it keeps the connection.
    pub(super) fn keep_alive(&self) -> Option<Duration> {
        self.keep_alive
    }

    /// The answer, after [`Progress::RestToSkip`], [`Progress::Over`] or [`AtClose::Whole`].
    pub(super) fn into_answer(self, connection: ConnectionUse) -> PostAnswer {
        PostAnswer {
            status: self.status,
            body_is_whole: self.whole && matches!(self.state, State::Over),
            connection,
            received: self.received,
            head_bytes: self.head_bytes,
        }
    }

    fn progress(&self) -> Progress {
        match self.state {
            State::Over => Progress::Over,
            State::Head => Progress::Incomplete,
            _ if self.kept_bytes() == self.keep_bytes => Progress::RestToSkip,
            _ => Progress::Incomplete,
        }
    }

    fn kept_bytes(&self) -> usize {
        self.received.len() - self.head_bytes
    }

    fn read_head(&mut self, bytes: &[u8]) -> Result<usize, MalformedAnswer> {
        let before = self.received.len();
        let fresh = &bytes[..bytes.len().min(MAX_HEAD_BYTES - before)];
        self.received.extend_from_slice(fresh);
        let ended = if fresh.contains(&b'\n') {
            Head::parse(&self.received)?
        } else {
            None
        };
        let Some((head, head_bytes)) = ended else {
            if self.received.len() == MAX_HEAD_BYTES {
                return Err(MalformedAnswer::HeadTooLong);
            }
            return Ok(fresh.len());
        };
        self.received.truncate(head_bytes);
        match head.status {
            101 => return Err(MalformedAnswer::Upgrade),
            100..=199 => {
                self.interim += 1;
                if self.interim > MAX_INTERIM {
                    return Err(MalformedAnswer::TooManyInterim);
                }
                self.received.clear();
            }
            _ => {
                self.status = head.status;
                self.head_bytes = head_bytes;
                self.persistent = head.persistent;
                self.keep_alive = head.keep_alive;
                self.begin_body(head.framing);
            }
        }
        Ok(head_bytes - before)
    }

    fn begin_body(&mut self, framing: Framing) {
        self.state = match framing {
            Framing::None | Framing::Length(0) => State::Over,
            Framing::Length(remaining) => State::Length { remaining },
            Framing::Chunked => State::Chunked(Chunks::new()),
            Framing::UntilClose => State::UntilClose,
        };
    }

    fn read_body(&mut self, bytes: &[u8]) -> Result<usize, MalformedAnswer> {
        let room = MAX_BODY_BYTES - self.body_bytes;
        let bytes = &bytes[..bytes.len().min(room)];
        let (taken, data) = match &mut self.state {
            State::Length { remaining } => {
                let count =
                    usize::try_from(*remaining).map_or(bytes.len(), |it| it.min(bytes.len()));
                *remaining -= count as u64;
                (count, true)
            }
            State::Chunked(chunks) => match chunks.next(bytes)? {
                Piece::Data(count) => (count, true),
                Piece::Framing(count) => (count, false),
                Piece::Over => (0, false),
            },
            State::UntilClose => (bytes.len(), true),
            State::Head | State::Over => (0, false),
        };
        self.body_bytes += taken;
        if data {
            let kept = taken.min(self.keep_bytes - self.kept_bytes());
            self.received.extend_from_slice(&bytes[..kept]);
            self.whole &= kept == taken;
        }
        self.end_body();
        Ok(taken)
    }

    /// Ends a body that is over, and gives up one that is not worth reading to its end.
    fn end_body(&mut self) {
        let is_full = self.kept_bytes() == self.keep_bytes;
        let (is_over, is_hopeless) = match &self.state {
            State::Length { remaining } => {
                let room = (MAX_BODY_BYTES - self.body_bytes) as u64;
                (*remaining == 0, is_full && *remaining > room)
            }
            State::Chunked(chunks) => (chunks.is_over(), false),
            // The end of the connection is that of the answer, so there is nothing to save.
            State::UntilClose => (false, is_full && !self.whole),
            State::Head | State::Over => (false, false),
        };
        if is_over {
            self.state = State::Over;
        } else if is_hopeless || self.body_bytes == MAX_BODY_BYTES {
            self.state = State::Over;
            self.whole = false;
            self.persistent = false;
        }
    }
}

#[cfg(test)]
mod tests;
