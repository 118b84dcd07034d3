//! How a fleet ends: the supervisor drains the installations; without one, their connections are waited for.

use super::Fleet;
use crate::dispatch;
use crate::loss;
use crate::supervisor::DrainAll;
use crate::view::Drained;
use longwire_actor::Asked;
use longwire_installation::Platform;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How often connections without a supervisor are looked at while they finish.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Fleet {
    /// Stops reading, answers what is in hand, closes every connection, and ends the store's writer. Takes `limit` and a
    /// little more at most.
    pub async fn drain(&self, limit: Duration) -> Drained {
        let until = Instant::now() + limit;
        let asked = self
            .supervisor
            .ask(DrainAll { within: limit }, limit + Duration::from_secs(1));
        let drained = match asked.await {
            Asked::Answered(drained) => drained,
            // Its installations ended with it, and their connections finish what they have in hand.
            Asked::Gone => self.all_finished(until).await,
            Asked::NoAnswer => self.report(),
        };
        if let Some(dispatch) = self.dispatch() {
            let ended = dispatch.ask(dispatch::Drain, Duration::from_secs(5));
            if ended.await != Asked::Answered(()) {
                tracing::warn!(
                    "the store's writer did not end in time; what it has in hand was not acknowledged"
                );
            }
        }
        self.tell_losses();
        let counts = || self.bots.wanted_counts();
        self.context.connection_log.finish(counts);
        drained
    }

    /// Says what goes with the process of bots whose platform sends nothing again.
    fn tell_losses(&self) {
        for bot in self.bots.bots() {
            match bot.platform() {
                Platform::Feishu | Platform::Lark => {}
                Platform::Wecom => loss::count_unanswered(&self.context, &bot),
            }
        }
    }

    /// Waits for connections that nobody supervises any more to end, until then at most.
    async fn all_finished(&self, until: Instant) -> Drained {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        while self.connected() > 0 && Instant::now() < until {
            looks.tick().await;
        }
        self.report()
    }

    /// What became of every installation, without a supervisor to say so.
    fn report(&self) -> Drained {
        let abandoned = self.connected();
        let bots = self.bots.bots();
        Drained {
            closed: (bots.len() as u64).saturating_sub(abandoned),
            abandoned,
            unanswered: bots
                .iter()
                .map(|bot| bot.tally.unanswered.load(Relaxed))
                .sum(),
        }
    }

    /// Installations with a connection that has not ended.
    fn connected(&self) -> u64 {
        let bots = self.bots.bots();
        bots.iter().filter(|bot| bot.socket.is_living()).count() as u64
    }
}
