//! The ratios that are held to a bar, each with its bar.

use serde::Serialize;

use super::super::bar::{Bar, BarBound, BarStanding};
use super::super::report::ReportRow;
use super::run::{Measured, PeerRun, Scenario};
use crate::cli::PeerClient;

/// A figure of a run.
type Figure = fn(&Measured) -> f64;

/// What is compared.
struct Question {
    what: &'static str,
    asks: fn(Scenario) -> bool,
    figure: Figure,
    /// `None` holds longwire's own figure to the bar.
    against: Option<PeerClient>,
    /// `None` only tells the figure.
    bar: Option<Bar>,
}

/// A question answered: the median over the rounds, and how far they lie apart.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    what: &'static str,
    scenario: Scenario,
    against: Option<PeerClient>,
    /// longwire's figure, or its ratio to the peer's.
    value: f64,
    lowest: f64,
    highest: f64,
    #[serde(flatten)]
    bar: Option<Bar>,
    standing: Option<BarStanding>,
}

impl Comparison {
    pub(super) fn row(&self) -> ReportRow {
        let (unit, against) = match self.against {
            Some(peer) => (" ×", format!(" of {}", peer.name())),
            None => ("", String::new()),
        };
        let bar = self.bar.zip(self.standing).map(|(bar, standing)| {
            let stretch = bar.stretch.map_or_else(String::new, |stretch| {
                format!(", stretch {}", stretch.tell())
            });
            format!("; bar {}{stretch}: {}", bar.bar.tell(), standing.tell())
        });
        ReportRow::new(
            self.what,
            format!("{:.2}{unit}{against}", self.value),
            format!(
                "{}; {:.2} to {:.2}{}",
                self.scenario.tell(),
                self.lowest,
                self.highest,
                bar.unwrap_or_default()
            ),
        )
    }
}

fn at_least(bar: f64, stretch: Option<f64>) -> Option<Bar> {
    Some(Bar {
        bar: BarBound::AtLeast(bar),
        stretch: stretch.map(BarBound::AtLeast),
    })
}

fn at_most(bar: f64, stretch: Option<f64>) -> Option<Bar> {
    Some(Bar {
        bar: BarBound::AtMost(bar),
        stretch: stretch.map(BarBound::AtMost),
    })
}

/// All of them, in the order they are told in.
fn questions() -> impl Iterator<Item = Question> {
    (throughput().into_iter()).chain(latency()).chain(cost())
}

fn throughput() -> [Question; 8] {
    let rate: Figure = |run| run.acked_per_second;
    let acks = |asks, against, bar| question("acks/s", asks, rate, Some(against), bar);
    let (durable, append) = (PeerClient::BareDurable, PeerClient::BareAppend);
    [
        acks(saturation_100, PeerClient::Node, at_least(2.0, Some(3.0))),
        acks(saturation_100, durable, at_least(1.3, Some(1.8))),
        acks(saturation_20, durable, at_least(0.75, Some(1.0))),
        acks(saturation_1, PeerClient::Node, at_least(1.1, None)),
        // The stretch of the line above, which has a yardstick of its own.
        acks(saturation_1, durable, at_least(0.0, Some(0.9))),
        // What the least of all records costs, which knows no repeats and so is no yardstick.
        acks(saturation_100, append, None),
        acks(saturation_20, append, None),
        acks(saturation_1, append, None),
    ]
}

fn latency() -> [Question; 4] {
    let (p50, p99): (Figure, Figure) = (|run| run.p50_us, |run| run.p99_us);
    let spread: Figure = |run| run.p99_us / run.p50_us;
    let (durable, append) = (PeerClient::BareDurable, PeerClient::BareAppend);
    [
        question("ack p50", paced, p50, Some(append), None),
        question(
            "ack p50",
            paced,
            p50,
            Some(durable),
            at_most(1.3, Some(1.1)),
        ),
        question(
            "ack p99",
            paced,
            p99,
            Some(durable),
            at_most(2.0, Some(1.2)),
        ),
        question(
            "ack p99/p50",
            saturation_100,
            spread,
            None,
            at_most(4.0, None),
        ),
    ]
}

fn cost() -> [Question; 2] {
    let spent: Figure = |run| run.client_us_per_event;
    let back: Figure = |run| run.all_back_seconds;
    let bare = Some(PeerClient::Bare);
    [
        question(
            "µs CPU/event",
            saturation_100,
            spent,
            None,
            at_most(9.0, Some(7.0)),
        ),
        question("all back", storm, back, bare, at_most(2.0, None)),
    ]
}

fn question(
    what: &'static str,
    asks: fn(Scenario) -> bool,
    figure: Figure,
    against: Option<PeerClient>,
    bar: Option<Bar>,
) -> Question {
    Question {
        what,
        asks,
        figure,
        against,
        bar,
    }
}

fn saturation_1(scenario: Scenario) -> bool {
    scenario == Scenario::Saturation(1)
}

fn saturation_20(scenario: Scenario) -> bool {
    scenario == Scenario::Saturation(20)
}

fn saturation_100(scenario: Scenario) -> bool {
    scenario == Scenario::Saturation(100)
}

fn paced(scenario: Scenario) -> bool {
    scenario == Scenario::Paced
}

fn storm(scenario: Scenario) -> bool {
    matches!(scenario, Scenario::Storm(_))
}

/// Answers every question that the runs can answer.
pub(super) fn compare(runs: &[PeerRun]) -> Vec<Comparison> {
    questions()
        .filter_map(|question| answer(&question, runs))
        .collect()
}

fn answer(question: &Question, runs: &[PeerRun]) -> Option<Comparison> {
    let asked = || runs.iter().filter(|run| (question.asks)(run.scenario));
    let scenario = asked().next()?.scenario;
    let figure = |round: u32, client: PeerClient| {
        asked()
            .find(|run| run.round == round && run.client == client)
            .map(|run| (question.figure)(&run.figures))
    };
    let mut values: Vec<f64> = asked()
        .filter(|run| run.client == PeerClient::Longwire)
        .filter_map(|run| {
            let own = (question.figure)(&run.figures);
            match question.against {
                Some(peer) => Some(own / figure(run.round, peer)?),
                None => Some(own),
            }
        })
        .collect();
    values.sort_by(f64::total_cmp);
    let (lowest, highest) = (*values.first()?, *values.last()?);
    let value = median(values.into_iter());
    Some(Comparison {
        what: question.what,
        scenario,
        against: question.against,
        value,
        lowest,
        highest,
        bar: question.bar,
        standing: question.bar.map(|bar| bar.judge(value)),
    })
}

/// The middle one, or the mean of the two in the middle; 0 of none.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        count if count.is_multiple_of(2) => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(round: u32, client: PeerClient, acked_per_second: f64) -> PeerRun {
        PeerRun {
            round,
            scenario: Scenario::Saturation(100),
            client,
            figures: Measured {
                acked_per_second,
                p50_us: 1_000.0,
                p99_us: 5_000.0,
                client_us_per_event: 6.0,
                ..Measured::default()
            },
        }
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // The host was three times as fast in the second round.
        let runs = [
            run(1, PeerClient::Longwire, 100.0),
            run(1, PeerClient::Node, 50.0),
            run(2, PeerClient::Node, 150.0),
            run(2, PeerClient::Longwire, 450.0),
            run(3, PeerClient::Longwire, 250.0),
            run(3, PeerClient::Node, 100.0),
        ];
        let compared = compare(&runs);
        let ratio = &compared[0];
        assert_eq!(
            (ratio.what, ratio.against),
            ("acks/s", Some(PeerClient::Node))
        );
        assert_eq!((ratio.lowest, ratio.value, ratio.highest), (2.0, 2.5, 3.0));
        assert_eq!(ratio.standing, Some(BarStanding::Reached));
        let own: Vec<_> = compared[1..]
            .iter()
            .map(|own| (own.what, own.standing))
            .collect();
        assert_eq!(
            own,
            [
                ("ack p99/p50", Some(BarStanding::Missed)),
                ("µs CPU/event", Some(BarStanding::Stretch))
            ],
            "and nothing is said of clients that did not run"
        );
    }

    #[test]
    fn medians() {
        let of = |values: &[f64]| median(values.iter().copied());
        assert_eq!(
            [of(&[]), of(&[3.0]), of(&[4.0, 1.0]), of(&[9.0, 1.0, 2.0])],
            [0.0, 3.0, 2.5, 2.0]
        );
    }
}
