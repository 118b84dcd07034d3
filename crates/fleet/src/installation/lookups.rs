//! Looks something up at the platform, as the bot is configured now. Each lookup is a task of its own, so that the installation
//! goes on meanwhile; it ends when nobody waits for it any more.

use super::Installation;
use crate::call::with_caller;
use crate::lookup::{BotLookupError, LookUp, LookupTeller};
use crate::user_call::{AskUserTokens, UserCallError};
use actix::Handler;
use longwire_installation::Platform;
use longwire_link::State;
use longwire_platform::feishu::{ApiCaller, LookupError, lookups};
use std::rc::Rc;
use std::sync::Arc;

impl Installation {
    /// Why nothing can be looked up, if nothing can.
    fn looks_nothing_up(&self) -> Option<BotLookupError> {
        if self.drain.is_some() {
            return Some(BotLookupError::NotRunning { state: "draining" });
        }
        if matches!(self.link.state(), State::Stopped) {
            let state = self.link.state().label();
            return Some(BotLookupError::NotRunning { state });
        }
        match self.record.platform {
            Platform::Feishu | Platform::Lark => None,
            Platform::Wecom => Some(BotLookupError::OtherPlatform),
        }
    }

    fn ask_platform<T: 'static>(
        &self,
        mut teller: LookupTeller<T>,
        ask: impl AsyncFnOnce(&ApiCaller<'_>) -> Result<T, LookupError> + 'static,
    ) {
        let fleet = Arc::clone(&self.fleet);
        let (arbiter, record) = (Rc::clone(&self.arbiter), Arc::clone(&self.record));
        actix_rt::spawn(async move {
            let asked = async {
                let asked = with_caller(&fleet, &arbiter, &record, ask).await;
                Ok(asked.map_err(BotLookupError::Settings)??)
            };
            let outcome = tokio::select! {
                outcome = asked => outcome,
                () = teller.closed() => return,
            };
            if let Err(error) = &outcome {
                let installation = record.public_id;
                tracing::debug!(%installation, %error, "something was not found out at the platform");
            }
            // Whoever asked may have gone.
            drop(teller.send(outcome));
        });
    }
}

impl Handler<AskUserTokens> for Installation {
    type Result = ();

    fn handle(&mut self, AskUserTokens { call, teller }: AskUserTokens, _: &mut Self::Context) {
        if let Some(refusal) = self.looks_nothing_up() {
            let refusal = match refusal {
                BotLookupError::NotRunning { state } => UserCallError::NotRunning { state },
                BotLookupError::UnknownInstallation
                | BotLookupError::OtherPlatform
                | BotLookupError::Settings(_)
                | BotLookupError::NoAnswer
                | BotLookupError::Platform(_) => UserCallError::OtherPlatform,
            };
            // Whoever asked may have gone.
            return drop(teller.send(Err(refusal)));
        }
        let fleet = Arc::clone(&self.fleet);
        let (arbiter, record) = (Rc::clone(&self.arbiter), Arc::clone(&self.record));
        // To its end, also if nobody waits: it spends a code or a token.
        actix_rt::spawn(async move {
            let asked = async |caller: &ApiCaller<'_>| call.make(&caller.app).await;
            let outcome = match with_caller(&fleet, &arbiter, &record, asked).await {
                Ok(outcome) => outcome.map_err(UserCallError::from),
                Err(why) => Err(UserCallError::Settings(why)),
            };
            drop(teller.send(outcome));
        });
    }
}

impl Handler<LookUp> for Installation {
    type Result = ();

    fn handle(&mut self, question: LookUp, _: &mut Self::Context) {
        if let Some(refusal) = self.looks_nothing_up() {
            return question.refuse(refusal);
        }
        match question {
            LookUp::Message { message_id, teller } => {
                self.ask_platform(teller, async move |caller: &ApiCaller<'_>| {
                    lookups::message(caller, &message_id).await
                });
            }
            LookUp::Person { open_id, teller } => {
                self.ask_platform(teller, async move |caller: &ApiCaller<'_>| {
                    lookups::person_name(caller, &open_id).await
                });
            }
        }
    }
}
