//! How many unanswered events a connection has at saturation, by the number of connections: the same wherever they are
//! measured.

use longwire_terminal::grouped;

/// On each connection. It is longwire's default for one.
const EACH: u32 = 64;
/// On all of them together.
const TOGETHER: u32 = 16_384;
/// Below it every event would wait for the one before.
const LEAST: u32 = 2;

/// With so many connections, on each.
pub(super) fn at(connections: u32) -> u32 {
    (TOGETHER / connections).clamp(LEAST, EACH)
}

/// The rule for people.
pub(super) fn words() -> String {
    let together = grouped(TOGETHER.into());
    format!("{EACH} unanswered on each, or {together} on all together and {LEAST} at least")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_connections_have_fewer_events_each() {
        assert_eq!(
            [1, 100, 256, 1_000, 10_000, 20_000].map(at),
            [64, 64, 64, 16, 2, 2]
        );
    }
}
