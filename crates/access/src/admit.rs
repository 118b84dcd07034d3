//! The decision whether a presented token is valid, and what it grants.

use crate::{Grant, TokenDigest, TokenRecord, TokenText};

/// Why a token is not valid. Whoever presents it hears the same answer to all of them; log and metrics tell them apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, thiserror::Error)]
pub enum TokenRefusal {
    /// No token has this id.
    #[error("no token has this id")]
    Unknown,
    /// The id is known and the secret is wrong: somebody guesses, or the text is of another store.
    #[error("the secret does not fit the token's id")]
    WrongDigest,
    /// It was revoked.
    #[error("the token was revoked")]
    Revoked,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
}

impl TokenRefusal {
    /// All of them, in the order of the metrics.
    pub const ALL: [Self; 4] = [
        Self::Unknown,
        Self::WrongDigest,
        Self::Revoked,
        Self::Expired,
    ];

    /// Its stable name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::WrongDigest => "wrong_digest",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

/// What the presented token grants; `record` is the one that its id finds.
///
/// An unknown id costs the same comparison as a known one. Only a holder of the secret learns more than that.
///
/// # Errors
/// The token is not valid.
pub fn admit(
    record: Option<&TokenRecord>,
    presented: &TokenText,
    now_ms: i64,
) -> Result<Grant, TokenRefusal> {
    let digest = presented.digest();
    let Some(record) = record else {
        let nobodys = TokenDigest::from_bytes([0; 32]);
        std::hint::black_box(nobodys.matches(&digest));
        return Err(TokenRefusal::Unknown);
    };
    if !record.digest.matches(&digest) {
        return Err(TokenRefusal::WrongDigest);
    }
    admit_again(Some(record), now_ms)
}

/// What the token of this record grants to somebody who has shown to hold it before, and has something of ours that says so.
///
/// # Errors
/// The token is not valid any more.
pub fn admit_again(record: Option<&TokenRecord>, now_ms: i64) -> Result<Grant, TokenRefusal> {
    let record = record.ok_or(TokenRefusal::Unknown)?;
    if record.revoked_ms.is_some() {
        return Err(TokenRefusal::Revoked);
    }
    if record.expires_ms.is_some_and(|expires| now_ms >= expires) {
        return Err(TokenRefusal::Expired);
    }
    Ok(Grant {
        token: record.id,
        name: record.name.clone(),
        space: record.space.clone(),
        scopes: record.scopes,
        installations: record.installations.clone(),
        expires_ms: record.expires_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RANDOM_BYTES, Scope, Scopes, Space};

    fn record(text: &TokenText) -> TokenRecord {
        TokenRecord {
            id: text.id(),
            digest: text.digest(),
            name: "shop".parse().expect("a name"),
            space: Space::default(),
            scopes: Scopes::from_iter([Scope::EventsRead]),
            installations: None,
            created_ms: 1,
            expires_ms: Some(100),
            revoked_ms: None,
            last_used_ms: None,
        }
    }

    #[test]
    fn who_is_admitted() {
        let text = TokenText::new(&[1; RANDOM_BYTES]);
        let mut forged = [1; RANDOM_BYTES];
        forged[RANDOM_BYTES - 1] = 2;
        let forged = TokenText::new(&forged);
        assert_eq!(forged.id(), text.id());
        let valid = record(&text);
        let revoked = TokenRecord {
            revoked_ms: Some(50),
            ..valid.clone()
        };
        for (record, presented, now_ms, refusal) in [
            (None, &text, 99, Some(TokenRefusal::Unknown)),
            (Some(&valid), &text, 99, None),
            (Some(&valid), &text, 100, Some(TokenRefusal::Expired)),
            (Some(&valid), &forged, 99, Some(TokenRefusal::WrongDigest)),
            (Some(&revoked), &text, 99, Some(TokenRefusal::Revoked)),
            // A wrong secret learns nothing of the token.
            (Some(&revoked), &forged, 99, Some(TokenRefusal::WrongDigest)),
        ] {
            let admitted = admit(record, presented, now_ms);
            assert_eq!(
                admitted.as_ref().err(),
                refusal.as_ref(),
                "{record:?} {now_ms}"
            );
            let again = admit_again(record, now_ms);
            match refusal {
                // It does not look at the secret.
                Some(TokenRefusal::WrongDigest) => {}
                _ => assert_eq!(again, admitted, "{record:?} {now_ms}"),
            }
            if let Ok(grant) = admitted {
                assert_eq!((grant.token, grant.name.as_str()), (text.id(), "shop"));
            }
        }
    }
}
