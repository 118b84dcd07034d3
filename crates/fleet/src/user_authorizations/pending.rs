//! Authorizations that were begun: each state is bound to one bot and one person, holds for ten minutes, and is taken once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use longwire_installation::InstallationId;
use secrecy::SecretString;

/// How long a person may take. The platform's code holds for five minutes from the person's consent.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// How many may be begun at a time. Then the oldest is forgotten.
const MOST: usize = 10_000;

/// An authorization that was begun.
pub(crate) struct Begun {
    pub(crate) installation: InstallationId,
    pub(crate) open_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) code_verifier: SecretString,
    pub(crate) until: Instant,
}

/// Authorizations that were begun, by their state.
#[derive(Default)]
pub(crate) struct PendingAuthorizations(HashMap<String, Begun>);

impl PendingAuthorizations {
    /// One begins.
    pub(crate) fn begin(&mut self, state: String, begun: Begun, now: Instant) {
        if self.0.len() >= MOST {
            self.0.retain(|_, one| now < one.until);
        }
        if self.0.len() >= MOST {
            let oldest = self.0.iter().min_by_key(|(_, one)| one.until);
            if let Some(oldest) = oldest.map(|(state, _)| state.clone()) {
                self.0.remove(&oldest);
            }
        }
        self.0.insert(state, begun);
    }

    /// The one of this state, if it was begun for this bot and its time is not over. It is taken by that, whatever comes of it.
    pub(crate) fn take(
        &mut self,
        state: &str,
        installation: InstallationId,
        now: Instant,
    ) -> Option<Begun> {
        let of_bot = self.0.get(state)?.installation == installation;
        // Another bot's address does not spend it.
        let begun = of_bot.then(|| self.0.remove(state))??;
        (now < begun.until).then_some(begun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(until: Instant) -> Begun {
        Begun {
            installation: InstallationId(1),
            open_id: "ou_1".to_owned(),
            redirect_uri: "https://gw.example".to_owned(),
            code_verifier: "v".into(),
            until,
        }
    }

    #[test]
    fn a_state_is_taken_once_by_its_bot_and_in_time() {
        let now = crate::clock::now();
        let mut pending = PendingAuthorizations::default();
        pending.begin("s".to_owned(), begun(now + PATIENCE), now);
        assert!(pending.take("other", InstallationId(1), now).is_none());
        assert!(pending.take("s", InstallationId(2), now).is_none());
        let taken = pending.take("s", InstallationId(1), now);
        assert_eq!(taken.map(|one| one.open_id).as_deref(), Some("ou_1"));
        assert!(pending.take("s", InstallationId(1), now).is_none());
        pending.begin("late".to_owned(), begun(now + PATIENCE), now);
        let late = pending.take("late", InstallationId(1), now + PATIENCE);
        assert!(late.is_none());
    }

    #[test]
    fn the_oldest_makes_room() {
        let now = crate::clock::now();
        let mut pending = PendingAuthorizations::default();
        for nth in 0..=MOST {
            let until = now + Duration::from_secs(1 + nth as u64);
            pending.begin(nth.to_string(), begun(until), now);
        }
        assert_eq!(pending.0.len(), MOST);
        assert!(pending.take("0", InstallationId(1), now).is_none());
        assert!(pending.take("1", InstallationId(1), now).is_some());
    }
}
