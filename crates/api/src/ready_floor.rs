//! How many bots have to be live for the gateway to be ready.

use std::str::FromStr;

/// A number of bots, or a share of those that are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadyFloor {
    /// So many. All of them where fewer are wanted.
    Bots(u64),
    /// So many of a hundred, rounded up.
    Percent(u8),
}

/// A text that is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a share from \"0%\" to \"100%\" or a number of bots belongs here")]
pub struct ReadyFloorError;

impl ReadyFloor {
    /// The gateway is ready however few bots are live.
    pub const NONE: Self = Self::Percent(0);

    /// How many bots have to be live where so many are wanted.
    #[must_use]
    pub fn of(self, wanted: u64) -> u64 {
        match self {
            Self::Bots(bots) => bots.min(wanted),
            Self::Percent(percent) => (wanted * u64::from(percent)).div_ceil(100),
        }
    }
}

impl FromStr for ReadyFloor {
    type Err = ReadyFloorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let read = match text.strip_suffix('%') {
            Some(percent) if is_number(percent) => {
                let percent = percent.parse().ok().filter(|percent| *percent <= 100);
                percent.map(Self::Percent)
            }
            None if is_number(text) => text.parse().ok().map(Self::Bots),
            _ => None,
        };
        read.ok_or(ReadyFloorError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_up_and_a_number_is_what_is_wanted_at_most() {
        for (text, wanted, floor) in [
            ("0%", 400, 0),
            ("95%", 400, 380),
            ("95%", 3, 3),
            ("100%", 400, 400),
            ("1%", 0, 0),
            ("10", 400, 10),
            ("10", 4, 4),
        ] {
            let read: ReadyFloor = text.parse().expect("it is one");
            assert_eq!(read.of(wanted), floor, "{text} of {wanted}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "%", "101%", "-1", "+5", "0.5", "95 %", "most"] {
            let read: Result<ReadyFloor, _> = text.parse();
            assert_eq!(read, Err(ReadyFloorError), "{text}");
        }
    }
}
