//! What holds of a link after every input.

use proptest::prelude::*;

use super::input::{Input, News};
use super::*;
use crate::setback::{Disposition, RetryPace};

impl Run {
    /// After a handled timeout a link waits for something later, or its actor would be woken for ever. With a nonce of 0
    /// the first attempt may follow at once.
    pub(super) fn nothing_is_due(&mut self) -> Result<(), TestCaseError> {
        if self.link.renewing().is_some() {
            // Its second attempt may follow at once too.
            self.link.handle_timeout(self.now);
        }
        let at_once = matches!(self.link.state(), State::BackingOff { attempt: 0 | 1, .. });
        let due = self.link.poll_timeout();
        prop_assert!(
            at_once || due.is_none_or(|due| due > self.now),
            "a busy loop"
        );
        Ok(())
    }

    pub(super) fn stale_news_change_nothing(
        &self,
        generation: Generation,
        input: &Input,
        actions: &[Action],
    ) -> Result<(), TestCaseError> {
        prop_assert_eq!(*self.link.state(), self.before, "stale news: {:?}", input);
        let close = Action::Close(generation, CloseReason::Stale);
        let is_answered = matches!(input, Input::News(_, News::Opened));
        prop_assert_eq!(actions, Vec::from_iter(is_answered.then_some(close)));
        Ok(())
    }

    /// Whatever becomes of a renewal, the bot that was connected is.
    pub(super) fn a_renewal_costs_no_connection(&self, input: &Input) -> Result<(), TestCaseError> {
        if matches!(
            input,
            Input::Renewal(_) | Input::RenewalNews(_) | Input::RenewalGoesOn(_)
        ) && self.was_live()
        {
            prop_assert_eq!(self.link.state().label(), "live", "{:?}", input);
        }
        Ok(())
    }

    /// A displaced bot comes back by an operator's hand, or at its own time and recorded, and by nothing else.
    pub(super) fn a_displaced_one_is_left_alone(
        &mut self,
        input: &Input,
        actions: &[Action],
    ) -> Result<(), TestCaseError> {
        let is_displaced = matches!(self.link.state(), State::Displaced { .. });
        if let State::Displaced { since, until } = self.before {
            let is_record = |action: &Action| matches!(action, Action::RecordTakeBack(_));
            if actions.iter().any(is_record) {
                prop_assert!(
                    until.is_some_and(|until| until <= self.now && until - since >= secs(300))
                );
            }
            if !is_displaced {
                match input {
                    Input::Desired(_)
                    | Input::Configured
                    | Input::Mode(_)
                    | Input::Claimed
                    | Input::Renewal(_) => {}
                    Input::News(0, News::TakeBackRecorded) => {
                        prop_assert!(
                            self.world.recording.is_some(),
                            "done before it was recorded"
                        );
                    }
                    other => prop_assert!(false, "taken back by {:?}", other),
                }
            }
        }
        if !is_displaced {
            self.world.recording = None;
        }
        Ok(())
    }

    pub(super) fn never_without_a_timer(&self, input: &Input) -> Result<(), TestCaseError> {
        let timeout = self.link.poll_timeout();
        match *self.link.state() {
            State::Displaced { .. } if self.world.recording.is_some() => {
                prop_assert!(timeout.is_some_and(|due| due > self.now));
            }
            State::Displaced { until, .. } => prop_assert_eq!(timeout, until),
            State::Stopped | State::Webhook => prop_assert_eq!(timeout, None),
            // A connection ends by its own heartbeat; only the end of an alarm is waited for.
            State::Live { .. } => prop_assert_eq!(
                timeout.is_some(),
                self.link.renewing().is_some() || timeout.is_some() && self.link.has_alarm()
            ),
            State::Queued
            | State::Bootstrapping
            | State::Dialing
            | State::BackingOff { .. }
            | State::Refused { .. }
            | State::Restarting { .. } => {
                prop_assert!(timeout.is_some(), "no timer after {:?}", input);
            }
        }
        Ok(())
    }

    /// An alarm begins with a failure and ends with a stable connection or by an operator's hand.
    pub(super) fn alarms_have_a_cause(&self, input: &Input) -> Result<(), TestCaseError> {
        let has_alarm = self.link.has_alarm();
        if has_alarm && !self.had_alarm {
            prop_assert!(self.link.state().reason().is_some(), "{:?}", input);
        }
        if self.had_alarm && !has_alarm {
            let by_hand = matches!(
                input,
                Input::Desired(_)
                    | Input::Configured
                    | Input::Retry
                    | Input::Mode(_)
                    | Input::Claimed
                    | Input::Renewal(_)
            );
            let is_live = matches!(self.link.state(), State::Live { .. });
            prop_assert!(by_hand || self.was_live() || is_live, "{:?}", input);
        }
        Ok(())
    }

    /// A new wait is within the bounds of its cause.
    pub(super) fn a_wait_is_within_its_bounds(&self) -> Result<(), TestCaseError> {
        if *self.link.state() == self.before {
            return Ok(());
        }
        match *self.link.state() {
            State::BackingOff { until, reason, .. } => {
                let wait = until - self.now;
                let bound = match reason.disposition() {
                    Disposition::Retry(RetryPace::Busy) => secs(30)..secs(38),
                    Disposition::Retry(RetryPace::Limited) => secs(60)..secs(1125),
                    Disposition::Retry(RetryPace::Normal | RetryPace::Clean)
                    | Disposition::Refuse
                    | Disposition::Yield => secs(0)..secs(100),
                };
                prop_assert!(bound.contains(&wait), "{:?} for {:?}", wait, reason);
            }
            State::Refused { until, .. } => {
                prop_assert!((secs(10)..secs(3960)).contains(&(until - self.now)));
            }
            _ => {}
        }
        Ok(())
    }
}
