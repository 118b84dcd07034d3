//! WeCom's server side: answers to commands, and callbacks, as the text of frames.
//!
//! A subscribe, a ping and every other command are answered alike: by a frame without `cmd` that echoes the command's
//! `req_id` ([`answer_frame`]).

mod answer;
mod callback;

pub use self::answer::{CommandResult, answer_frame, code};
pub use self::callback::{EVENT_CALLBACK, MESSAGE_CALLBACK, callback_frame};
