//! `[compat]`: the routes of the systems that longwire replaces.

use std::fmt;

use longwire_api::{CallbackBot, CompatSettings};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

/// `[compat]`: the routes of the systems that longwire replaces. All are off unless they are switched on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CompatSection {
    /// Those of AuraK's bot API.
    pub(crate) aurak: bool,
    /// Those of the Lark Callback Server, for one bot.
    pub(crate) lark_callback_server: CallbackServer,
}

impl CompatSection {
    /// The same as the routes want it.
    pub(crate) fn settings(&self) -> CompatSettings {
        CompatSettings {
            aurak: self.aurak,
            lark_callback: self.lark_callback_server.0.clone(),
        }
    }
}

/// `false`, `true` for the only bot with callbacks, or the name of a bot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CallbackServer(pub(crate) Option<CallbackBot>);

impl<'de> Deserialize<'de> for CallbackServer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SwitchOrName)
    }
}

struct SwitchOrName;

impl Visitor<'_> for SwitchOrName {
    type Value = CallbackServer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, or the name of an installation")
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<CallbackServer, E> {
        Ok(CallbackServer(on.then_some(CallbackBot::Only)))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<CallbackServer, E> {
        let name = name.parse().map_err(E::custom)?;
        Ok(CallbackServer(Some(CallbackBot::Named(name))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<CompatSection, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// S203, S235: nothing is served unless somebody switches it on.
    #[test]
    fn routes_of_other_systems_are_off_by_default() {
        assert_eq!(read(""), Ok(CompatSection::default()));
        let off = CompatSection::default().settings();
        assert!(!off.aurak && off.lark_callback.is_none());
    }

    #[test]
    fn the_bot_is_the_only_one_or_has_a_name() {
        let bot = |text| read(text).map(|section| section.settings().lark_callback);
        let named = CallbackBot::Named("support".parse().expect("a name"));
        for (text, expected) in [
            ("lark_callback_server = false", None),
            ("lark_callback_server = true", Some(CallbackBot::Only)),
            ("lark_callback_server = \"support\"", Some(named)),
        ] {
            assert_eq!(bot(text), Ok(expected), "{text}");
        }
        for (text, words) in [
            ("lark_callback_server = 8080", "the name of an installation"),
            ("lark_callback_server = \"\"", "1 to 64 characters"),
            ("aurak = \"yes\"", "a boolean"),
        ] {
            let error = bot(text).expect_err(text);
            assert!(error.contains(words), "{error}");
        }
    }
}
