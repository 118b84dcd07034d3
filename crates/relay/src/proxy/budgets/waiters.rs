//! The calls of one bot that wait, in the order in which their tokens have turns.

use std::collections::VecDeque;
use std::time::Duration;

use longwire_access::TokenId;

use super::need::BudgetKey;

/// A call that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CallNumber(pub(super) u64);

/// The calls of one bot that wait, by token. The first token is the next to have a turn.
#[derive(Debug, Default)]
pub(super) struct Waiters(pub(super) VecDeque<(TokenId, VecDeque<Waiting>)>);

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) number: CallNumber,
    pub(super) needs: Vec<BudgetKey>,
    pub(super) until: Duration,
}

impl Waiters {
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|(_, calls)| calls.len()).sum()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.0.iter().flat_map(|(_, calls)| calls)
    }

    pub(super) fn push(&mut self, token: TokenId, call: Waiting) {
        match self.0.iter_mut().find(|(one, _)| *one == token) {
            Some((_, calls)) => calls.push_back(call),
            None => self.0.push_back((token, VecDeque::from([call]))),
        }
    }

    pub(super) fn remove(&mut self, number: CallNumber) {
        for (_, calls) in &mut self.0 {
            calls.retain(|call| call.number != number);
        }
        self.0.retain(|(_, calls)| !calls.is_empty());
    }
}
