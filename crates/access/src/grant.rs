//! What a valid token allows its holder.

use longwire_installation::PublicId;

use crate::{NewToken, Scope, Scopes, Space, TokenId, TokenName, TokenRecord};

/// What a valid token allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The token.
    pub token: TokenId,
    /// What its owner calls it.
    pub name: TokenName,
    /// Whose it is.
    pub space: Space,
    /// What it may do.
    pub scopes: Scopes,
    /// The installations it may name; `None` for all of its space.
    pub installations: Option<Box<[PublicId]>>,
    /// When it ends, in milliseconds since 1970; `None` for never.
    pub expires_ms: Option<i64>,
}

/// Why the holder of a token may not make another one: it would allow more than the first.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GrantExcess {
    /// It would have a scope that the first lacks.
    #[error("your token has no scope {0}, so it cannot give it")]
    Scope(Scope),
    /// It would be of another space. Only tokens of the space `default` that see all of it make tokens of others.
    #[error("your token makes tokens of its own space only")]
    Space,
    /// It would name other installations.
    #[error("your token is narrowed to installations, and gives no others")]
    Installations,
    /// It would last longer.
    #[error("your token expires before that, and gives nothing that outlasts it")]
    Expiry,
}

impl Grant {
    /// Whether it has this scope.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }

    /// Whether its holder may know of an installation of this space and id. One that may not is answered as if there were none.
    #[must_use]
    pub fn sees(&self, space: &Space, installation: PublicId) -> bool {
        self.space == *space
            && (self.installations.as_ref()).is_none_or(|named| named.contains(&installation))
    }

    /// Whether it is neither narrowed to a space nor to installations: what shows the whole gateway asks for it.
    #[must_use]
    pub fn is_gateway_wide(&self) -> bool {
        self.space.is_default() && self.installations.is_none()
    }

    /// Whether its holder may revoke this token: its own, and each that allows no more than its own.
    #[must_use]
    pub fn may_revoke(&self, record: &TokenRecord) -> bool {
        let allowed = NewToken {
            name: record.name.clone(),
            space: record.space.clone(),
            scopes: record.scopes,
            installations: record.installations.clone(),
            // How long it would still last is nothing that it allows.
            expires_ms: self.expires_ms,
        };
        record.id == self.token || self.give(&allowed).is_ok()
    }

    /// Whether its holder may make this token.
    ///
    /// # Errors
    /// The new token would allow more than this one.
    pub fn give(&self, new: &NewToken) -> Result<(), GrantExcess> {
        if let Some(scope) = new.scopes.lacking_in(self.scopes) {
            return Err(GrantExcess::Scope(scope));
        }
        if new.space != self.space && !self.is_gateway_wide() {
            return Err(GrantExcess::Space);
        }
        if let Some(named) = &self.installations {
            let narrower = (new.installations.as_ref())
                .is_some_and(|wanted| wanted.iter().all(|one| named.contains(one)));
            if !narrower {
                return Err(GrantExcess::Installations);
            }
        }
        if let Some(ends) = self.expires_ms
            && new.expires_ms.is_none_or(|wanted| wanted > ends)
        {
            return Err(GrantExcess::Expiry);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RANDOM_BYTES, TokenText};

    fn id(byte: u8) -> PublicId {
        PublicId::from_bytes([byte; 16])
    }

    fn grant() -> Grant {
        Grant {
            token: TokenText::new(&[0; RANDOM_BYTES]).id(),
            name: "a".parse().expect("a name"),
            space: Space::default(),
            scopes: Scopes::from_iter([Scope::TokensWrite, Scope::EventsRead]),
            installations: None,
            expires_ms: None,
        }
    }

    fn new() -> NewToken {
        NewToken {
            name: "b".parse().expect("a name"),
            space: Space::default(),
            scopes: Scopes::from_iter([Scope::EventsRead]),
            installations: None,
            expires_ms: None,
        }
    }

    #[test]
    fn a_foreign_installation_is_not_seen() {
        let shop: Space = "shop".parse().expect("a space");
        let narrowed = Grant {
            installations: Some([id(1)].into()),
            ..grant()
        };
        for (grant, space, installation, seen) in [
            (grant(), &Space::default(), id(1), true),
            (grant(), &shop, id(1), false),
            (narrowed.clone(), &Space::default(), id(1), true),
            (narrowed.clone(), &Space::default(), id(2), false),
            (narrowed, &shop, id(1), false),
        ] {
            assert_eq!(grant.sees(space, installation), seen, "{grant:?} {space}");
        }
    }

    #[test]
    fn a_token_gives_no_more_than_it_has() {
        let shop: Space = "shop".parse().expect("a space");
        let of_shop = Grant {
            space: shop.clone(),
            ..grant()
        };
        let narrowed = Grant {
            installations: Some([id(1), id(2)].into()),
            ..grant()
        };
        let ending = Grant {
            expires_ms: Some(10),
            ..grant()
        };
        let with = |change: fn(&mut NewToken)| {
            let mut new = new();
            change(&mut new);
            new
        };
        let of_default = new();
        let in_shop = NewToken {
            space: shop,
            ..new()
        };
        let more = with(|new| new.scopes = Scopes::all());
        let one = with(|new| new.installations = Some([id(2)].into()));
        let other = with(|new| new.installations = Some([id(3)].into()));
        let sooner = with(|new| new.expires_ms = Some(10));
        let later = with(|new| new.expires_ms = Some(11));
        for (grant, new, outcome) in [
            (grant(), &of_default, Ok(())),
            (grant(), &in_shop, Ok(())),
            (
                grant(),
                &more,
                Err(GrantExcess::Scope(Scope::ConsumersRead)),
            ),
            (of_shop.clone(), &in_shop, Ok(())),
            (of_shop, &of_default, Err(GrantExcess::Space)),
            (narrowed.clone(), &one, Ok(())),
            (narrowed.clone(), &in_shop, Err(GrantExcess::Space)),
            (narrowed.clone(), &other, Err(GrantExcess::Installations)),
            (narrowed, &of_default, Err(GrantExcess::Installations)),
            (ending.clone(), &sooner, Ok(())),
            (ending.clone(), &later, Err(GrantExcess::Expiry)),
            (ending, &of_default, Err(GrantExcess::Expiry)),
        ] {
            assert_eq!(grant.give(new), outcome, "{grant:?} {new:?}");
        }
    }
}
