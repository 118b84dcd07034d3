//! What is promised of a bot's events. The platform sets the bounds of it: nobody can repeat what it does not.

use crate::Platform;

/// The promise, from the platform's push to the log.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub enum Guarantee {
    /// The platform repeats what was not acknowledged, and what is acknowledged is recorded.
    AtLeastOnce,
    /// The platform sends once. What was read is recorded; what was sent while nobody was there is gone.
    FromFirstByte,
}

impl Guarantee {
    /// Its stable name.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::AtLeastOnce => "at_least_once",
            Self::FromFirstByte => "from_first_byte",
        }
    }

    /// The promise in words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            // After 15 s, 5 min, 1 h and 6 h.
            Self::AtLeastOnce => {
                "at least once: recorded before it is acknowledged; the platform repeats for 7 h"
            }
            Self::FromFirstByte => {
                "from the first byte read: the platform asks for no acknowledgement and repeats nothing; \
                 recorded before anything else"
            }
        }
    }
}

impl Platform {
    /// What is promised of the events of a bot that lives there.
    #[must_use]
    pub fn guarantee(self) -> Guarantee {
        match self {
            Self::Feishu | Self::Lark => Guarantee::AtLeastOnce,
            Self::Wecom => Guarantee::FromFirstByte,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_no_larger_than_the_platforms() {
        let ids = Platform::ALL
            .iter()
            .map(|platform| platform.guarantee().id());
        let ids: Vec<&str> = ids.collect();
        assert_eq!(ids, ["at_least_once", "at_least_once", "from_first_byte"]);
    }
}
