//! WeCom: 85 frames, 6 sequences, and the files beside them.

mod commands;
mod incoming;
mod media;
mod sequences;
pub(crate) mod vectors;
