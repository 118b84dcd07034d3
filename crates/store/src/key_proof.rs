//! Whether a key opens every secret that is sealed.

use secrecy::SecretString;

use crate::consumer::{self, ConsumerRecord};
use crate::installation::{self, InstallationRecord};
use crate::seal::{KeyRing, SealError};
use crate::user_authorization::{self, UserAuthorizationRecord};

/// A secret that does not open.
#[derive(Debug)]
pub(crate) struct Unopened {
    /// Whose it is.
    pub(crate) name: String,
    pub(crate) source: SealError,
}

/// Everything that has sealed secrets. A table that gets some has to be added here, as in [`crate::rotation`].
pub(crate) struct SealedRecords {
    pub(crate) installations: Vec<InstallationRecord>,
    pub(crate) consumers: Vec<ConsumerRecord>,
    pub(crate) people: Vec<UserAuthorizationRecord>,
}

impl SealedRecords {
    /// How many sealed secrets there are, at least: one of each that has any.
    pub(crate) fn count(&self) -> usize {
        let consumers = self.consumers.iter().map(|record| record.sealed().count());
        let people = self
            .people
            .iter()
            .filter(|record| record.sealed().is_some());
        self.installations.len() + consumers.sum::<usize>() + people.count()
    }

    /// Opens all of them; how many there are.
    pub(crate) fn open_all(&self, keys: &KeyRing) -> Result<usize, Unopened> {
        let mut secrets = 0;
        for record in &self.installations {
            secrets += installation::open_all(keys, record).map_err(|source| Unopened {
                name: format!("a secret of the installation `{}`", record.name),
                source,
            })?;
        }
        for record in &self.consumers {
            let opened = consumer::open_secrets(keys, record).map_err(|source| Unopened {
                name: format!("the webhook secret of the consumer `{}`", record.name),
                source,
            })?;
            secrets += opened.map_or(0, |opened| 1 + usize::from(opened.former.is_some()));
        }
        for record in &self.people {
            let opened: Option<SecretString> = user_authorization::open_tokens(keys, record)
                .map_err(|source| Unopened {
                    name: "what a person authorized".to_owned(),
                    source,
                })?;
            secrets += usize::from(opened.is_some());
        }
        Ok(secrets)
    }
}
