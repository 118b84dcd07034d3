//! Reads the findings from the outcomes. No I/O, no clock.

use std::time::Duration;

use longwire_egress::TlsProblem;
use longwire_egress::endpoint::{ConnectionUse, PostError, PostProblem, RequestStep};
use serde_json::Value;

use crate::probe::{Answered, Outcome, Probe};
use crate::report::{CheckReport, CheckedAspect};

/// The time within which a card click has to be answered, so an endpoint should be faster.
const CARD_BUDGET: Duration = Duration::from_millis(2500);

/// The findings of a check.
pub(crate) fn judge(outcomes: &[Outcome], expect_gone: bool, is_secure: bool) -> CheckReport {
    let mut report = CheckReport::default();
    let of = |probe: Probe| {
        outcomes
            .iter()
            .filter(move |outcome| outcome.probe == probe)
    };
    for first in of(Probe::Signed) {
        tls(&mut report, first, is_secure);
        signed(&mut report, first, expect_gone);
    }
    for outcome in of(Probe::WrongSignature) {
        refused(
            &mut report,
            CheckedAspect::WrongSignature,
            outcome,
            "anybody could send it events: verify `webhook-signature` over the raw body, before it is parsed, and answer 401",
        );
    }
    for outcome in of(Probe::NoSignature) {
        refused(
            &mut report,
            CheckedAspect::NoSignature,
            outcome,
            "anybody could send it events: answer 401 where `webhook-signature` is missing",
        );
    }
    for outcome in of(Probe::OldTimestamp) {
        refused(
            &mut report,
            CheckedAspect::OldTimestamp,
            outcome,
            "whoever overheard a delivery could send it again: refuse a `webhook-timestamp` that is five minutes away",
        );
    }
    for outcome in of(Probe::Repeat) {
        repeat(&mut report, outcome);
    }
    if of(Probe::Timed).next().is_some() {
        time(&mut report, outcomes);
        keep_alive(&mut report, outcomes);
    }
    for first in of(Probe::Signed) {
        if let Ok(answer) = &first.result
            && answer.is_success()
        {
            reply(&mut report, answer);
        }
    }
    report
}

fn tls(report: &mut CheckReport, first: &Outcome, is_secure: bool) {
    let aspect = CheckedAspect::Tls;
    if !is_secure {
        return report.advise(
            aspect,
            "the address is plain http",
            "fine within one host or a network of your own; everywhere else whoever is on the way can read the events",
        );
    }
    match &first.result {
        Err(PostError {
            problem: PostProblem::Tls {
                problem, source, ..
            },
            ..
        }) => report.bad(aspect, source.to_string(), tls_fix(*problem)),
        Ok(_) => report.good(aspect, "certificate and name are good"),
        // Another failure came first, and says so itself.
        Err(_) => {}
    }
}

fn tls_fix(problem: TlsProblem) -> &'static str {
    match problem {
        TlsProblem::Untrusted => {
            "send the whole chain, or give the endpoint its own authority (--ca-file)"
        }
        TlsProblem::AuthorityAsServer => "use a certificate that the authority issued for the host",
        TlsProblem::WrongName => "use a certificate for this host name",
        TlsProblem::OutOfTime => "renew the certificate, and look at both clocks",
        TlsProblem::Other => "offer TLS 1.2 or 1.3 with a usual certificate at this port",
    }
}

fn signed(report: &mut CheckReport, first: &Outcome, expect_gone: bool) {
    let aspect = CheckedAspect::Answer;
    let answer = match &first.result {
        Ok(answer) => answer,
        // Said under TLS already.
        Err(PostError {
            problem: PostProblem::Tls { .. },
            ..
        }) => return,
        Err(error) => return report.bad(aspect, explained(error), fix(&error.problem)),
    };
    let found = format!("a signed sample is answered with {}", answer.status);
    match (answer.status, expect_gone) {
        (410, true) => report.good(aspect, found),
        (_, true) => report.bad(
            aspect,
            found,
            "410 was expected: it is what ends deliveries to an endpoint",
        ),
        (200..=299, false) => report.good(aspect, found),
        (410, false) => report.bad(aspect, found, "410 ends all deliveries; answer 2xx to go on"),
        (300..=399, false) => {
            let to = answer.location.as_deref().unwrap_or("nowhere");
            report.bad(
                aspect,
                format!("{found}, to {to}"),
                "redirects are never followed: give the address that it leads to",
            );
        }
        (401 | 403, false) => report.bad(
            aspect,
            found,
            "compare the secret; verify over the raw body with `whsec_` taken off and base64 decoded",
        ),
        (404 | 405, false) => report.bad(aspect, found, "let the path of this address take POST"),
        (_, false) => report.bad(
            aspect,
            found,
            "answer 2xx as soon as the event is taken, also to types that are not known",
        ),
    }
}

/// A post that should get a status 4xx.
fn refused(report: &mut CheckReport, aspect: CheckedAspect, outcome: &Outcome, fix: &'static str) {
    match &outcome.result {
        Ok(answer) if (400..500).contains(&answer.status) => {
            report.good(aspect, format!("is refused with {}", answer.status));
        }
        Ok(answer) if answer.is_success() => {
            report.bad(aspect, format!("is taken with {}", answer.status), fix);
        }
        Ok(answer) => report.bad(
            aspect,
            format!("is answered with {}", answer.status),
            "refuse it with 401 or 400, so that the cause can be told from a failure",
        ),
        Err(error) => report.bad(
            aspect,
            explained(error),
            "refuse it with 401 or 400 instead of no answer",
        ),
    }
}

fn repeat(report: &mut CheckReport, outcome: &Outcome) {
    const FIX: &str = "an event may come twice with the same `webhook-id`: answer 2xx, and do nothing a second time";
    let aspect = CheckedAspect::Repeat;
    match &outcome.result {
        Ok(answer) if answer.is_success() => {
            report.good(
                aspect,
                format!("the same id again is answered with {}", answer.status),
            );
        }
        Ok(answer) => report.bad(
            aspect,
            format!("the same id again is answered with {}", answer.status),
            FIX,
        ),
        Err(error) => report.bad(aspect, explained(error), FIX),
    }
}

fn time(report: &mut CheckReport, outcomes: &[Outcome]) {
    let aspect = CheckedAspect::Time;
    let taken = outcomes
        .iter()
        .filter(|outcome| matches!(&outcome.result, Ok(answer) if answer.is_success()));
    let mut times: Vec<Duration> = taken.map(|outcome| outcome.took).collect();
    times.sort_unstable();
    let failed = outcomes
        .iter()
        .filter(|outcome| outcome.probe == Probe::Timed)
        .find_map(|outcome| match &outcome.result {
            Ok(answer) if answer.is_success() => None,
            Ok(answer) => Some(format!(
                "a further sample is answered with {}",
                answer.status
            )),
            Err(error) => Some(explained(error)),
        });
    if let Some(failed) = failed {
        return report.bad(aspect, failed, "answer each sample as the first one");
    }
    let (Some(longest), Some(median)) = (times.last(), times.get(times.len() / 2)) else {
        return;
    };
    let found = format!(
        "median {} ms, longest {} ms, of {}",
        median.as_millis(),
        longest.as_millis(),
        times.len()
    );
    if *median < CARD_BUDGET {
        report.good(aspect, found);
    } else {
        report.advise(
            aspect,
            found,
            "answer at once and work afterwards: a card click has to be answered within 2.5 s, and a slow answer holds \
             the next event of its chat back",
        );
    }
}

fn keep_alive(report: &mut CheckReport, outcomes: &[Outcome]) {
    let aspect = CheckedAspect::KeepAlive;
    let count = |wanted: ConnectionUse| {
        let uses = outcomes.iter().filter_map(|it| it.result.as_ref().ok());
        uses.filter(|answer| answer.connection == wanted).count()
    };
    let (kept, resent) = (count(ConnectionUse::Kept), count(ConnectionUse::Resent));
    if resent > 0 {
        report.advise(
            aspect,
            format!("{resent} of {} kept connections were closed without an answer", kept + resent),
            "answer with `Connection: close` where the connection is closed; otherwise an event may come twice",
        );
    } else if kept > 0 {
        report.good(aspect, "connections are used again");
    } else {
        report.advise(
            aspect,
            "each sample needed a connection of its own",
            "keep connections open: each new one costs a round trip, with TLS two or three",
        );
    }
}

fn reply(report: &mut CheckReport, answer: &Answered) {
    let aspect = CheckedAspect::Reply;
    if !answer.body_is_whole {
        return report.advise(
            aspect,
            "the answer is longer than what is read of it",
            "answer with less: an empty body, or JSON with a `reply`",
        );
    }
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(body) if body.get("reply").is_some_and(Value::is_object) => {
            report.good(aspect, "the answer holds a reply to the chat");
        }
        Ok(body) if body.get("reply").is_some() => report.bad(
            aspect,
            "the answer has a `reply` that is no object",
            "write {\"reply\": {\"text\": \"…\"}}",
        ),
        _ => report.good(aspect, "the answer holds no reply, and needs none"),
    }
}

/// An error with its cause.
fn explained(error: &PostError) -> String {
    let mut text = error.problem.to_string();
    let mut cause = std::error::Error::source(&error.problem);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn fix(problem: &PostProblem) -> &'static str {
    match problem {
        PostProblem::Name { .. } => "correct the host name, or its entry in the name server",
        PostProblem::Blocked(_) => {
            "use a public address, or allow the network in webhooks.allow_networks"
        }
        PostProblem::PlainRefused => "use https",
        PostProblem::Refused { .. } => "start the application, or correct the port",
        PostProblem::Unreachable { .. } => "look at the network and the firewalls on the way",
        PostProblem::TooManyOpenFiles => "raise the limit of open files of this process",
        PostProblem::ProxyRefused { .. }
        | PostProblem::ProxyUnauthorized
        | PostProblem::ProxyUnusable { .. }
        | PostProblem::ProxyUnintelligible { .. } => {
            "correct the proxy of [proxy], or exempt the host from it"
        }
        PostProblem::Tls { problem, .. } => tls_fix(*problem),
        PostProblem::TimedOut { .. } => "answer at once and work afterwards",
        PostProblem::Dropped {
            step: RequestStep::Connecting,
            ..
        } => "offer TLS at this port, and look at what closes connections on the way",
        PostProblem::Dropped { .. } => "answer before the connection is closed",
        PostProblem::Malformed { .. } => "speak HTTP/1.1 at this port",
    }
}

#[cfg(test)]
mod tests;
