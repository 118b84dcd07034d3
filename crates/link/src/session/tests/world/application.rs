//! The application that is asked about card events.

use std::time::Instant;

use super::World;
use crate::session::*;

/// What the application was asked, and what it is owed to have been told.
#[derive(Default)]
pub(in crate::session::tests) struct Application {
    /// Questions that it has not answered.
    pub(in crate::session::tests) questions: Vec<(CardTicket, Box<CardEvent>)>,
    pub(in crate::session::tests) asked: u64,
    pub(in crate::session::tests) answered: u64,
    pub(in crate::session::tests) defaulted: u64,
    pub(in crate::session::tests) late: u64,
    pub(in crate::session::tests) unclaimed: u64,
    /// The latest deadline of all questions so far.
    last_due: Option<Instant>,
    /// When the last bytes were read. They may be a repeat, which waits beside its question until a deadline of its own.
    last_read: Option<Instant>,
}

impl Application {
    pub(super) fn ask(&mut self, ticket: CardTicket, event: Box<CardEvent>, now: Instant) {
        assert!(event.due > now, "there is no time to answer");
        self.last_due = self.last_due.max(Some(event.due));
        self.asked += 1;
        self.questions.push((ticket, event));
    }

    pub(super) fn bytes_read(&mut self, now: Instant) {
        self.last_read = Some(now);
    }

    /// Until when an event may wait for the application.
    fn waits_until(&self) -> Option<Instant> {
        let repeat_due = self
            .last_read
            .map(|read| read + CardSettings::default().deadline);
        self.last_due.max(repeat_due)
    }

    pub(super) fn settle(&mut self, outcome: CardOutcome) {
        match outcome {
            CardOutcome::Answered(_) => self.answered += 1,
            CardOutcome::Defaulted(_) | CardOutcome::Unanswered => self.defaulted += 1,
            CardOutcome::Late => self.late += 1,
            CardOutcome::Unclaimed => self.unclaimed += 1,
        }
    }
}

/// What the application answers to the event at this place of the log.
pub(in crate::session::tests) fn result_of(seq: i64) -> String {
    format!(r#"{{"n":{seq}}}"#)
}

impl World {
    /// The application answers one of its questions, or says that it has no answer.
    pub(in crate::session::tests) fn answer_card(&mut self, index: usize, has_answer: bool) {
        let count = self.application.questions.len();
        if count > 0 {
            let (ticket, _) = self.application.questions.remove(index % count);
            let result = if has_answer {
                CardResult::Answered(result_of(ticket.seq().0).into())
            } else {
                CardResult::Unanswered
            };
            self.tell(Input::CardAnswered(ticket, result));
        }
    }

    /// Nobody claims the event of the oldest question.
    pub(in crate::session::tests) fn nobody_claims(&mut self) {
        let (ticket, _) = self.application.questions.remove(0);
        self.tell(Input::CardAnswered(ticket, CardResult::Unclaimed));
    }

    /// Nothing waits for the application longer than it may.
    pub(super) fn check_application(&self, begun: Instant) {
        let view = self.session.view();
        if self
            .application
            .waits_until()
            .is_none_or(|until| until <= begun)
        {
            assert_eq!(view.awaiting_application, 0, "{view:?}");
        }
    }
}
