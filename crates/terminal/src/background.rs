//! Writing that never keeps its caller waiting: a thread of its own writes what others hand it.
//!
//! ```text
//! any thread ──write──▶ waiting, 1 MiB at most ──▶ the thread: one write call for all that waits ──▶ pipe, file, terminal
//! ```
//!
//! A pipe whose reader stalls, a terminal that was paused, a full disk: here they cost lines, and nothing else. What
//! finds no room and what cannot be written is counted, and told once writing works again. The process never ends for
//! it, and its end waits for the last lines no longer than [`BackgroundWriter::flush`] is told to.
//!
//! `tracing-appender` has such a thread too. Its bound is a number of lines of any length, a line that could not be
//! written is not counted, and nothing says when it works again.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::mem;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What may wait, in bytes: some thousands of lines, the burst of a bad minute. As much again is in the thread's hands.
const QUEUE_BYTES: usize = 1 << 20;
/// A buffer that a burst made larger than this is given back.
const KEPT_BYTES: usize = 64 << 10;
/// How long the thread waits before it tries a non-blocking file again. Another process made it so, such as a shell that
/// shares its terminal.
const RETRY: Duration = Duration::from_millis(10);

/// A descriptor of standard output or error for one thread alone: the standard library's have a lock, which a thread
/// would hold for as long as it is in a write.
pub fn descriptor_of(stream: &impl AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}

/// Lines that were not written.
#[derive(Debug)]
pub struct Lost {
    /// How many, since it was told last.
    pub lines: u64,
    /// Why the last ones could not be written; `None` when there was only no room for them.
    pub error: Option<io::Error>,
}

/// Hands bytes to a thread that writes them. Dropping it ends the thread once everything is written.
pub struct BackgroundWriter {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// There is something to do for the thread.
    wake: Condvar,
    /// The thread has done something.
    progress: Condvar,
    lost_lines: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// Writes that were handed in and found room.
    accepted: u64,
    /// Those of them that are over, written or not.
    finished: u64,
    untold: u64,
    last_error: Option<io::Error>,
    /// What the last attempt to write came to.
    is_broken: bool,
    is_closed: bool,
}

impl BackgroundWriter {
    /// Starts the thread. It calls `tell` when it has written something again after lines were lost; `tell` may write here.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(
        name: &str,
        out: impl Write + Send + 'static,
        tell: impl Fn(Lost) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            progress: Condvar::new(),
            lost_lines: AtomicU64::new(0),
        });
        let own = Arc::clone(&shared);
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || own.write_on(out, tell))?;
        Ok(Self { shared })
    }

    /// Takes `bytes`, all or nothing: what finds no room is lost and counted. Waits for nothing.
    pub fn write(&self, bytes: &[u8]) {
        self.shared.accept(bytes, QUEUE_BYTES);
    }

    /// The same for what must not be lost to a lack of room. Its caller bounds how much that is.
    pub fn write_for_certain(&self, bytes: &[u8]) {
        self.shared.accept(bytes, usize::MAX);
    }

    /// Waits until what was taken so far is written or given up, `limit` at most; whether it is.
    pub fn flush(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let mut state = self.shared.lock();
        let wanted = state.accepted;
        while state.finished < wanted {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self
                .shared
                .progress
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    /// Lines lost since the start.
    pub fn lost_lines(&self) -> u64 {
        self.shared.lost_lines.load(Relaxed)
    }

    /// Whether the last attempt to write failed.
    pub fn is_broken(&self) -> bool {
        self.shared.lock().is_broken
    }
}

impl Drop for BackgroundWriter {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.wake.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is done under the lock that could panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(&self, bytes: &[u8], limit: usize) {
        let mut state = self.lock();
        if state.waiting.len().saturating_add(bytes.len()) > limit {
            let lines = lines_of(bytes);
            state.untold += lines;
            self.lost_lines.fetch_add(lines, Relaxed);
            return;
        }
        state.waiting.extend_from_slice(bytes);
        state.accepted += 1;
        drop(state);
        self.wake.notify_one();
    }

    /// The thread's life.
    fn write_on(&self, mut out: impl Write, tell: impl Fn(Lost)) {
        let mut batch = Vec::new();
        while let Some(up_to) = self.take(&mut batch) {
            let written = write_all(&mut out, &batch);
            if let Some(lost) = self.finish(up_to, written) {
                tell(lost);
            }
            batch.clear();
            batch.shrink_to(KEPT_BYTES);
        }
    }

    /// Everything that waits, and the number of the last write in it; `None` when nothing more will come.
    fn take(&self, batch: &mut Vec<u8>) -> Option<u64> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.is_closed {
                return None;
            }
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        mem::swap(&mut state.waiting, batch);
        Some(state.accepted)
    }

    /// Keeps what came of a batch; what is to be told of earlier ones, now that writing works.
    fn finish(&self, up_to: u64, written: Result<(), Unwritten>) -> Option<Lost> {
        let mut state = self.lock();
        state.finished = up_to;
        state.is_broken = written.is_err();
        self.progress.notify_all();
        match written {
            Err(Unwritten { lines, error }) => {
                state.untold += lines;
                state.last_error = Some(error);
                self.lost_lines.fetch_add(lines, Relaxed);
                None
            }
            Ok(()) if state.untold == 0 => None,
            Ok(()) => Some(Lost {
                lines: mem::take(&mut state.untold),
                error: state.last_error.take(),
            }),
        }
    }
}

/// Lines of a batch that could not be written, the first of them perhaps in part.
struct Unwritten {
    lines: u64,
    error: io::Error,
}

fn write_all(out: &mut impl Write, batch: &[u8]) -> Result<(), Unwritten> {
    let mut rest = batch;
    while !rest.is_empty() {
        let error = match out.write(rest) {
            Ok(0) => ErrorKind::WriteZero.into(),
            Ok(written) => {
                rest = &rest[written..];
                continue;
            }
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::Interrupted => {}
            ErrorKind::WouldBlock => thread::sleep(RETRY),
            _ => {
                let lines = lines_of(rest);
                return Err(Unwritten { lines, error });
            }
        }
    }
    out.flush().map_err(|error| Unwritten { lines: 0, error })
}

fn lines_of(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Far more than anything here takes.
    const LONG: Duration = Duration::from_secs(30);

    /// A file whose every write waits for the test to say what comes of it.
    struct Scripted {
        asked: Sender<Vec<u8>>,
        answers: Receiver<io::Result<usize>>,
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // A test that is over wants no more.
            let _ = self.asked.send(bytes.to_vec());
            self.answers.recv().unwrap_or(Ok(bytes.len()))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Stand {
        writer: BackgroundWriter,
        asked: Receiver<Vec<u8>>,
        answer: Sender<io::Result<usize>>,
        told: Receiver<Lost>,
    }

    impl Stand {
        fn new() -> Self {
            let (asked_at, asked) = channel();
            let (answer, answers) = channel();
            let (tell, told) = channel();
            let out = Scripted {
                asked: asked_at,
                answers,
            };
            let writer = BackgroundWriter::start("test", out, move |lost| drop(tell.send(lost)));
            Self {
                writer: writer.expect("there is a thread"),
                asked,
                answer,
                told,
            }
        }

        /// What the thread wants to write now.
        #[track_caller]
        fn asked(&self) -> String {
            let bytes = self.asked.recv_timeout(LONG).expect("the thread writes");
            String::from_utf8(bytes).expect("it was text")
        }

        fn answer(&self, result: io::Result<usize>) {
            self.answer.send(result).expect("the thread waits");
        }
    }

    /// Takes writes of one byte at least and five at most, and gives way now and then.
    struct Reluctant {
        written: Arc<Mutex<Vec<u8>>>,
        turns: VecDeque<Option<ErrorKind>>,
    }

    impl Write for Reluctant {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.turns.rotate_left(1);
            if let Some(kind) = self.turns[0] {
                return Err(kind.into());
            }
            let taken = &bytes[..bytes.len().min(5)];
            self.written.lock().expect("nobody panics").extend(taken);
            Ok(taken.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn all_that_is_taken_is_written_in_its_order() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let out = Reluctant {
            written: Arc::clone(&written),
            turns: [
                None,
                Some(ErrorKind::WouldBlock),
                None,
                None,
                Some(ErrorKind::Interrupted),
            ]
            .into(),
        };
        let writer = BackgroundWriter::start("test", out, |lost| panic!("{lost:?}"));
        let writer = writer.expect("there is a thread");
        let mut expected = String::new();
        for number in 0..100 {
            let line = format!("line {number}\n");
            writer.write(line.as_bytes());
            expected.push_str(&line);
        }
        assert!(writer.flush(LONG));
        let written = written.lock().expect("nobody panics");
        assert_eq!(String::from_utf8_lossy(&written), expected);
        assert_eq!((writer.lost_lines(), writer.is_broken()), (0, false));
    }

    #[test]
    fn a_stalled_reader_costs_what_finds_no_room_and_hears_of_it() {
        let stand = Stand::new();
        stand.writer.write(b"first\n");
        assert_eq!(stand.asked(), "first\n");
        // The thread is in that write call, and stays there.
        let line = [b"x".repeat(QUEUE_BYTES / 4 - 1), b"\n".to_vec()].concat();
        for _ in 0..7 {
            stand.writer.write(&line);
        }
        assert_eq!(stand.writer.lost_lines(), 3);
        stand.writer.write_for_certain(b"in any case\n");
        assert!(!stand.writer.flush(Duration::ZERO));

        stand.answer(Ok(6));
        let lost = stand.told.recv_timeout(LONG).expect("it is told");
        assert_eq!((lost.lines, lost.error.is_none()), (3, true));
        let rest = stand.asked();
        assert_eq!(rest.len(), QUEUE_BYTES + 12);
        assert!(rest.ends_with("in any case\n"));
        stand.answer(Ok(QUEUE_BYTES + 12));
        assert!(stand.writer.flush(LONG));
        // Once is enough.
        assert!(stand.told.try_recv().is_err());
    }

    #[test]
    fn what_cannot_be_written_is_counted_and_told_when_it_works_again() {
        let stand = Stand::new();
        stand.writer.write(b"one\n");
        assert_eq!(stand.asked(), "one\n");
        stand.writer.write(b"two\nthree\n");
        stand.writer.write(b"four\n");
        stand.answer(Ok(4));
        assert_eq!(stand.asked(), "two\nthree\nfour\n");
        stand.answer(Ok(6));
        assert_eq!(stand.asked(), "ree\nfour\n");
        stand.answer(Err(ErrorKind::StorageFull.into()));
        assert!(stand.writer.flush(LONG), "given up is over too");
        assert_eq!(
            (stand.writer.lost_lines(), stand.writer.is_broken()),
            (2, true)
        );
        assert!(
            stand.told.try_recv().is_err(),
            "there is nobody to tell yet"
        );

        stand.writer.write(b"five\n");
        assert_eq!(stand.asked(), "five\n");
        stand.answer(Ok(5));
        let lost = stand.told.recv_timeout(LONG).expect("it is told");
        assert_eq!(lost.lines, 2);
        assert_eq!(
            lost.error.map(|error| error.kind()),
            Some(ErrorKind::StorageFull)
        );
        assert!(!stand.writer.is_broken());
    }

    #[test]
    fn a_dropped_one_writes_what_it_has_and_ends() {
        let stand = Stand::new();
        stand.writer.write(b"last\n");
        drop(stand.writer);
        assert_eq!(
            stand.asked.recv_timeout(LONG).expect("it writes"),
            b"last\n"
        );
        stand.answer.send(Ok(5)).expect("the thread waits");
        // The thread is gone, and its end of the channel with it.
        assert!(stand.told.recv_timeout(LONG).is_err());
        assert!(stand.asked.recv_timeout(LONG).is_err());
    }
}
