//! The notes of applications: a line of JSON for each event that a handler took.
//!
//! A line begins with its line break. A process may be killed while it writes: its last line is then cut, and the next one
//! begins on a line of its own all the same. No event of a cut line was acknowledged.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use longwire_wire::frame::FrameView;
use serde::{Deserialize, Serialize};

/// Says in the header of a frame that an event was handed over before.
const REDELIVERED: &str = "longwire-redelivered";

/// What a handler took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// The bot.
    pub(crate) app: String,
    pub(crate) event_id: String,
    pub(crate) chat: String,
    /// Its frame says that it was handed over before.
    pub(crate) redelivered: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Event {
    header: Header,
    event: Body,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Header {
    event_id: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    message: Message,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Message {
    chat_id: String,
}

impl Note {
    /// The note of an event. One without an id is noted too, and is found to be none of the platform's.
    pub(super) fn of(app: &str, frame: &FrameView) -> Self {
        let payload = frame.payload().unwrap_or_default();
        let event: Event = serde_json::from_slice(&payload).unwrap_or_default();
        Self {
            app: app.to_owned(),
            event_id: event.header.event_id,
            chat: event.event.message.chat_id,
            redelivered: frame.header(REDELIVERED).is_some(),
        }
    }
}

/// The file, as a process writes it.
pub(super) struct NotesFile {
    file: RefCell<File>,
}

impl NotesFile {
    /// Appends to what is there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self {
            file: RefCell::new(file),
        })
    }

    /// Writes some in one go. The kernel has them when this returns, so that the end of this process takes none away.
    pub(super) fn write(&self, notes: impl Iterator<Item = Note>) -> io::Result<()> {
        let mut text = Vec::new();
        for note in notes {
            text.push(b'\n');
            serde_json::to_writer(&mut text, &note)?;
        }
        self.file.borrow_mut().write_all(&text)
    }
}

/// Reads the notes while they are written.
pub(crate) struct NotesReader {
    file: File,
    /// The line that may not be whole yet.
    rest: Vec<u8>,
}

impl NotesReader {
    /// Reads from the beginning; a missing file is an empty one.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        Ok(Self {
            file,
            rest: Vec::new(),
        })
    }

    /// The notes that came since the last call, but for one in the last line. Cut lines are skipped.
    pub(crate) fn next(&mut self) -> io::Result<Vec<Note>> {
        self.file.read_to_end(&mut self.rest)?;
        let Some(last) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(Vec::new());
        };
        let whole: Vec<u8> = self.rest.drain(..last).collect();
        Ok(notes_of(&whole))
    }

    /// Those of [`next`](Self::next) with the last line, once nobody writes any more.
    pub(crate) fn last(mut self) -> io::Result<Vec<Note>> {
        self.file.read_to_end(&mut self.rest)?;
        Ok(notes_of(&self.rest))
    }
}

fn notes_of(lines: &[u8]) -> Vec<Note> {
    let lines = lines.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(event_id: &str) -> Note {
        Note {
            app: "cli_0000000000000001".to_owned(),
            event_id: event_id.to_owned(),
            chat: "oc_1".to_owned(),
            redelivered: false,
        }
    }

    #[test]
    fn notes_of_several_processes_are_in_one_order() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notes");
        let mut reader = NotesReader::open(&path).expect("opened");
        let (one, two) = (
            NotesFile::open(&path).expect("opened"),
            NotesFile::open(&path).expect("opened"),
        );
        one.write([note("a"), note("b")].into_iter())
            .expect("written");
        two.write([note("c")].into_iter()).expect("written");
        assert_eq!(reader.next().expect("read"), [note("a"), note("b")]);
        one.write([note("d")].into_iter()).expect("written");
        assert_eq!(reader.last().expect("read"), [note("c"), note("d")]);
    }

    #[test]
    fn a_line_that_a_kill_has_cut_takes_none_with_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notes");
        std::fs::write(&path, b"\n{\"app\":\"cli_0000000").expect("written");
        let after = NotesFile::open(&path).expect("opened");
        after.write([note("a")].into_iter()).expect("written");
        let reader = NotesReader::open(&path).expect("opened");
        assert_eq!(reader.last().expect("read"), [note("a")]);
    }
}
