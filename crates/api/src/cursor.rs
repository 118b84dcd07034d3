//! Cursors: where the next page of a list begins, as a text that callers keep and do not read.
//!
//! ```text
//! version (1) · list (1) · place (16) · checksum (8)      in base64url
//! ```
//! The checksum goes over the store and the caller's space too. So a cursor that was altered, or is used with another list,
//! space or gateway, is refused, and never taken for an empty page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use longwire_access::Space;
use longwire_listener::Problem;
use longwire_store::StoreIdentity;
use sha2::{Digest as _, Sha256};

use crate::problem_code::ProblemCode;

/// Cursors of another version are refused.
const VERSION: u8 = 1;
const PLACE: usize = 2;
const CHECKSUM: usize = PLACE + 16;
const LENGTH: usize = CHECKSUM + 8;

/// The lists that have cursors. The numbers are part of their texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CursorList {
    /// `/v1/events`: the number of an event.
    Events = 1,
    /// `/v1/installations`: the bytes of a public id.
    Installations = 2,
    /// `/v1/consumers`: the row of a consumer.
    Consumers = 3,
    /// `/v1/consumers/{name}/attempts`: the batch of a journey.
    Attempts = 4,
}

/// Makes and reads the cursors of one space of one gateway.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursors<'a> {
    pub(crate) store: StoreIdentity,
    pub(crate) space: &'a Space,
}

impl Cursors<'_> {
    /// The cursor of this place.
    pub(crate) fn write(&self, list: CursorList, place: u128) -> String {
        let mut bytes = [0; LENGTH];
        bytes[..PLACE].copy_from_slice(&[VERSION, list as u8]);
        bytes[PLACE..CHECKSUM].copy_from_slice(&place.to_be_bytes());
        let checksum = self.checksum(&bytes[..CHECKSUM]);
        bytes[CHECKSUM..].copy_from_slice(&checksum);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place of a cursor.
    ///
    /// # Errors
    /// 400 with the code `cursor_invalid`.
    pub(crate) fn read(&self, list: CursorList, text: &str) -> Result<u128, Problem> {
        let place = self.place(list, text);
        place.ok_or_else(|| {
            ProblemCode::CursorInvalid.problem(
                "this is no cursor of this list: use `next` of an answer as it is, or begin without one",
            )
        })
    }

    fn place(&self, list: CursorList, text: &str) -> Option<u128> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let bytes: [u8; LENGTH] = bytes.try_into().ok()?;
        let is_ours = bytes[..PLACE] == [VERSION, list as u8]
            && bytes[CHECKSUM..] == self.checksum(&bytes[..CHECKSUM]);
        let place = bytes[PLACE..CHECKSUM].try_into().ok()?;
        is_ours.then(|| u128::from_be_bytes(place))
    }

    fn checksum(&self, bytes: &[u8]) -> [u8; 8] {
        let mut digest = Sha256::new();
        digest.update(b"longwire cursor\0");
        digest.update(self.store.as_bytes());
        digest.update(bytes);
        digest.update(self.space.as_str().as_bytes());
        let digest = digest.finalize();
        let mut checksum = [0; 8];
        checksum.copy_from_slice(&digest[..8]);
        checksum
    }
}

#[cfg(test)]
mod tests;
