//! The tokens that applications get here in place of the platform's.
//!
//! Its text is `t-`, and sealed: which token of ours it was given for, which bot it is of, and until when. SDKs keep such a
//! token until shortly before its end, so it has to be understood after a restart of this process. It grants nothing by
//! itself: whether the token of ours still holds is looked up at each call.

use std::time::Duration;

use longwire_access::TokenId;
use longwire_installation::PublicId;
use longwire_store::{SealError, Store};
use secrecy::{ExposeSecret as _, SecretString};

/// What the platform's own begin with.
const PREFIX: &str = "t-";
/// How long one holds. The platform's hold for two hours; SDKs renew 3 to 10 minutes before the end. It is shorter here so that
/// an application is refused for half an hour at most after the sealing key was renewed.
pub(crate) const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// What an opaque token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpaqueToken {
    /// The token of ours that it was given for.
    pub(crate) token: TokenId,
    /// The bot.
    pub(crate) installation: PublicId,
    /// When it ends, in milliseconds since 1970.
    pub(crate) expires_ms: i64,
}

impl OpaqueToken {
    /// Its text.
    pub(crate) fn seal(&self, store: &Store) -> Result<String, SealError> {
        let clear = format!("{} {} {}", self.token, self.installation, self.expires_ms);
        let sealed = store.seal_token(&SecretString::from(clear))?;
        Ok(format!("{PREFIX}{sealed}"))
    }

    /// Reads a text that has not ended; `None` for every other.
    pub(crate) fn open(text: &str, store: &Store, now_ms: i64) -> Option<Self> {
        let clear = store.open_token(text.strip_prefix(PREFIX)?).ok()?;
        let mut parts = clear.expose_secret().split(' ');
        let read = Self {
            token: parts.next()?.parse().ok()?,
            installation: parts.next()?.parse().ok()?,
            expires_ms: parts.next()?.parse().ok()?,
        };
        (parts.next().is_none() && now_ms < read.expires_ms).then_some(read)
    }
}

#[cfg(test)]
mod tests {
    use longwire_access::{RANDOM_BYTES, TokenText};
    use longwire_store::StoreSettings;

    use super::*;

    #[test]
    fn a_token_outlives_a_restart_and_cannot_be_altered() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let settings = StoreSettings::at(format!("sqlite:{}", home.path().join("a.db").display()));
        let store = Store::open(&settings).expect("a fresh store opens");
        let token = OpaqueToken {
            token: TokenText::new(&[3; RANDOM_BYTES]).id(),
            installation: PublicId::from_bytes([5; 16]),
            expires_ms: 100,
        };
        let text = token.seal(&store).expect("sealed");
        assert!(text.starts_with("t-"), "{text}");
        assert!(!text.contains(&token.token.to_string()), "{text}");
        drop(store);
        let store = Store::open(&settings).expect("it opens again");
        assert_eq!(OpaqueToken::open(&text, &store, 99), Some(token));
        assert_eq!(OpaqueToken::open(&text, &store, 100), None);
        for wrong in [
            "",
            "t-",
            "t-g1044ghJRUIJJ5",
            "u-x",
            &text[2..],
            &text[..text.len() - 1],
        ] {
            assert_eq!(OpaqueToken::open(wrong, &store, 0), None, "{wrong}");
        }
        // Of another gateway.
        let other = StoreSettings::at(format!("sqlite:{}", home.path().join("b.db").display()));
        let other = Store::open(&other).expect("a fresh store opens");
        assert_eq!(OpaqueToken::open(&text, &other, 0), None);
    }
}
