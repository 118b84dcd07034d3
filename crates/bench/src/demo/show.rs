//! The trouble on show: now a link reset, now a link that goes silent, each on another bot, and how it was overcome.

use std::time::{Duration, Instant};

use super::platform::{Act, DemoPlatform};
use super::shown::{LIVE, ShownGateway};

/// Pause between two acts where the demo has no end.
const PAUSE: Duration = Duration::from_secs(10);

/// The act that plays.
#[derive(Debug)]
struct Playing {
    act: Act,
    bot: String,
    began: Instant,
    /// Connections of the bot before.
    reconnects: u64,
    noticed_after: Option<Duration>,
}

/// Plays one act after another.
pub(super) struct Show {
    next_at: Duration,
    pause: Duration,
    played: usize,
    playing: Option<Playing>,
    caption: String,
}

impl Show {
    /// A demo that ends has its first act early enough to be overcome.
    pub(super) fn new(seconds: Option<u64>) -> Self {
        let first = seconds
            .map_or(Duration::from_secs(5), |seconds| {
                Duration::from_millis(seconds * 150)
            })
            .min(PAUSE / 2);
        Self {
            next_at: first,
            pause: seconds.map_or(PAUSE, |_| first),
            played: 0,
            playing: None,
            caption: "steady traffic".to_owned(),
        }
    }

    /// What is on show, in words.
    pub(super) fn caption(&self) -> &str {
        &self.caption
    }

    /// Begins the next act when its time has come, and watches the one that plays.
    pub(super) fn look(
        &mut self,
        elapsed: Duration,
        platforms: &[DemoPlatform],
        gateway: &impl ShownGateway,
    ) {
        match &mut self.playing {
            Some(playing) => {
                if let Some(caption) = playing.watch(gateway) {
                    self.caption = caption;
                }
                if playing.is_over(gateway) {
                    self.playing = None;
                    self.next_at = elapsed + self.pause;
                }
            }
            None if elapsed >= self.next_at => self.begin(platforms, gateway),
            None => {}
        }
    }

    fn begin(&mut self, platforms: &[DemoPlatform], gateway: &impl ShownGateway) {
        let act = if self.played.is_multiple_of(2) {
            Act::Drop
        } else {
            Act::HalfOpen
        };
        // Two acts here, two acts there: each platform has each act.
        let platform = &platforms[self.played.div_ceil(2) % platforms.len()];
        // Seven is coprime to most numbers of bots, so the acts go round.
        let bot = platform.bots[(self.played * 7 + 2) % platform.bots.len()].clone();
        self.played += 1;
        let reconnects = gateway.bot(&bot).map_or(0, |shown| shown.reconnects);
        if !platform.play(act, &bot) {
            // It has no connection right now; the next look tries another.
            return;
        }
        self.caption = match act {
            Act::Drop => format!("{bot}: its connection is reset"),
            Act::HalfOpen => {
                format!("{bot}: its link is half-open: nothing arrives, nothing says so")
            }
        };
        self.playing = Some(Playing {
            act,
            bot,
            began: Instant::now(),
            reconnects,
            noticed_after: None,
        });
    }
}

impl Playing {
    /// A new caption, when something has happened.
    fn watch(&mut self, gateway: &impl ShownGateway) -> Option<String> {
        let shown = gateway.bot(&self.bot)?;
        let bot = &self.bot;
        let seconds = self.began.elapsed().as_secs_f64();
        if shown.state != LIVE && self.noticed_after.is_none() {
            self.noticed_after = Some(self.began.elapsed());
            return Some(match self.act {
                Act::Drop => format!("{bot}: reset noticed, {}", shown.state.replace('_', " ")),
                Act::HalfOpen => {
                    format!("{bot}: a ping stayed unanswered; found dead after {seconds:.1} s")
                }
            });
        }
        if shown.state == LIVE && shown.reconnects > self.reconnects {
            let found = match (self.act, self.noticed_after) {
                (Act::HalfOpen, Some(after)) => {
                    format!("half-open link found after {:.1} s, ", after.as_secs_f64())
                }
                (Act::HalfOpen, None) => "half-open link found, ".to_owned(),
                (Act::Drop, _) => "reset link replaced, ".to_owned(),
            };
            return Some(format!("{bot}: {found}live again after {seconds:.1} s"));
        }
        None
    }

    fn is_over(&self, gateway: &impl ShownGateway) -> bool {
        gateway
            .bot(&self.bot)
            .is_none_or(|shown| shown.state == LIVE && shown.reconnects > self.reconnects)
    }
}
