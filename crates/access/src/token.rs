//! A token: its text, which only its holder has, and what is kept of it.

mod base32;
mod digest;
mod id;
mod record;
mod text;

pub use digest::TokenDigest;
pub use id::{TokenId, TokenIdError};
pub use record::{NewToken, TokenRecord};
pub use text::{RANDOM_BYTES, TokenText, TokenTextError};
