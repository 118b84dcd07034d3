//! The two keys that say which bot an installation is, under the names that the platform's own console has for them.
//!
//! An app of Feishu or Lark has `app_id` and `app_secret`, a WeCom bot has `bot_id` and `secret`. The configuration file,
//! the command line and the admin interface each take one of the two pairs. This file decides whether the pair fits the
//! platform. It never looks at a secret.

use crate::{BotIdentity, Misfit, Platform, StrayCharacter};

/// The keys that were given. `S` is a secret, or the place where one is found.
#[derive(Debug, Clone, Copy)]
pub struct CredentialKeys<'a, S> {
    /// `app_id`.
    pub app_id: Option<&'a str>,
    /// `app_secret`.
    pub app_secret: Option<&'a S>,
    /// `bot_id`.
    pub bot_id: Option<&'a str>,
    /// `secret`.
    pub secret: Option<&'a S>,
}

/// The pair that fits a platform.
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

impl<'a, S> CredentialKeys<'a, S> {
    /// The pair that a bot of `platform` has, if it was given and nothing else was.
    pub fn for_platform(self, platform: Platform) -> Result<Credentials<'a, S>, Misfit> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: CredentialKeys<'static, u8> = CredentialKeys {
        app_id: None,
        app_secret: None,
        bot_id: None,
        secret: None,
    };

    #[track_caller]
    fn check(platform: Platform, given: CredentialKeys<'_, u8>, words: &str) {
        let misfit = given
            .for_platform(platform)
            .expect_err("it does not fit")
            .to_string();
        assert!(misfit.contains(words), "wanted {words:?} in {misfit:?}");
    }

    #[test]
    fn each_platform_has_its_pair() {
        let app = CredentialKeys {
            app_id: Some("cli_1"),
            app_secret: Some(&7),
            ..NOTHING
        };
        let bot = CredentialKeys {
            bot_id: Some("aib1"),
            secret: Some(&8),
            ..NOTHING
        };
        for (platform, given, wanted) in [
            (Platform::Feishu, app, ("cli_1", 7, "app_secret")),
            (Platform::Lark, app, ("cli_1", 7, "app_secret")),
            (Platform::Wecom, bot, ("aib1", 8, "secret")),
        ] {
            let found = given.for_platform(platform).expect("it fits");
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
            CredentialKeys {
                app_secret: Some(&7),
                ..bot
            },
            "app_secret: ",
        );
        check(
            Platform::Lark,
            CredentialKeys {
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
        let id = CredentialKeys {
            bot_id: Some("aib1"),
            ..NOTHING
        };
        check(Platform::Wecom, id, "missing field `secret`");
        let blank = CredentialKeys {
            bot_id: Some(" "),
            secret: Some(&8),
            ..NOTHING
        };
        check(Platform::Wecom, blank, "bot_id: is empty");
        let copied = CredentialKeys {
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
}
