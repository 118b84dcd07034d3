//! Who a bot is on its platform, under the names that the platform's own console has for it.
//!
//! An app of Feishu or Lark has `app_id` and `app_secret`, a WeCom bot `bot_id` and `secret`. The file, the command
//! line and the HTTP interface all write them down as one of the two pairs; here it is decided whether that fits
//! the platform, and whether what only some platforms have does. Never looks at a secret.

use std::time::Duration;

use crate::{BotIdentity, Platform, StrayCharacter, TakeBack, TakeBackError};

/// Why an installation's keys do not fit its platform. Never repeats a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// A key must be there.
    #[error("missing field `{key}`")]
    Missing {
        /// Its name.
        key: &'static str,
    },
    /// A key must not be there, or not with this value.
    #[error("{key}: {message}")]
    Wrong {
        /// Its name.
        key: &'static str,
        /// What is wrong.
        message: String,
    },
}

impl Misfit {
    fn wrong(key: &'static str, message: impl Into<String>) -> Self {
        Self::Wrong {
            key,
            message: message.into(),
        }
    }
}

/// What was written, each under its own key. `S` is a secret, or the place where one is found.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a, S> {
    /// `app_id`.
    pub app_id: Option<&'a str>,
    /// `app_secret`.
    pub app_secret: Option<&'a S>,
    /// `bot_id`.
    pub bot_id: Option<&'a str>,
    /// `secret`.
    pub secret: Option<&'a S>,
}

/// A platform's pair of them.
#[derive(Debug)]
pub struct Credentials<'a, S> {
    /// The app's id or the bot's.
    pub id: &'a str,
    /// Where it is one.
    pub platform: Platform,
    /// The key that the id stood under.
    pub id_key: &'static str,
    /// Its secret, or the place where it is found.
    pub secret: &'a S,
    /// The key that the secret stood under.
    pub secret_key: &'static str,
}

impl<'a, S> Written<'a, S> {
    /// The pair that a bot of `platform` has, if it is all that was written.
    pub fn of(self, platform: Platform) -> Result<Credentials<'a, S>, Misfit> {
        let app = [
            ("app_id", self.app_id.is_some()),
            ("app_secret", self.app_secret.is_some()),
        ];
        let bot = [
            ("bot_id", self.bot_id.is_some()),
            ("secret", self.secret.is_some()),
        ];
        let (foreign, told, id, id_key, shown_as, secret, secret_key) = match platform {
            Platform::Feishu | Platform::Lark => (
                bot,
                "bot_id and secret are a WeCom bot's; an app of Feishu or Lark has app_id and app_secret",
                self.app_id,
                "app_id",
                "is empty; the developer console shows it as cli_…",
                self.app_secret,
                "app_secret",
            ),
            Platform::Wecom => (
                app,
                "app_id and app_secret are an app's of Feishu or Lark; a WeCom bot has bot_id and secret",
                self.bot_id,
                "bot_id",
                "is empty; WeCom shows it where the robot's long connection is set up",
                self.secret,
                "secret",
            ),
        };
        if let Some((key, _)) = foreign.into_iter().find(|(_, is_there)| *is_there) {
            return Err(Misfit::wrong(key, told));
        }
        let id = id.ok_or(Misfit::Missing { key: id_key })?;
        if id.trim().is_empty() {
            return Err(Misfit::wrong(id_key, shown_as));
        }
        if let Some(stray) = StrayCharacter::in_text(id) {
            return Err(Misfit::wrong(id_key, stray.to_string()));
        }
        Ok(Credentials {
            platform,
            id,
            id_key,
            secret: secret.ok_or(Misfit::Missing { key: secret_key })?,
            secret_key,
        })
    }
}

impl<'a, S> Credentials<'a, S> {
    /// Which bot they are of.
    #[must_use]
    pub fn bot(&self) -> BotIdentity<'a> {
        BotIdentity {
            platform: self.platform,
            app_id: self.id,
        }
    }
}

/// Whether and how a bot of `platform` takes its connection back. Both keys make it one; neither is never.
pub fn take_back(
    platform: Platform,
    after: Option<Duration>,
    per_day: Option<u32>,
) -> Result<Option<TakeBack>, Misfit> {
    const AFTER: &str = "take_back_after";
    const PER_DAY: &str = "take_back_per_day";
    let (after, per_day) = match (after, per_day) {
        (None, None) => return Ok(None),
        (after, _) if platform != Platform::Wecom => {
            let key = if after.is_some() { AFTER } else { PER_DAY };
            let message = "only WeCom takes a bot's connection away for another client's";
            return Err(Misfit::wrong(key, message));
        }
        (Some(after), Some(per_day)) => (after, per_day),
        (None, Some(_)) => {
            return Err(Misfit::wrong(
                PER_DAY,
                "says nothing without take_back_after",
            ));
        }
        (Some(_), None) => {
            return Err(Misfit::wrong(
                AFTER,
                "says nothing without take_back_per_day",
            ));
        }
    };
    TakeBack::new(after, per_day).map(Some).map_err(|error| {
        let key = match error {
            TakeBackError::After => AFTER,
            TakeBackError::PerDay => PER_DAY,
        };
        Misfit::wrong(key, error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Written<'static, u8> = Written {
        app_id: None,
        app_secret: None,
        bot_id: None,
        secret: None,
    };

    #[track_caller]
    fn check(platform: Platform, written: Written<'_, u8>, words: &str) {
        let misfit = written
            .of(platform)
            .expect_err("it does not fit")
            .to_string();
        assert!(misfit.contains(words), "wanted {words:?} in {misfit:?}");
    }

    #[test]
    fn each_platform_has_its_pair() {
        let app = Written {
            app_id: Some("cli_1"),
            app_secret: Some(&7),
            ..NOTHING
        };
        let bot = Written {
            bot_id: Some("aib1"),
            secret: Some(&8),
            ..NOTHING
        };
        for (platform, written, wanted) in [
            (Platform::Feishu, app, ("cli_1", 7, "app_secret")),
            (Platform::Lark, app, ("cli_1", 7, "app_secret")),
            (Platform::Wecom, bot, ("aib1", 8, "secret")),
        ] {
            let found = written.of(platform).expect("it fits");
            assert_eq!(
                (found.id, *found.secret, found.secret_key),
                wanted,
                "{platform}"
            );
        }
        check(
            Platform::Wecom,
            app,
            "app_id: app_id and app_secret are an app's",
        );
        check(
            Platform::Feishu,
            bot,
            "bot_id: bot_id and secret are a WeCom bot's",
        );
        check(
            Platform::Wecom,
            Written {
                app_secret: Some(&7),
                ..bot
            },
            "app_secret: ",
        );
        check(
            Platform::Lark,
            Written {
                secret: Some(&8),
                ..app
            },
            "secret: ",
        );
    }

    #[test]
    fn half_a_pair_is_none() {
        check(Platform::Feishu, NOTHING, "missing field `app_id`");
        check(Platform::Wecom, NOTHING, "missing field `bot_id`");
        let id = Written {
            bot_id: Some("aib1"),
            ..NOTHING
        };
        check(Platform::Wecom, id, "missing field `secret`");
        let blank = Written {
            bot_id: Some(" "),
            secret: Some(&8),
            ..NOTHING
        };
        check(Platform::Wecom, blank, "bot_id: is empty");
        let copied = Written {
            app_id: Some("cli_1\u{200b}"),
            app_secret: Some(&7),
            ..NOTHING
        };
        check(
            Platform::Feishu,
            copied,
            "app_id: contains U+200B ZERO WIDTH SPACE at position 6",
        );
    }

    #[test]
    fn a_connection_is_taken_back_on_wecom_and_within_bounds() {
        let minutes = |minutes: u64| Some(Duration::from_secs(60 * minutes));
        let take_back = |platform, after, per_day| {
            take_back(platform, after, per_day).map_err(|misfit| misfit.to_string())
        };
        let kept = TakeBack::new(Duration::from_secs(600), 3).expect("within the bounds");
        assert_eq!(
            take_back(Platform::Wecom, minutes(10), Some(3)),
            Ok(Some(kept))
        );
        assert_eq!(take_back(Platform::Lark, None, None), Ok(None));
        for (platform, after, per_day, words) in [
            (
                Platform::Feishu,
                minutes(10),
                Some(3),
                "take_back_after: only WeCom",
            ),
            (
                Platform::Lark,
                None,
                Some(3),
                "take_back_per_day: only WeCom",
            ),
            (
                Platform::Wecom,
                minutes(10),
                None,
                "take_back_after: says nothing without",
            ),
            (
                Platform::Wecom,
                None,
                Some(3),
                "take_back_per_day: says nothing without",
            ),
            (
                Platform::Wecom,
                minutes(4),
                Some(3),
                "take_back_after: a connection is taken back after 5m",
            ),
            (
                Platform::Wecom,
                minutes(10),
                Some(49),
                "take_back_per_day: a connection is taken back from 1 to 48",
            ),
        ] {
            let misfit = take_back(platform, after, per_day).expect_err(words);
            assert!(misfit.starts_with(words), "{misfit}");
        }
    }
}
