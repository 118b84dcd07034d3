//! What longwire says to people, in English and in Chinese.
//!
//! The code speaks English. One table, in `messages/`, has the Chinese of each text, by its English template: the text of
//! an `#[error]`, of a `format!`, of the help. A text is translated where it leaves the process for a person, by finding
//! the template that it was made of:
//!
//! ```text
//! "cannot listen on 127.0.0.1:7700 (server.listen): Address already in use (os error 98)"
//!        │ template "cannot listen on {address} ({setting})", cause "Address already in use (os error 98)"
//!        ▼
//! "无法监听 127.0.0.1:7700（server.listen）：地址已被使用 (os error 98)"
//! ```
//!
//! A text without a template stays English, and so do the log, JSON and the HTTP interfaces: programs read them, and
//! people search for them. `tests/complete.rs` compares the table with the source of every crate.
//!
//! Nothing here reads a file, a clock or the environment by itself.

#![cfg_attr(
    not(test),
    forbid(
        clippy::disallowed_macros,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )
)]

mod language;
mod spacing;
mod spoken;
mod table;
mod template;
mod translate;

pub use language::{Language, UnknownLanguage};
pub use spoken::{said, speak, spoken, word};
pub use table::{Catalog, CatalogEntry};
pub use template::Template;
