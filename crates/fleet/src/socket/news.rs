//! What a socket tells its installation.

use actix::Message;
use longwire_link::{Generation, Setback};

/// The socket of `generation` is open. From the socket, once.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Opened(pub(crate) Generation);

/// The socket of `generation` is gone, or never came. From the socket, once, unless it was told to close.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Lost {
    pub(crate) generation: Generation,
    pub(crate) setback: Setback,
    pub(crate) detail: String,
}

/// A socket that was told to finish is gone. From the socket, once.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Finished {
    pub(crate) generation: Generation,
    pub(crate) unanswered: u64,
}

/// A fragment came and nobody joins fragments. From the socket, which reads nothing more until one is attached.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct AssemblerWanted(pub(crate) Generation);

/// The assembler holds nothing and is given nothing more. From the socket, at most once per assembler.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct AssemblerIdle(pub(crate) Generation);
