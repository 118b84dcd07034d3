//! The picture: a block renewed in place on a terminal, a line every two seconds elsewhere.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Instant;

use longwire_terminal::{Ink, Palette, grouped, ms};

use super::platform::DemoPlatform;
use super::show::Show;
use super::shown::{LIVE, ShownOverview};
use super::stage::DemoStage;
use crate::cli::Played;
use crate::receiver::ReceivedCounts;
use crate::stand::PlatformCounts;

/// Turns snapshots into words.
pub(super) struct Summary {
    palette: Palette,
    admin: SocketAddr,
    /// Where the gateway leaves the token that its admin interface wants.
    token_file: PathBuf,
    bots: u32,
    rate: f64,
    began: Instant,
    /// Events recorded, and when, at the picture before; the rate is what came since.
    before: Option<(Instant, u64)>,
    per_second: f64,
}

impl Summary {
    pub(super) fn new(stage: &DemoStage, admin: SocketAddr, palette: Palette) -> Self {
        Self {
            palette,
            admin,
            token_file: stage.directory().join("longwire.db.token"),
            bots: stage.bots,
            rate: stage.rate,
            began: Instant::now(),
            before: None,
            per_second: 0.0,
        }
    }

    /// Written once, above everything.
    pub(super) fn title(&self, platforms: &[DemoPlatform]) -> String {
        let mut text = format!(
            "{}  {} bots, {} events/s\n",
            self.palette.paint(Ink::Bold, "longwire demo"),
            self.bots,
            self.rate,
        );
        for platform in platforms {
            // Writing to a text cannot fail, here and below.
            let _ = writeln!(
                text,
                "{:<10}{} bots, simulated at {}",
                platform.played.word(),
                platform.bots.len(),
                platform.base_url(),
            );
        }
        let _ = writeln!(
            text,
            "{:<10}http://{}/admin/v1/overview  /tree  /installations",
            "admin", self.admin
        );
        let _ = writeln!(
            text,
            "{:<10}with -H \"Authorization: Bearer $(cat {})\"",
            "",
            self.token_file.display(),
        );
        text
    }

    fn measure(&mut self, overview: &ShownOverview) {
        let now = Instant::now();
        let recorded = overview.recorded;
        if let Some((then, before)) = self.before {
            let seconds = now.duration_since(then).as_secs_f64();
            let rate = (recorded - before.min(recorded)) as f64 / seconds.max(0.001);
            // Calm enough to read when the picture is renewed four times a second.
            let weight = (seconds / 2.0).min(1.0);
            self.per_second += (rate - self.per_second) * weight;
        }
        self.before = Some((now, recorded));
    }

    fn states(&self, overview: &ShownOverview) -> String {
        let parts: Vec<String> = overview
            .by_state
            .iter()
            .map(|(state, count)| {
                let ink = if *state == LIVE {
                    Ink::Green
                } else {
                    Ink::Yellow
                };
                self.palette
                    .paint(ink, format!("{count} {}", state.replace('_', " ")))
            })
            .collect();
        parts.join(" · ")
    }

    /// The block.
    pub(super) fn picture(
        &mut self,
        overview: &ShownOverview,
        platforms: &[DemoPlatform],
        received: &ReceivedCounts,
        show: &Show,
    ) -> String {
        self.measure(overview);
        let key = |text: &str| self.palette.paint(Ink::Dim, format!("{text:<10}"));
        let bold = |number: u64| self.palette.paint(Ink::Bold, grouped(number));
        let mut text = format!(
            "{}{}\n{}{} recorded, {:.0}/s, {} repeats recognized\n{}{} replaced, {} found half-open\n",
            key("bots"),
            self.states(overview),
            key("events"),
            bold(overview.recorded),
            self.per_second,
            overview.repeats,
            key("links"),
            bold(overview.reconnects),
            overview.silent,
        );
        for platform in platforms {
            let ledger = platform.ledger();
            let (quantiles, promise) = served(platform.played, overview);
            let _ = writeln!(
                text,
                "{}{} pushed, {}\n{}{quantiles}  {}",
                key(platform.played.word()),
                bold(ledger.pushed),
                fate(platform.played, &ledger),
                key(""),
                self.palette.paint(Ink::Dim, promise),
            );
        }
        let _ = writeln!(
            text,
            "{}{} received, {}\n{}{}",
            key("echo bot"),
            bold(received.distinct),
            replied(platforms, received),
            key(""),
            arrived(received),
        );
        text + &format!(
            "{}{}\n{}",
            key("on show"),
            self.palette.paint(Ink::Yellow, show.caption()),
            self.palette
                .paint(Ink::Dim, "Ctrl-C drains and tells the verdict"),
        )
    }

    /// The line.
    pub(super) fn line(
        &mut self,
        overview: &ShownOverview,
        platforms: &[DemoPlatform],
        received: &ReceivedCounts,
        show: &Show,
    ) -> String {
        self.measure(overview);
        let mut text = format!(
            "{:>4} s  {}  {} recorded ({:.0}/s)",
            self.began.elapsed().as_secs(),
            self.states(overview),
            overview.recorded,
            self.per_second,
        );
        for platform in platforms {
            let (word, ledger) = (platform.played.word(), platform.ledger());
            let (quantiles, _) = served(platform.played, overview);
            let _ = write!(
                text,
                "  {word} {}, {quantiles}",
                fate(platform.played, &ledger)
            );
        }
        let _ = write!(
            text,
            "  application {} received, {}, {}",
            grouped(received.distinct),
            replied(platforms, received),
            arrived(received),
        );
        text + &format!(
            "  links replaced {}  {}",
            overview.reconnects,
            show.caption(),
        )
    }
}

/// What the application said, and what of it stands in the chats.
fn replied(platforms: &[DemoPlatform], received: &ReceivedCounts) -> String {
    let said: u64 = platforms.iter().map(DemoPlatform::said).sum();
    let replies = grouped(received.replies);
    format!("{replies} replies, {} in the chats", grouped(said))
}

/// How long events took to the application.
fn arrived(received: &ReceivedCounts) -> String {
    let (p50, p99) = (received.latency.p50_us, received.latency.p99_us);
    format!("from push to application p50 {}, p99 {}", ms(p50), ms(p99))
}

/// How far the platform's events came.
fn fate(played: Played, ledger: &PlatformCounts) -> String {
    let mut text = match played {
        Played::Feishu => format!("{} acknowledged", grouped(ledger.acked)),
        Played::Wecom => format!("{} delivered", grouped(ledger.delivered)),
    };
    for (count, what) in [
        (ledger.pending, "under way"),
        (ledger.lost, "lost with a link"),
    ] {
        if count > 0 {
            let _ = write!(text, ", {} {what}", grouped(count));
        }
    }
    text
}

/// How long an event took since it was read, and what the platform does about one that is not served.
fn served(played: Played, overview: &ShownOverview) -> (String, &'static str) {
    let (word, latency, promise) = match played {
        Played::Feishu => (
            "ack",
            overview.ack_latency,
            "recorded on disk first; the platform allows 3 s, then repeats",
        ),
        Played::Wecom => (
            "durable",
            overview.record_latency,
            "asks for no ACK and repeats nothing",
        ),
    };
    let quantiles = format!(
        "{word} p50 {}, p99 {}",
        ms(latency.p50_us),
        ms(latency.p99_us)
    );
    (quantiles, promise)
}
