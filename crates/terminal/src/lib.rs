//! Standard output and standard error of the process, so that a terminal or pipe that stalls holds nothing up.
//!
//! Data goes to standard output with [`write_data`], everything else to standard error with [`say`]. The log goes to standard
//! error through a thread of its own, which drops and counts lines instead of waiting. Text from outside passes [`escaped`]
//! before a person sees it. What is said, and the headings of a table, are in the language of the process
//! (`longwire_language`).
//!
//! Nothing here reads input, and nothing decides what is said.

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
pub use screen::{Ink, Palette, Redrawn, Table, colours_on, grouped, ms, padded, width};
pub use stderr::say;
