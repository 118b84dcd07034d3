//! The Open API of the simulated platform: what it refuses, what a person sees of the rest, and the golden vectors.

mod alike;
mod arranged;
mod caller;
mod chats;
mod refusals;
mod scripts;
mod stage;
#[path = "../support/mod.rs"]
mod support;
mod vectors;
