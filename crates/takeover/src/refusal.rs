//! Why a takeover does not begin.

/// Why the running process refuses, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TakeoverRefusal {
    /// Another process is taking over already.
    #[error("another process is taking over already")]
    Busy,
    /// The two programs speak different versions of the takeover.
    #[error("the running process speaks another version of the takeover")]
    Protocol,
    /// It is about to end.
    #[error("the running process is about to end")]
    Ending,
    /// A cause that this version does not know.
    #[error("the running process refuses for a reason that this version does not know")]
    Unknown,
}

impl TakeoverRefusal {
    const ALL: [Self; 4] = [Self::Busy, Self::Protocol, Self::Ending, Self::Unknown];

    /// Its number between two processes. A number is never used again for another cause.
    #[must_use]
    pub fn code(self) -> u32 {
        match self {
            Self::Unknown => 0,
            Self::Busy => 1,
            Self::Protocol => 2,
            Self::Ending => 3,
        }
    }

    /// The cause of this number.
    #[must_use]
    pub fn of_code(code: u32) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|refusal| refusal.code() == code)
            .unwrap_or(Self::Unknown)
    }

    /// What an operator does about it.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Busy => {
                "wait until that takeover is complete; the log of the running server tells"
            }
            Self::Protocol | Self::Unknown => {
                "stop the running server and start this one: Feishu and Lark repeat what comes meanwhile, WeCom does not"
            }
            Self::Ending => "start again without --takeover when it has ended",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_back_and_stay() {
        let codes = TakeoverRefusal::ALL.map(TakeoverRefusal::code);
        assert_eq!(codes, [1, 2, 3, 0]);
        for refusal in TakeoverRefusal::ALL {
            assert_eq!(TakeoverRefusal::of_code(refusal.code()), refusal);
        }
        assert_eq!(TakeoverRefusal::of_code(99), TakeoverRefusal::Unknown);
    }
}
