//! The hidden `longwire bench receiver`: applications that take webhooks, in a process of their own, as cheap as can be: they
//! share the cores with what is measured.
//!
//! ```text
//! longwire serve ──POST──▶ application ──▶ ledger: each event by its number, how often, in which order, how late
//!                              ▲                       │
//!                          behaviour ◀── control ──────┘
//! ```
//! Each application has a port of its own, so that it can be dead: then nobody listens there. Others come for their events. One
//! thread serves all.

mod application;
mod behaviour;
mod control;
mod envelope;
mod ledger;
mod reader;
mod request;

use std::io;
use std::net::Ipv4Addr;
use std::rc::Rc;

use longwire_terminal::write_data;
use tokio::net::TcpListener;
use tokio::task::LocalSet;

use crate::error::BenchError;

pub(crate) use behaviour::ReceiverBehaviour;
pub(crate) use control::{AddApplications, AddedApplications, Behave, Verify};
pub(crate) use ledger::ReceivedCounts;
pub(crate) use reader::{AddReader, AddedReader, ReaderRoad};

use control::Receiver;

/// This process becomes the applications of a run, until it is told to end. Its first line is where it is controlled.
///
/// # Errors
/// When no port can be had.
pub fn run() -> Result<(), BenchError> {
    let failed = BenchError::io("serve as an application");
    serve().map_err(failed)
}

fn serve() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        write_data(format!("http://{}", listener.local_addr()?))?;
        control::serve(listener, Rc::new(Receiver::default())).await
    })
}

#[cfg(test)]
mod tests;
