//! The hidden `longwire bench application`: a program with many bots that connects as the official SDKs do, in a process of
//! its own, so that it can be killed.
//!
//! ```text
//! bootstrap ─▶ upgrade ─▶ first pong ─▶ an event ─▶ a line in the notes ─▶ ACK
//! ```
//! Its handler is done with an event once the line is in the file, which outlives the process. Several processes share one
//! file: its order is that in which their handlers took the events. One thread serves all connections.

mod connection;
mod notes;

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use longwire_terminal::write_data;
use secrecy::SecretString;
use tokio::task::LocalSet;

use crate::cli::ApplicationArgs;
use crate::error::BenchError;
use connection::Bot;
use notes::NotesFile;

pub(crate) use notes::{Note, NotesReader};

/// What it writes once every connection has had its first pong.
pub(crate) const CONNECTED: &str = "connected";

/// What all connections of the process share.
struct Application {
    base_url: String,
    token: SecretString,
    client: awc::Client,
    notes: Option<NotesFile>,
    /// Connections that have not had their first pong.
    to_come: Cell<u32>,
}

impl Application {
    fn connected(&self) {
        let to_come = self.to_come.get().saturating_sub(1);
        self.to_come.set(to_come);
        if to_come == 0 {
            // Whoever started it has ended when this fails, and ends it as well.
            let _ = write_data(CONNECTED);
        }
    }
}

/// This process becomes an application, until it is told to end.
///
/// # Errors
/// The token or the notes cannot be opened.
pub fn run(command: &ApplicationArgs) -> Result<(), BenchError> {
    let path = &command.token_file;
    let token = std::fs::read_to_string(path);
    let token = token.map_err(BenchError::io(format!("read {}", path.display())))?;
    let notes = match &command.notes {
        None => None,
        Some(path) => Some(
            NotesFile::open(path)
                .map_err(BenchError::io(format!("write to {}", path.display())))?,
        ),
    };
    let application = Rc::new(Application {
        base_url: command.base_url.clone(),
        token: SecretString::from(token.trim()),
        client: awc::Client::builder().timeout(connection::ANSWER).finish(),
        notes,
        to_come: Cell::new(command.bots * command.connections),
    });
    serve(&application, command).map_err(BenchError::io("serve as an application"))
}

fn serve(application: &Rc<Application>, command: &ApplicationArgs) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let tasks = LocalSet::new();
    for number in 1..=command.bots {
        for connection in 0..command.connections {
            let seed = u64::from(number) << 32 | u64::from(connection);
            let bot = Bot::new(Rc::clone(application), format!("cli_{number:016}"), seed);
            tasks.spawn_local(bot.run());
        }
    }
    runtime.block_on(tasks);
    Ok(())
}
