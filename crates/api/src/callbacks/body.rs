//! The body of a callback, read whole, within bounds.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use longwire_fleet::CallbackRejection;
use longwire_listener::has_stalled;

/// Bodies up to here are not counted, so that whoever sends long ones keeps none of the platform's out: an event of a chat has
/// some KiB. The clients of the listener are few enough.
const UNCOUNTED_BYTES: usize = 64 << 10;
/// What all longer bodies hold together.
const MOST_BYTES: usize = 16 << 20;

/// The memory of bodies that are being read and answered.
#[derive(Default)]
pub(crate) struct BodyMemory(AtomicUsize);

/// The part of one body.
pub(super) struct BodyPart<'a> {
    of: &'a BodyMemory,
    bytes: usize,
}

impl BodyMemory {
    fn part(&self) -> BodyPart<'_> {
        BodyPart { of: self, bytes: 0 }
    }
}

impl BodyPart<'_> {
    /// Whether the body may become as long.
    fn grow_to(&mut self, bytes: usize) -> bool {
        if bytes <= UNCOUNTED_BYTES || bytes <= self.bytes {
            return true;
        }
        let more = bytes - self.bytes;
        let held = self.of.0.fetch_add(more, Relaxed);
        self.bytes = bytes;
        held + more <= MOST_BYTES
    }
}

impl Drop for BodyPart<'_> {
    fn drop(&mut self) {
        self.of.0.fetch_sub(self.bytes, Relaxed);
    }
}

/// Reads a body of so many bytes at most.
pub(super) async fn read<'a>(
    mut payload: Payload,
    headers: &HeaderMap,
    most_bytes: usize,
    memory: &'a BodyMemory,
) -> Result<(Bytes, BodyPart<'a>), CallbackRejection> {
    let announced = announced(headers).unwrap_or_default();
    if announced > most_bytes {
        return Err(CallbackRejection::BodyTooLarge);
    }
    let mut part = memory.part();
    // Memory is taken as the bytes come, whatever was announced.
    let mut body = BytesMut::with_capacity(announced.min(UNCOUNTED_BYTES));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| match has_stalled(&error) {
            true => CallbackRejection::BodyStalled,
            false => CallbackRejection::BodyBroken,
        })?;
        let bytes = body.len() + chunk.len();
        if bytes > most_bytes {
            return Err(CallbackRejection::BodyTooLarge);
        }
        if !part.grow_to(bytes) {
            return Err(CallbackRejection::NoMemory);
        }
        body.extend_from_slice(&chunk);
    }
    if body.len() < announced {
        return Err(CallbackRejection::BodyBroken);
    }
    Ok((body.freeze(), part))
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_bodies_share_a_bound_and_short_ones_have_none() {
        let memory = BodyMemory::default();
        let mut long: Vec<BodyPart<'_>> = Vec::new();
        while memory.0.load(Relaxed) < MOST_BYTES {
            let mut part = memory.part();
            assert!(part.grow_to(UNCOUNTED_BYTES) && part.grow_to(1 << 20));
            long.push(part);
        }
        assert_eq!(long.len(), 16);
        let mut part = memory.part();
        assert!(part.grow_to(UNCOUNTED_BYTES));
        assert!(!part.grow_to(UNCOUNTED_BYTES + 1));
        drop((part, long));
        assert_eq!(memory.0.load(Relaxed), 0);
    }
}
