//! The routes over real sockets, with a real store and real delivery, and a fleet that connects no bot.

mod callbacks;
mod compat;
mod consumers;
mod document;
mod events;
mod installations;
mod probes;
mod readers;
mod served;
