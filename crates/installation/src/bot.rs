//! Which bot an installation is, and the rule that a bot runs under one name.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::Platform;

/// One bot of one platform. Two installations with the same identity are the same bot.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct BotIdentity<'a> {
    /// Where the app lives.
    pub platform: Platform,
    /// The app's id; of a WeCom bot, its bot id.
    pub app_id: &'a str,
}

/// The name that each bot runs under. A platform grants a bot few connections, or one, so two installations that are
/// the same bot would take them from each other.
#[derive(Debug, Default)]
pub struct BotNames<'a> {
    names: HashMap<BotIdentity<'a>, &'a str>,
}

impl<'a> BotNames<'a> {
    /// Gives `bot` this name, unless it has one: then the error is the name it has.
    pub fn assign(&mut self, bot: BotIdentity<'a>, name: &'a str) -> Result<(), &'a str> {
        match self.names.entry(bot) {
            Entry::Vacant(vacant) => {
                vacant.insert(name);
                Ok(())
            }
            Entry::Occupied(occupied) => Err(occupied.get()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bot_has_the_first_name_it_was_given() {
        let bot = |platform| BotIdentity {
            platform,
            app_id: "cli_1",
        };
        let mut names = BotNames::default();
        assert_eq!(names.assign(bot(Platform::Feishu), "first"), Ok(()));
        assert_eq!(names.assign(bot(Platform::Feishu), "second"), Err("first"));
        assert_eq!(names.assign(bot(Platform::Feishu), "third"), Err("first"));
        assert_eq!(names.assign(bot(Platform::Lark), "second"), Ok(()));
    }
}
