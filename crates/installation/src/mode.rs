//! By which road a bot's events come: over the long connection, pushed over HTTP, or both.

use crate::labels::labels;
use crate::{Misfit, Platform};

labels! {
    /// By which road a bot's events come.
    Mode {
        /// longwire connects to the platform.
        LongConnection = "long_connection",
        /// The platform pushes to a route of longwire, which does not connect.
        Webhook = "webhook",
        /// Both. An event that comes by both roads is recorded once.
        Both = "both",
    }
}

/// The mode of a bot for which nobody chose one.
impl Default for Mode {
    fn default() -> Self {
        Self::LongConnection
    }
}

impl Mode {
    /// Whether longwire connects to the platform.
    #[must_use]
    pub fn connects(self) -> bool {
        match self {
            Self::LongConnection | Self::Both => true,
            Self::Webhook => false,
        }
    }

    /// Whether the platform pushes events over HTTP.
    #[must_use]
    pub fn takes_callbacks(self) -> bool {
        match self {
            Self::LongConnection => false,
            Self::Webhook | Self::Both => true,
        }
    }

    /// The mode that the key `mode` of a bot of `platform` asks for. `callback_key` is the name of a key that was given and
    /// belongs to callbacks (`verification_token`, `encrypt_key`). A bot of Feishu or Lark may have those in any mode: they are
    /// kept for the day on which the mode is switched.
    ///
    /// # Errors
    /// WeCom's bots have a long connection and nothing else.
    pub fn from_keys(
        platform: Platform,
        mode: Option<Self>,
        callback_key: Option<&'static str>,
    ) -> Result<Self, Misfit> {
        let mode = mode.unwrap_or_default();
        match platform {
            Platform::Feishu | Platform::Lark => Ok(mode),
            Platform::Wecom => match (mode, callback_key) {
                (Self::LongConnection, None) => Ok(mode),
                (Self::LongConnection, Some(key)) => Err(Misfit::wrong(
                    key,
                    "is of an app of Feishu or Lark; a WeCom bot has no callbacks over HTTP",
                )),
                (Self::Webhook | Self::Both, _) => Err(Misfit::wrong(
                    "mode",
                    "a WeCom bot has its long connection alone: long_connection",
                )),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_back() {
        for &mode in Mode::ALL {
            assert_eq!(Mode::parse(mode.label()), Some(mode));
        }
        assert_eq!(Mode::parse("websocket"), None);
    }

    #[test]
    fn every_mode_brings_events_by_some_road() {
        for &mode in Mode::ALL {
            assert!(mode.connects() || mode.takes_callbacks(), "{mode}");
        }
        assert!(Mode::Both.connects() && Mode::Both.takes_callbacks());
    }

    #[test]
    fn a_wecom_bot_has_its_connection_alone() {
        for &platform in &[Platform::Feishu, Platform::Lark] {
            for &mode in Mode::ALL {
                let found = Mode::from_keys(platform, Some(mode), Some("encrypt_key"));
                assert_eq!(found, Ok(mode));
            }
            assert_eq!(
                Mode::from_keys(platform, None, None),
                Ok(Mode::LongConnection)
            );
        }
        let wecom = |mode, key| {
            Mode::from_keys(Platform::Wecom, mode, key).map_err(|misfit| misfit.to_string())
        };
        assert_eq!(wecom(None, None), Ok(Mode::LongConnection));
        assert_eq!(
            wecom(Some(Mode::LongConnection), None),
            Ok(Mode::LongConnection)
        );
        for (mode, key, words) in [
            (Some(Mode::Webhook), None, "mode: a WeCom bot"),
            (Some(Mode::Both), Some("encrypt_key"), "mode: a WeCom bot"),
            (None, Some("encrypt_key"), "encrypt_key: is of an app"),
            (
                None,
                Some("verification_token"),
                "verification_token: is of an app",
            ),
        ] {
            let told = wecom(mode, key).expect_err(words);
            assert!(told.starts_with(words), "{told}");
        }
    }
}
