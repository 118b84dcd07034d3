//! Findings that a story cannot bring about in a short time, and the order of what is said.

use super::*;
use crate::probe::FURTHER;
use crate::report::FindingGrade;

fn answered(probe: Probe, status: u16, took_ms: u64) -> Outcome {
    Outcome {
        probe,
        result: Ok(Answered {
            status,
            location: None,
            body: Vec::new(),
            body_is_whole: true,
            connection: ConnectionUse::Kept,
        }),
        took: Duration::from_millis(took_ms),
    }
}

fn failed(probe: Probe, problem: PostProblem) -> Outcome {
    Outcome {
        probe,
        result: Err(PostError {
            problem,
            may_have_arrived: true,
            resent: false,
        }),
        took: Duration::from_secs(20),
    }
}

/// The outcomes of an endpoint that does all right, `took_ms` each.
fn right(took_ms: u64) -> Vec<Outcome> {
    let probes = std::iter::once(Probe::Signed).chain(FURTHER);
    let outcomes = probes.map(|probe| match probe {
        Probe::WrongSignature | Probe::NoSignature | Probe::OldTimestamp => {
            answered(probe, 401, took_ms)
        }
        Probe::Signed | Probe::Repeat | Probe::Timed => answered(probe, 204, took_ms),
    });
    outcomes.collect()
}

fn verdict(report: &CheckReport, aspect: CheckedAspect) -> Option<FindingGrade> {
    let mut rows = report.rows.iter();
    rows.find(|row| row.aspect == aspect).map(|row| row.verdict)
}

#[test]
fn a_right_endpoint_has_nothing_to_change() {
    let report = judge(&right(3), false, true);
    assert!(
        report
            .rows
            .iter()
            .all(|row| row.verdict == FindingGrade::Good)
    );
    assert_eq!(report.rows.len(), 9);
    let time = report
        .rows
        .iter()
        .find(|row| row.aspect == CheckedAspect::Time);
    let time = &time.expect("a time").finding;
    assert_eq!(time, "median 3 ms, longest 3 ms, of 7");
}

#[test]
fn a_slow_endpoint_is_told_of_cards() {
    let report = judge(&right(2_600), false, true);
    assert_eq!(
        verdict(&report, CheckedAspect::Time),
        Some(FindingGrade::Advice)
    );
    assert!(report.is_good());
}

#[test]
fn connections_that_are_closed_without_a_word() {
    let mut outcomes = right(1);
    for outcome in outcomes.iter_mut().skip(1).take(2) {
        if let Ok(answer) = &mut outcome.result {
            answer.connection = ConnectionUse::Resent;
        }
    }
    let report = judge(&outcomes, false, true);
    let row = report
        .rows
        .iter()
        .find(|row| row.aspect == CheckedAspect::KeepAlive);
    let row = row.expect("a finding");
    assert_eq!(row.verdict, FindingGrade::Advice);
    assert!(row.finding.starts_with("2 of 10 kept"), "{row:?}");
}

#[test]
fn a_probe_without_an_answer_is_no_refusal() {
    let step = RequestStep::AwaitingAnswer;
    for (probe, aspect) in [
        (Probe::WrongSignature, CheckedAspect::WrongSignature),
        (Probe::NoSignature, CheckedAspect::NoSignature),
        (Probe::OldTimestamp, CheckedAspect::OldTimestamp),
        (Probe::Repeat, CheckedAspect::Repeat),
        (Probe::Timed, CheckedAspect::Time),
    ] {
        let mut outcomes = right(1);
        for outcome in &mut outcomes {
            if outcome.probe == probe {
                *outcome = failed(probe, PostProblem::TimedOut { step });
            }
        }
        let report = judge(&outcomes, false, true);
        assert_eq!(
            verdict(&report, aspect),
            Some(FindingGrade::Bad),
            "{aspect:?}"
        );
        let bad = report
            .rows
            .iter()
            .filter(|row| row.verdict == FindingGrade::Bad);
        assert_eq!(bad.count(), 1, "{aspect:?}");
    }
}

#[test]
fn without_tls_nothing_else_is_said() {
    let untrusted = PostProblem::Tls {
        peer: "app.example:443".to_owned(),
        problem: TlsProblem::OutOfTime,
        source: std::io::Error::other("the certificate has expired"),
    };
    let report = judge(&[failed(Probe::Signed, untrusted)], false, true);
    assert_eq!(report.rows.len(), 1);
    let row = &report.rows[0];
    assert_eq!(
        (row.aspect, row.verdict),
        (CheckedAspect::Tls, FindingGrade::Bad)
    );
    assert_eq!(
        row.fix,
        Some("renew the certificate, and look at both clocks")
    );
}
