//! An operator asks whether everything is connected. One screen names the bots that are not live with their causes, the exit
//! code says it to scripts, and the log stays readable while hundreds of bots connect.

use longwire_sim::Apps;
use longwire_tests::{
    Ended, Gateway, SECRET, Setup, absent_platform, app_id, longwire, platform, time_ms, wait_until,
};
use serde_json::{Value, json};

/// Bots that nothing is wrong with.
const WELL: usize = 397;

/// Runs a command in the gateway's directory; it finds the server where it listens now.
fn command(gateway: &Gateway, arguments: &[&str]) -> Ended {
    let server = format!("http://{}", gateway.admin().address());
    let environment = [("LONGWIRE_ADMIN_URL", server.as_str())];
    longwire(gateway.directory(), arguments, &environment, "")
}

/// How many bots these sums are of.
fn counted(sums: &[Value]) -> u64 {
    let counts = sums.iter().map(|entry| entry["count"].as_u64());
    counts.map(Option::unwrap_or_default).sum()
}

#[test]
fn of_four_hundred_bots_the_three_that_are_broken_are_named_in_one_screen() {
    let well: Vec<String> = (0..WELL).map(|number| format!("well-{number}")).collect();
    let sim = platform(|settings| {
        let known = well.iter().map(String::as_str).chain(["wrong-secret"]);
        let known = known.map(|name| (app_id(name), SECRET.to_owned()));
        settings.apps = Apps::Known(known.collect());
    });
    let (_port, nowhere) = absent_platform();
    let setup = well
        .iter()
        .fold(Setup::new(&sim), |setup, name| setup.bot(name));
    let gateway = setup
        .bot("wrong-secret")
        .with("app_secret", json!({ "env": "WRONG_SECRET" }))
        .bot("no-secret")
        .with("app_secret", json!({ "file": "gone" }))
        .bot_at("unreachable", &format!("http://{nowhere}"))
        .environment("WRONG_SECRET", "the-secret-of-another-app")
        .start();
    gateway.expect_error("refused by the platform or by our own rules");
    wait_until(
        "all who can connect are live, and the others say why not",
        || {
            let status = gateway.admin().json("/admin/v1/status");
            let bots = &status["installations"];
            let groups = bots["groups"].as_array().expect("a list");
            let reasons = groups
                .iter()
                .filter(|group| group["reason"].is_string())
                .count();
            match (bots["live"].as_u64(), reasons) {
                (Some(live), 3) if live == WELL as u64 => Ok(()),
                _ => Err(bots.to_string()),
            }
        },
    );

    let screen = command(&gateway, &["status"]);
    screen.assert(
        1,
        &[
            "397 of 400 live, 3 not live",
            "refused  wrong-secret\n",
            "refused  no-secret\n",
            "  backing_off  unreachable\n",
            "the connection was refused",
            "gone: No such file",
            "next try at 20",
            "    → ",
            "store      ok",
            "consumers  none",
        ],
    );
    let lines = screen.output.lines().count();
    assert!(lines <= 24, "{lines} lines:\n{}", screen.output);

    let status = command(&gateway, &["status", "-o", "json"]);
    assert_eq!(status.code, Some(1), "{status:?}");
    let status: Value = serde_json::from_str(&status.output).expect("one object");
    let bots = &status["installations"];
    assert_eq!(
        (&bots["wanted"], &bots["not_live"]),
        (&json!(400), &json!(3))
    );
    for group in bots["groups"].as_array().expect("a list") {
        assert!(time_ms(&group["since"]).is_some(), "{group}");
        // In the midst of an attempt there is no next one yet.
        let is_waiting = time_ms(&group["until"]).is_some();
        assert!(is_waiting || group["state"] == "backing_off", "{group}");
        assert!(group["next_step"].is_string(), "{group}");
        assert_eq!(group["installations"].as_array().map(Vec::len), Some(1));
    }

    // The same by list, with filters.
    let listed = |arguments: &[&str]| -> Vec<String> {
        let list = ["installations", "list", "-o", "json"];
        let mut page = command(&gateway, &[&list[..], arguments].concat()).json();
        let rows = page["data"].take();
        let rows = rows.as_array().expect("a list").iter();
        rows.map(|row| row["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(
        listed(&["--not-live"]),
        ["wrong-secret", "no-secret", "unreachable"]
    );
    assert_eq!(
        listed(&["--state", "refused,displaced"]),
        ["wrong-secret", "no-secret"]
    );
    assert_eq!(listed(&["--state", "live", "--limit", "7"]).len(), 7);
    assert_eq!(listed(&["--all"]).len(), 400);
    command(&gateway, &["installations", "list"]).assert(0, &["300 more: --all prints all"]);
    command(&gateway, &["installations", "list", "--state", "nonsense"])
        .assert(2, &["nonsense", "backing_off"]);
    let refused = gateway.admin().get("/v1/installations?state=nonsense");
    let refused = refused.expect("it answers").json();
    assert_eq!(refused["errors"][0]["pointer"], "?state", "{refused}");
    let legal = refused["errors"][0]["detail"].as_str().unwrap_or_default();
    assert!(legal.contains("backing_off, refused"), "{refused}");

    // Each bot connected once, and the log says it in few lines.
    let of = |words: &str| -> Vec<Value> {
        let mut entries = gateway.log().entries();
        entries.retain(|entry| entry["message"].as_str() == Some(words));
        entries
    };
    let told = || of("connected").len() as u64 + counted(&of("bots connected"));
    wait_until("the log has told of each", || match told() == WELL as u64 {
        true => Ok(()),
        false => Err(told().to_string()),
    });
    let (alone, summed) = (of("connected"), of("bots connected"));
    let entries = gateway.log().entries();
    assert!(alone.len() <= 10, "{} lines of one bot each", alone.len());
    assert!(
        alone[0]["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("well-"))
    );
    let last = summed.last().expect("there are sums");
    assert_eq!(last["wanted"], 400, "{last}");
    for name in ["wrong-secret", "no-secret"] {
        let errors = entries.iter().filter(|entry| entry["level"] == "ERROR");
        let errors: Vec<_> = errors.filter(|entry| entry["name"] == name).collect();
        let [error] = errors.as_slice() else {
            panic!("one error of {name}: {errors:?}");
        };
        assert!(error["next_step"].is_string(), "{error}");
    }

    // Stopping the broken ones makes everything that is wanted connected.
    for name in ["wrong-secret", "no-secret", "unreachable"] {
        gateway.tell(name, "stop");
    }
    command(&gateway, &["status", "--wait", "60s"]).assert(0, &["397 of 397 live", "3 stopped"]);
}

#[test]
fn without_a_server_the_answer_is_that_there_is_none() {
    let sim = platform(|_| ());
    let mut gateway = Setup::new(&sim).bot("a").start();
    command(&gateway, &["status", "--wait", "60s"]).assert(0, &["1 of 1 live"]);
    gateway.kill();
    command(&gateway, &["status"]).assert(4, &["no server answers", "longwire serve"]);
    let patient = command(&gateway, &["status", "--wait", "600ms"]);
    patient.assert(4, &["no server answers yet"]);
    // A filter by state has no answer in the store, and the list has.
    command(&gateway, &["installations", "list", "--not-live"]).assert(4, &["no server answers"]);
    // Where no server ever ran there is no token either, and that nobody answers comes first.
    let token = gateway.directory().join("longwire.db.token");
    let aside = gateway.directory().join("aside");
    std::fs::rename(&token, &aside).expect("it is there");
    command(&gateway, &["status"]).assert(4, &["no server answers"]);
    std::fs::rename(&aside, &token).expect("it is there");
    gateway.restart();
    command(&gateway, &["status", "--wait", "60s"]).assert(0, &["1 of 1 live"]);
}
