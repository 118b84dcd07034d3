//! A whole fleet against the simulated platform, in one process: the way of an event, and what a failing actor costs.

mod actors;
mod bots;
mod callbacks;
mod cards;
mod connections;
mod drain;
mod events;
mod modes;
mod operations;
mod probe;
mod replies;
mod secrets;
mod world;
