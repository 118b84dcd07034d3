//! Which platform a run plays.

use clap::ValueEnum;

/// A platform that the simulator plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Played {
    /// Feishu and Lark.
    Feishu,
    /// WeCom's intelligent robots.
    Wecom,
}

impl Played {
    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Feishu => "feishu",
            Self::Wecom => "wecom",
        }
    }

    /// What stands before the words of a run. Feishu's runs are the usual ones and need none.
    pub fn title(self) -> &'static str {
        match self {
            Self::Feishu => "",
            Self::Wecom => "WeCom, ",
        }
    }
}
