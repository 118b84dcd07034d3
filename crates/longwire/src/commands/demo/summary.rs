//! The picture: a block renewed in place on a terminal, a line every two seconds elsewhere.

use std::net::SocketAddr;
use std::time::Instant;

use longwire_fleet::Overview;
use longwire_sim::Ledger;

use super::show::Show;
use super::stage::Stage;
use crate::terminal::{Ink, Palette, grouped, ms};

/// Turns snapshots into words.
pub(super) struct Summary {
    palette: Palette,
    platform: String,
    admin: SocketAddr,
    bots: usize,
    rate: f64,
    began: Instant,
    /// Events recorded, and when, at the picture before; the rate is what came since.
    before: Option<(Instant, u64)>,
    per_second: f64,
}

impl Summary {
    pub(super) fn new(stage: &Stage, admin: SocketAddr, palette: Palette) -> Self {
        Self {
            palette,
            platform: stage.sim.base_url(),
            admin,
            bots: stage.names.len(),
            rate: stage.rate,
            began: Instant::now(),
            before: None,
            per_second: 0.0,
        }
    }

    /// Written once, above everything.
    pub(super) fn title(&self) -> String {
        format!(
            "{}  {} bots, {} events/s, simulated platform at {}\nadmin     http://{}/admin/v1/overview  /tree  /installations\n",
            self.palette.paint(Ink::Bold, "longwire demo"),
            self.bots,
            self.rate,
            self.platform,
            self.admin,
        )
    }

    fn measure(&mut self, overview: &Overview) {
        let now = Instant::now();
        let recorded = overview.events.recorded;
        if let Some((then, before)) = self.before {
            let seconds = now.duration_since(then).as_secs_f64();
            let rate = (recorded - before.min(recorded)) as f64 / seconds.max(0.001);
            // Calm enough to read when the picture is renewed four times a second.
            let weight = (seconds / 2.0).min(1.0);
            self.per_second += (rate - self.per_second) * weight;
        }
        self.before = Some((now, recorded));
    }

    fn states(&self, overview: &Overview) -> String {
        let parts: Vec<String> = overview
            .by_state
            .iter()
            .map(|(&state, &count)| {
                let ink = if state == "live" {
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
    pub(super) fn picture(&mut self, overview: &Overview, ledger: &Ledger, show: &Show) -> String {
        self.measure(overview);
        let key = |text: &str| self.palette.paint(Ink::Dim, format!("{text:<10}"));
        let bold = |number: u64| self.palette.paint(Ink::Bold, grouped(number));
        let ack = overview.ack_latency_us;
        let connections = overview.connections;
        let repeats = overview.events.repeats_by_event_id + overview.events.repeats_by_message;
        let waiting = match ledger.pending {
            0 => String::new(),
            count => format!(", {count} under way"),
        };
        format!(
            "{}{}\n{}{} recorded, {:.0}/s, {} repeats recognized\n{}p50 {}, p99 {}  {}\n{}{} replaced, {} found \
             half-open\n{}{} pushed, {} acknowledged{waiting}\n{}{}\n{}",
            key("bots"),
            self.states(overview),
            key("events"),
            bold(overview.events.recorded),
            self.per_second,
            repeats,
            key("ack"),
            ms(ack.p50),
            ms(ack.p99),
            self.palette
                .paint(Ink::Dim, "recorded on disk first; the platform allows 3 s"),
            key("links"),
            bold(connections.reconnects),
            connections.silent,
            key("platform"),
            bold(ledger.pushed),
            grouped(ledger.acked),
            key("on show"),
            self.palette.paint(Ink::Yellow, show.caption()),
            self.palette
                .paint(Ink::Dim, "Ctrl-C drains and tells the verdict"),
        )
    }

    /// The line.
    pub(super) fn line(&mut self, overview: &Overview, ledger: &Ledger, show: &Show) -> String {
        self.measure(overview);
        let ack = overview.ack_latency_us;
        format!(
            "{:>4} s  {}  {} recorded ({:.0}/s)  {} acknowledged  ack p50 {} p99 {}  links replaced {}  {}",
            self.began.elapsed().as_secs(),
            self.states(overview),
            overview.events.recorded,
            self.per_second,
            ledger.acked,
            ms(ack.p50),
            ms(ack.p99),
            overview.connections.reconnects,
            show.caption(),
        )
    }
}
