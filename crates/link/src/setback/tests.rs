//! Setbacks, and what follows from each.

use super::*;

mod answers;
mod texts;

const NORMAL: Disposition = Disposition::Retry(RetryPace::Normal);
const BUSY: Disposition = Disposition::Retry(RetryPace::Busy);
const LIMITED: Disposition = Disposition::Retry(RetryPace::Limited);
const CLEAN: Disposition = Disposition::Retry(RetryPace::Clean);
const REFUSE: Disposition = Disposition::Refuse;
const YIELD: Disposition = Disposition::Yield;

/// Our own shortage is not the platform's breach of the protocol, and nobody looks for a proxy because of it.
#[test]
fn a_lack_of_memory_is_called_so() {
    let setback = Setback::NoMemory;
    assert_eq!(
        (
            setback.label(),
            setback.disposition(),
            setback.needs_attention()
        ),
        ("no_memory", NORMAL, true)
    );
    assert!(!setback.next_step().contains("proxy"));
}

/// S45: an orderly close is no failure; every other end of a connection is.
#[test]
fn ends_of_a_connection() {
    for (code, disposition) in [
        (Some(1000), CLEAN),
        (Some(1001), CLEAN),
        (Some(1006), NORMAL),
        (Some(1011), NORMAL),
        (None, NORMAL),
    ] {
        assert_eq!(
            Setback::ClosedByPlatform { code }.disposition(),
            disposition
        );
    }
    for setback in [
        Setback::Reset,
        Setback::Silent,
        Setback::WriteFailed,
        Setback::ProtocolViolation,
        Setback::Panicked,
    ] {
        assert_eq!(setback.disposition(), NORMAL, "{setback:?}");
    }
}
