//! What a [`Link`](super::Link) has its owner do.

use super::{CloseReason, RenewalEnd};
use crate::generation::Generation;

/// What is to be done. The owner answers with a `handle_…` call of the same generation, except where none is named.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Ask the connect scheduler for a permit. Answer: [`handle_permitted`](super::Link::handle_permitted), once it is granted.
    RequestPermit(Generation),
    /// Ask the platform for a connection URL. Answer: [`handle_bootstrapped`](super::Link::handle_bootstrapped) or
    /// [`handle_setback`](super::Link::handle_setback).
    Bootstrap(Generation),
    /// Connect to that URL. Answer: [`handle_opened`](super::Link::handle_opened) or
    /// [`handle_setback`](super::Link::handle_setback).
    Dial(Generation),
    /// Record on disk that another connection has the bot, and since when ([`State::Displaced`](crate::State)). No answer.
    RecordDisplaced,
    /// Record on disk that the bot is taken back, with the times of earlier take-backs
    /// ([`taken_back`](super::Link::taken_back)). Answer: [`handle_take_back_recorded`](super::Link::handle_take_back_recorded),
    /// once that is durable. Without an answer this action is repeated.
    RecordTakeBack(Generation),
    /// A [`Renewal`](super::Renewal) is over, and this is what came of it. Comes after the [`Close`](Self::Close) of the
    /// connection that it replaced. No answer.
    RenewalEnded(Generation, RenewalEnd),
    /// End whatever this generation still has: a call, a dial or a connection. Harmless if it has nothing. No answer.
    Close(Generation, CloseReason),
}
