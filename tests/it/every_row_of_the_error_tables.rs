//! Every answer of the platform leads to the state in the protocol's table, and no state is final.
//!
//! The rows are those of the tables "bootstrap" and "handshake", which are read from the official SDKs (`ws/client.go`
//! and `ws/const.go` of oapi-sdk-go, `ws/client.py` of lark-oapi 1.7.5, `WSClient` of `@larksuiteoapi/node-sdk` 1.74).
//! Each SDK has rows that it never recovers from. Here one process has one bot per row. The test compares what the
//! admin interface shows: state, reason, and length of the wait.

use std::ops::RangeInclusive;

use longwire_sim::{Behaviour, DataShape};
use longwire_tests::{
    Gateway, Setup, absent_platform, app_id, message, platform, time_ms, wait_until,
};
use serde_json::Value;

/// The paces as this story configures them, in milliseconds, with the jitter each may have on top.
const NORMAL: RangeInclusive<i64> = 0..=600;
const BUSY: RangeInclusive<i64> = 2_000..=2_500;
/// Its first two steps: on a slow machine the first may be over before it is looked at.
const LIMITED: RangeInclusive<i64> = 3_000..=7_500;
/// The first of them: longer than the story, so that nobody is probed in it.
const PROBE: RangeInclusive<i64> = 600_000..=660_000;
/// A state is shown a little after its wait was decided, so what is shown of it can only be less.
const SHOWN_LATE_MS: i64 = 700;

/// What the platform does to a bot, and what has to follow.
struct Row {
    bot: &'static str,
    platform: Does,
    expected: Expected,
}

enum Does {
    Answer(Behaviour),
    /// Nothing listens where it should be.
    Absent,
}

enum Expected {
    /// Connected all the same.
    Live,
    /// Tried again by itself, at this pace.
    Retried(&'static str, RangeInclusive<i64>),
    /// Left to the operator, and probed more and more slowly.
    Refused(&'static str),
}

use Expected::{Live, Refused, Retried};

fn rows() -> Vec<Row> {
    [
        code_rows(),
        status_rows(),
        answerless_rows(),
        handshake_rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn does(bot: &'static str, behaviour: Behaviour, expected: Expected) -> Row {
    Row {
        bot,
        platform: Does::Answer(behaviour),
        expected,
    }
}

/// The bootstrap answers with a code.
fn code_rows() -> Vec<Row> {
    let code =
        |bot, code, msg: &str, expected| does(bot, Behaviour::bootstrap_error(code, msg), expected);
    let busy = || Retried("system_busy", BUSY);
    vec![
        code("code 1", 1, "system busy", busy()),
        code(
            "code 1000040343",
            1_000_040_343,
            "internal error",
            Retried("platform_internal", NORMAL),
        ),
        code(
            "code 1000040345 busy",
            1_000_040_345,
            "System busy, try later",
            busy(),
        ),
        code(
            "code 1000040345 other",
            1_000_040_345,
            "something else",
            Refused("unknown_code"),
        ),
        code(
            "code 1000040350",
            1_000_040_350,
            "the number of connections exceeded the limit",
            Retried("connection_limit", LIMITED),
        ),
        code(
            "code 1000040351",
            1_000_040_351,
            "Incorrect domain name",
            Refused("wrong_domain"),
        ),
        code("code 403", 403, "forbidden", Refused("forbidden")),
        code("code 514", 514, "auth failed", Refused("auth_failed")),
        code(
            "another code",
            99_991_663,
            "who knows",
            Refused("unknown_code"),
        ),
        does(
            "code 514 without data",
            Behaviour::BootstrapAnswer {
                code: 514,
                msg: "auth failed".to_owned(),
                data: DataShape::Absent,
            },
            Refused("auth_failed"),
        ),
    ]
}

/// The bootstrap answers with a status of HTTP, also beside a code.
fn status_rows() -> Vec<Row> {
    let http = |bot, status, expected| does(bot, Behaviour::BootstrapHttp { status }, expected);
    let json = |bot, http, code, expected| {
        let msg = "a word about it".to_owned();
        does(
            bot,
            Behaviour::BootstrapRefuse { http, code, msg },
            expected,
        )
    };
    vec![
        json(
            "rate limit",
            200,
            99_991_400,
            Retried("rate_limited", LIMITED),
        ),
        json(
            "http 400 rate limit",
            400,
            99_991_400,
            Retried("rate_limited", LIMITED),
        ),
        json(
            "http 403 rate limit",
            403,
            99_991_400,
            Retried("rate_limited", LIMITED),
        ),
        json(
            "http 429 rate limit",
            429,
            99_991_400,
            Retried("rate_limited", LIMITED),
        ),
        json("http 400 code 514", 400, 514, Refused("auth_failed")),
        json("http 400 other code", 400, 9_499, Refused("http_status")),
        http("http 400", 400, Refused("http_status")),
        http("http 401", 401, Refused("http_status")),
        http("http 403", 403, Refused("http_status")),
        http("http 429", 429, Retried("http_status", LIMITED)),
        http("http 500", 500, Retried("http_status", NORMAL)),
        http("http 503", 503, Retried("http_status", NORMAL)),
    ]
}

/// The bootstrap does not come through, or lacks something.
fn answerless_rows() -> Vec<Row> {
    vec![
        Row {
            bot: "connection refused",
            platform: Does::Absent,
            expected: Retried("unreachable", NORMAL),
        },
        does(
            "connection reset",
            Behaviour::BootstrapReset,
            Retried("unreachable", NORMAL),
        ),
        does(
            "no answer",
            Behaviour::BootstrapHang,
            Retried("timed_out", NORMAL),
        ),
        does(
            "no json",
            Behaviour::BootstrapNotJson,
            Retried("not_json", NORMAL),
        ),
        does(
            "data null",
            Behaviour::BootstrapAnswer {
                code: 0,
                msg: String::new(),
                data: DataShape::Null,
            },
            Retried("no_url", NORMAL),
        ),
        does(
            "empty url",
            Behaviour::BootstrapEmptyUrl,
            Retried("no_url", NORMAL),
        ),
        does("no config", Behaviour::BootstrapNoConfig, Live),
    ]
}

fn handshake_rows() -> Vec<Row> {
    let refused = |bot, http, status: Option<i64>, auth: Option<i64>, expected| Row {
        bot,
        platform: Does::Answer(Behaviour::UpgradeRefuse {
            http,
            status,
            msg: status.map(|_| "refused".to_owned()),
            auth,
        }),
        expected,
    };
    vec![
        refused(
            "upgrade 514 limit",
            403,
            Some(514),
            Some(1_000_040_350),
            Retried("handshake_auth", LIMITED),
        ),
        refused(
            "upgrade 514 other",
            403,
            Some(514),
            Some(1_000_040_399),
            Retried("handshake_auth", NORMAL),
        ),
        refused(
            "upgrade 514 alone",
            403,
            Some(514),
            None,
            Retried("handshake_auth", NORMAL),
        ),
        refused(
            "upgrade 403",
            400,
            Some(403),
            None,
            Refused("handshake_forbidden"),
        ),
        refused(
            "upgrade other code",
            403,
            Some(1_000_040_343),
            None,
            Retried("handshake_refused", NORMAL),
        ),
        refused(
            "upgrade http 403",
            403,
            None,
            None,
            Refused("handshake_forbidden"),
        ),
        refused(
            "upgrade http 502",
            502,
            None,
            None,
            Retried("handshake_refused", NORMAL),
        ),
        Row {
            bot: "upgrade hangs",
            platform: Does::Answer(Behaviour::UpgradeHang),
            expected: Retried("handshake_timed_out", NORMAL),
        },
    ]
}

#[test]
fn every_row_leads_where_it_should_and_back() {
    let rows = rows();
    let sim = platform(|_| ());
    let control = sim.control();
    let (reserved, address) = absent_platform();
    let mut setup = Setup::new(&sim)
        .set("timing.bootstrap", "2s")
        .set("timing.handshake", "2s")
        .set("timing.backoff_base", "300ms")
        .set("timing.backoff_cap", "600ms")
        .set("timing.busy", "2s")
        .set("timing.limited_base", "3s")
        .set("timing.limited_cap", "6s")
        .set("timing.refused_base", "10m")
        .set("timing.refused_probe", "1h");
    for row in &rows {
        match &row.platform {
            Does::Answer(behaviour) => {
                control.behaviour(Some(&app_id(row.bot)), behaviour.clone());
                setup = setup.bot(row.bot);
            }
            Does::Absent => setup = setup.bot_at(row.bot, &format!("http://{address}")),
        }
    }
    let gateway = setup.start();
    gateway.expect_error("refused by the platform");

    each_row_is_shown(&gateway, &rows);
    what_needs_somebody_is_in_the_log(&gateway, &rows);

    // The platform is well again, and the one that was away is back.
    control.behaviour(None, Behaviour::Nominal);
    drop(reserved);
    let back = platform(|settings| settings.listen = address);
    for row in &rows {
        if matches!(row.expected, Refused(_)) {
            let view = gateway.installation(row.bot);
            assert_eq!(view["state"], "refused", "nobody has acted yet: {view}");
            gateway.tell(row.bot, "stop");
            gateway.wait_installation(row.bot, "stopped", |view| view["state"] == "stopped");
            gateway.tell(row.bot, "start");
        }
    }
    for row in &rows {
        gateway.wait_live(row.bot);
    }

    // Live means that events arrive and are answered.
    for (number, row) in rows.iter().enumerate() {
        let to = match row.platform {
            Does::Answer(_) => &control,
            Does::Absent => &back.control(),
        };
        let event = message(&format!("evt-{number}"), &format!("om-{number}"));
        to.push(&app_id(row.bot), event);
    }
    wait_until("every bot's event is acknowledged", || {
        let acked = control.ledger().acked + back.control().ledger().acked;
        if acked == rows.len() as u64 {
            Ok(())
        } else {
            Err(format!("{acked} of {}", rows.len()))
        }
    });
    assert_eq!(gateway.events().len(), rows.len());
}

/// Waits until each bot has shown what became of its row, and compares.
fn each_row_is_shown(gateway: &Gateway, rows: &[Row]) {
    let mut left: Vec<&Row> = rows.iter().collect();
    wait_until("every row is shown", || {
        let views = gateway.installations();
        left.retain(|row| {
            // The fleet reads its installations after the admin interface has begun to answer.
            let Some(view) = views.iter().find(|view| view["name"] == row.bot) else {
                return true;
            };
            let is_shown = view["state"] == "live" || !view["reason"].is_null();
            if is_shown {
                check(row, view);
            }
            !is_shown
        });
        if left.is_empty() {
            Ok(())
        } else {
            Err(left
                .iter()
                .map(|row| row.bot)
                .collect::<Vec<_>>()
                .join(", "))
        }
    });
}

/// Whoever reads the log at level `warn` learns of every bot that will not be well by waiting alone, and what to do.
fn what_needs_somebody_is_in_the_log(gateway: &Gateway, rows: &[Row]) {
    for row in rows {
        let (level, label) = match &row.expected {
            Refused(label) => ("ERROR", *label),
            Retried(label, wait) if *wait == LIMITED => ("WARN", *label),
            Retried(..) | Live => continue,
        };
        let app_id = app_id(row.bot);
        // News of many bots with one reason is told in a sum, a moment later.
        wait_until(row.bot, || {
            let told = gateway.log().entries().into_iter().any(|entry| {
                let is_of = entry["app_id"] == app_id.as_str()
                    || entry["count"].is_number() && entry["label"] == label;
                is_of && entry["level"] == level && entry["next_step"].is_string()
            });
            match told {
                true => Ok(()),
                false => Err(format!("nothing of level {level} in the log")),
            }
        });
    }
}

fn check(row: &Row, view: &Value) {
    let (state, reason, wait) = match &row.expected {
        Live => ("live", None, None),
        Retried(reason, wait) => ("backing_off", Some(*reason), Some(wait.clone())),
        Refused(reason) => ("refused", Some(*reason), Some(PROBE)),
    };
    assert_eq!(view["state"], state, "{}: {view}", row.bot);
    assert_eq!(view["reason"].as_str(), reason, "{}: {view}", row.bot);
    let Some(wait) = wait else { return };
    let has_words = |key: &str| view[key].as_str().is_some_and(|text| !text.is_empty());
    assert!(
        has_words("reason_text") && has_words("next_step"),
        "{}: an operator is told nothing: {view}",
        row.bot
    );
    let ms = |key: &str| {
        time_ms(&view[key]).unwrap_or_else(|| panic!("{}: no {key} in {view}", row.bot))
    };
    let waits = ms("until") - ms("state_since");
    assert!(
        waits >= wait.start() - SHOWN_LATE_MS && waits <= wait.end() + 5,
        "{}: waits {waits} ms, and should {wait:?}: {view}",
        row.bot
    );
}
