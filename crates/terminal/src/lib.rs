//! The two ways out of the process, and what a person sees of it: a terminal that stalls must hold nothing up.
//!
//! Data goes to standard output with [`write_data`], everything else to standard error with [`say`]. Nothing here reads
//! what is written back, and nothing decides what is said.

// Both wait for whoever reads, and panic when nobody does.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod background;
mod data;
mod escaped;
mod screen;
pub mod stderr;

pub use background::{BackgroundWriter, Lost, descriptor_of};
pub use data::{closed_reader_is_fine, write_data};
pub use escaped::{Escaping, escaped, escaped_json};
pub use screen::{Ink, Palette, Redrawn, Table, colours_on, grouped, ms};
pub use stderr::say;
