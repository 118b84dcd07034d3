//! The measured runs, small: what they answer, and what they refuse before they begin. No figure is held to anything.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::{longwire, run};

/// The JSON document of a measured run that found everything in order. Nothing is held to a time.
#[track_caller]
fn measured(arguments: &[&str]) -> serde_json::Value {
    let document = good(arguments);
    let verdict = &document["verdict"];
    assert!(verdict["pushed"].as_u64() > Some(0), "{document}");
    assert_eq!(verdict["pushed"], verdict["recorded"], "{document}");
    // One platform has what we acknowledged, the other what it wrote.
    let owed = ["acked", "delivered"].map(|count| verdict[count].as_u64());
    let owed = owed.into_iter().sum::<Option<u64>>();
    assert_eq!(owed, verdict["compared_by_id"].as_u64(), "{document}");
    document
}

/// The document of a run that lost nothing and left nothing behind.
#[track_caller]
fn good(arguments: &[&str]) -> serde_json::Value {
    let directory = TempDir::new().expect("a temporary directory");
    let (stdout, stderr) = run(
        longwire(directory.path())
            .args(arguments)
            .arg("--json")
            .env("TMPDIR", directory.path())
            // Several runs in one, on a host that may have much else to do.
            .timeout(std::time::Duration::from_secs(300)),
        0,
    );
    let document: serde_json::Value = serde_json::from_str(&stdout).expect("one document");
    assert_eq!(document["good"], true, "{document}{stderr}");
    let verdict = &document["verdict"];
    for count in ["lost", "missing", "twice", "pending", "unknown"] {
        assert_eq!(verdict[count], 0, "{count}: {document}");
    }
    let left = std::fs::read_dir(directory.path()).expect("it is there");
    assert_eq!(left.count(), 0, "a run leaves nothing behind");
    document
}

/// A drawing of its own name in a directory of its own.
fn drawing() -> (TempDir, String) {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("run.svg").display().to_string();
    (directory, path)
}

#[track_caller]
fn check_drawing(path: &str, words: &[&str]) {
    let svg = std::fs::read_to_string(path).expect("it was drawn");
    assert!(
        svg.starts_with("<svg") && svg.ends_with("</svg>\n"),
        "{svg}"
    );
    for word in ["<polyline", "</text>"].iter().chain(words) {
        assert!(svg.contains(word), "{word} is not in\n{svg}");
    }
}

#[test]
fn a_small_bench_loses_nothing() {
    let document = measured(&[
        "bench",
        "events",
        "--connections",
        "3",
        "--rate",
        "50",
        "--seconds",
        "1",
    ]);
    assert!(
        document["figures"]["all"]["acked"].as_u64() > Some(0),
        "{document}"
    );
    assert_eq!(document["figures"]["offered_per_second"], 50.0);
}

#[test]
fn callbacks_are_measured_beside_connections() {
    let document = measured(&[
        "bench",
        "callbacks",
        "--connections",
        "3",
        "--rounds",
        "2",
        "--seconds",
        "1",
    ]);
    let figures = &document["figures"];
    assert_eq!(
        figures["rounds"].as_array().map(Vec::len),
        Some(2),
        "{document}"
    );
    for round in figures["rounds"].as_array().into_iter().flatten() {
        for way in ["long_connections", "callbacks"] {
            assert!(round[way]["acked"].as_u64() > Some(0), "{document}");
            assert_eq!(round[way]["refused"], 0, "{document}");
        }
    }
}

#[test]
fn a_gateway_killed_twice_loses_nothing() {
    let document = measured(&["torture", "--kills", "2", "--seed", "7"]);
    assert_eq!(document["figures"]["kills"], 2);
    assert_eq!(document["figures"]["seed"], 7);
}

#[test]
fn a_storm_brings_everybody_back() {
    let document = measured(&["bench", "storm", "--connections", "5", "--how", "close"]);
    let figures = &document["figures"];
    assert_eq!(figures["broken"], 5, "{document}");
    assert!(figures["attempts"].as_u64() >= Some(5), "{document}");
}

#[test]
fn events_are_drawn() {
    let (_directory, path) = drawing();
    let document = measured(&[
        "bench",
        "events",
        "--connections",
        "2",
        "--window",
        "4",
        "--seconds",
        "1",
        "--svg",
        &path,
    ]);
    let all = &document["figures"]["all"];
    assert!(all["platform_us_per_event"].is_f64(), "{document}");
    let host = &document["host"];
    for fact in ["processor", "kernel", "file_system"] {
        assert!(host[fact].is_string(), "{fact}: {document}");
    }
    check_drawing(&path, &["ACK latency", "90 %", "ACKs/s", "p50 "]);
}

/// What WeCom has written is recorded, each event once; nothing pretends to an ACK.
#[test]
fn wecoms_events_are_counted_by_who_records_them() {
    let (_directory, path) = drawing();
    for (connections, load) in [("1", None), ("2", Some("--rate=50"))] {
        let mut arguments = vec![
            "bench",
            "events",
            "--platform=wecom",
            "--connections",
            connections,
            "--seconds=1",
            "--svg",
            &path,
        ];
        arguments.extend(load);
        // A flood may be longer than the ids that the platform keeps.
        let document = good(&arguments);
        let (figures, verdict) = (&document["figures"], &document["verdict"]);
        assert!(
            figures["all"]["recorded"].as_u64() > Some(0)
                && figures["gateway_record"]["p99_us"].is_u64(),
            "{document}"
        );
        assert!(figures["all"].get("acked").is_none(), "{document}");
        assert_eq!(verdict["acked"], 0, "{document}");
        assert_eq!(verdict["delivered"], verdict["pushed"], "{document}");
        assert_eq!(verdict["delivered"], verdict["recorded"], "{document}");
        check_drawing(&path, &["recorded/s"]);
    }
}

#[test]
fn wecoms_idle_installations_keep_their_connections() {
    let document = measured(&[
        "bench",
        "idle",
        "--platform",
        "wecom",
        "--installations",
        "100",
        "--no-budget",
        "--seconds",
        "1",
    ]);
    let figures = &document["figures"];
    assert!(figures["idle_bytes_each"].is_f64(), "{document}");
    assert_eq!(figures["quiet"]["connections_lost"], 0, "{document}");
    // One event of 40 KiB for each, in two runs of the gateway.
    assert_eq!(document["verdict"]["recorded"], 110, "{document}");
}

#[test]
fn a_storm_is_drawn() {
    let (_directory, path) = drawing();
    let document = measured(&["bench", "storm", "--connections", "5", "--svg", &path]);
    assert!(
        document["figures"]["platform_cpu_share"].is_f64(),
        "{document}"
    );
    check_drawing(&path, &["Connected again"]);
}

#[test]
fn an_attack_is_the_attacked_bots_own() {
    let document = measured(&[
        "bench",
        "attack",
        "header",
        "wecom-flood",
        "--neighbours",
        "2",
        "--seconds",
        "2",
    ]);
    let figures = &document["figures"];
    assert_eq!(figures["kept"], true, "{document}");
    let header = &figures["attacks"][0];
    assert!(header["attacked_lost"].as_u64() > Some(0), "{document}");
    assert_eq!(header["neighbours_lost"], 0, "{document}");
    let flood = &figures["attacks"][1];
    assert_eq!(flood["neighbours_lost"], 0, "{document}");
    // Ten events a second to each neighbour are acknowledged, the flood is not.
    let verdict = &document["verdict"];
    assert!(verdict["acked"].as_u64() > Some(0), "{document}");
    assert!(
        verdict["delivered"].as_u64() > verdict["acked"].as_u64(),
        "{document}"
    );
}

/// Whether the bars are reached is a matter of the host, so both exit codes will do.
#[test]
fn a_platform_in_trouble_is_measured_by_a_bot_of_another_one() {
    let directory = TempDir::new().expect("a temporary directory");
    let output = longwire(directory.path())
        .args(["bench", "attack", "hanging", "flapping", "--json"])
        .args(["--troubled", "40", "--seconds", "2"])
        .env("TMPDIR", directory.path())
        .timeout(Duration::from_secs(300))
        .output()
        .expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
    let figures = &document["figures"];
    let kept = figures["kept"].as_bool().expect("a verdict");
    assert_eq!(
        output.status.code(),
        Some(i32::from(!kept)),
        "{document}{stderr}"
    );
    for (nth, name) in ["hanging", "flapping"].into_iter().enumerate() {
        let attack = &figures["attacks"][nth];
        assert_eq!(attack["attack"], name, "{document}");
        let back = attack["back_seconds"].as_array().expect("a list");
        assert_eq!(back.len(), 10, "{document}");
        assert!(
            back.iter().all(Value::is_f64),
            "everybody came back: {document}"
        );
        assert!(
            attack["probes"]["answered"].as_u64() > Some(0),
            "{document}"
        );
        assert_eq!(attack["probes"]["failed"], 0, "{document}");
        assert!(attack["attempts"].as_u64() >= Some(10), "{document}");
    }
}

#[test]
fn idle_installations_connect_at_two_paces() {
    let document = measured(&[
        "bench",
        "idle",
        "--installations",
        "100",
        "--per-second",
        "500",
        "--seconds",
        "1",
    ]);
    let figures = &document["figures"];
    assert_eq!(figures["budgeted"]["per_second"], 500, "{document}");
    for told in [
        "idle_bytes_each",
        "after_traffic_bytes_each",
        "cpu_share",
        "platform_cpu_share",
    ] {
        assert!(figures[told].is_f64(), "{told}: {document}");
    }
}

#[test]
fn a_start_is_measured_on_a_store_that_is_kept() {
    let store = TempDir::new().expect("a temporary directory");
    let path = store.path().display().to_string();
    for (budget, added) in [("--per-second=100", 2_000), ("--no-budget", 0)] {
        let document = good(&[
            "bench",
            "startup",
            "--installations",
            "5",
            "--events",
            "2000",
            "--store",
            &path,
            budget,
        ]);
        let figures = &document["figures"];
        assert_eq!(figures["filled"]["events"], 2_000, "{document}");
        assert_eq!(figures["filled"]["added"], added, "{document}");
        assert_eq!(figures["budgeted"].is_object(), added > 0, "{document}");
        for told in [
            "listening_seconds",
            "first_live_seconds",
            "all_live_seconds",
        ] {
            assert!(figures["free"][told].is_f64(), "{told}: {document}");
        }
        assert_eq!(document["verdict"]["recorded"], 2_000, "{document}");
    }
}

#[test]
fn peers_are_compared_in_rounds() {
    let document = measured(&[
        "bench",
        "peers",
        "--rounds",
        "1",
        "--seconds",
        "1",
        "--connections",
        "1",
        "--rate",
        "50",
        "--storm",
        "5",
        "--only",
        "longwire,bare,bare-durable",
    ]);
    let figures = &document["figures"];
    let runs = figures["runs"].as_array().expect("a list");
    // Three clients at one connection and three paced; two of them dropped.
    assert_eq!(runs.len(), 8, "{document}");
    for run in runs {
        let figures = &run["figures"];
        let told = if run["scenario"].get("storm").is_some() {
            "all_back_seconds"
        } else {
            "acked_per_second"
        };
        assert!(figures[told].as_f64() > Some(0.0), "{run}");
    }
    let compared: Vec<_> = figures["comparisons"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| {
            assert!(one["value"].is_f64() && one["bar"].is_object(), "{one}");
            (one["what"].as_str(), one["against"].as_str())
        })
        .collect();
    assert_eq!(
        compared,
        [
            (Some("acks/s"), Some("bare-durable")),
            (Some("ack p50"), Some("bare-durable")),
            (Some("ack p99"), Some("bare-durable")),
            (Some("all back"), Some("bare")),
        ]
    );
}

/// Where `tests/conformance/install` puts the SDKs of this build; `None`, with a loud word, when it has not.
fn sdks() -> Option<String> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("conformance");
    if ["python", "node"]
        .iter()
        .all(|sdk| directory.join(sdk).join("installed.lock").exists())
    {
        return Some(directory.display().to_string());
    }
    let what = "the official SDKs are not installed; run tests/conformance/install";
    assert!(std::env::var_os("CI").is_none(), "{what}");
    // Past the capture of the test harness, which hides what a passing test prints.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
    None
}

#[test]
fn official_sdks_acknowledge_as_peers() {
    let Some(sdks) = sdks() else { return };
    let directory = TempDir::new().expect("a temporary directory");
    let arguments = [
        "bench",
        "peers",
        "--rounds",
        "1",
        "--seconds",
        "1",
        "--connections",
        "2",
        "--rate",
        "20",
        "--storm",
        "0",
        "--only",
        "node,python",
        "--sdks",
        &sdks,
        "--json",
    ];
    let mut command = longwire(directory.path());
    // The interpreter is found where whoever runs the tests finds it.
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Two interpreters load a large package twice each, on a host that may have much else to do.
    command.timeout(Duration::from_secs(300));
    let (stdout, _) = run(command.args(arguments).env("PATH", path), 0);
    let document: Value = serde_json::from_str(&stdout).expect("one document");
    let runs = document["figures"]["runs"].as_array().expect("a list");
    assert_eq!(runs.len(), 4, "{document}");
    for run in runs {
        assert!(
            run["figures"]["acked_per_second"].as_f64() > Some(0.0),
            "{run}"
        );
    }
    let versions = document["figures"]["clients"].as_array().expect("a list");
    for (client, version) in versions.iter().zip(["1.74.0 on node", "1.7.5 on python"]) {
        let told = client["version"].as_str().unwrap_or_default();
        assert!(told.starts_with(version), "{client}");
    }
}

#[test]
fn a_peer_that_is_not_installed_is_named_with_the_way_to_have_it() {
    let directory = TempDir::new().expect("a temporary directory");
    let nowhere = directory.path().display().to_string();
    let arguments = ["bench", "peers", "--only", "python", "--sdks", &nowhere];
    let (_, stderr) = run(longwire(directory.path()).args(arguments), 1);
    assert!(
        stderr.contains("python") && stderr.contains("tests/conformance/install"),
        "{stderr}"
    );
}

#[test]
fn throughput_is_told_by_connections() {
    let (_directory, path) = drawing();
    let document = measured(&[
        "bench",
        "scale",
        "--connections",
        "1,3",
        "--seconds",
        "1",
        "--svg",
        &path,
    ]);
    let points = document["figures"]["points"].as_array().expect("a list");
    let told: Vec<_> = points
        .iter()
        .map(|point| {
            assert!(point["all"]["acked"].as_u64() > Some(0), "{point}");
            (point["connections"].as_u64(), point["window"].as_u64())
        })
        .collect();
    assert_eq!(told, [(Some(1), Some(64)), (Some(3), Some(64))]);
    check_drawing(&path, &["connections", "p99"]);
}

#[test]
fn overload_offers_twice_the_rate() {
    let (_directory, path) = drawing();
    let document = measured(&[
        "bench",
        "overload",
        "--connections",
        "2",
        "--sustainable",
        "100",
        "--seconds",
        "1",
        "--svg",
        &path,
    ]);
    let figures = &document["figures"];
    assert_eq!(figures["offered_per_second"], 200.0, "{document}");
    assert!(figures["all"]["acked"].as_u64() > Some(0), "{document}");
    for (figure, standing) in [("acked_share", "reached"), ("memory_growth", "reached")] {
        let told = &figures["standings"][figure];
        assert!(told == standing || told == "missed", "{figure}: {document}");
    }
    check_drawing(&path, &["offered", "sustainable"]);
}

/// Nothing may have been started, so nothing is left of it either.
#[track_caller]
fn refused(directory: &Path, arguments: &[&str], words: &[&str]) {
    let mut command = longwire(directory);
    let (stdout, stderr) = run(command.args(arguments).env("TMPDIR", directory), 1);
    assert!(stdout.is_empty(), "{stdout}");
    for word in words {
        assert!(stderr.contains(word), "{word} is not in {stderr}");
    }
}

#[test]
fn a_drawing_that_cannot_be_written_is_refused_before_the_run() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory
        .path()
        .join("no/such/run.svg")
        .display()
        .to_string();
    for command in ["events", "storm", "scale", "overload"] {
        refused(
            directory.path(),
            &["bench", command, "--svg", &path],
            &["run.svg"],
        );
    }
}

#[test]
fn too_few_open_files_are_named_before_the_run() {
    let directory = TempDir::new().expect("a temporary directory");
    let program = assert_cmd::cargo::cargo_bin!("longwire")
        .display()
        .to_string();
    for arguments in [
        "bench events --connections 500",
        "bench storm --connections 500",
        "bench idle --installations 500",
        "bench peers --only bare --storm 500",
        "bench scale --connections 1,500",
        "bench overload --connections 500",
        "bench attack flood --neighbours 500",
        "bench attack hanging --troubled 500",
        "bench startup --installations 500 --events 1",
        "torture --connections 500",
    ] {
        let line = format!("ulimit -Sn 200 && ulimit -Hn 200 && exec '{program}' {arguments}");
        let output = std::process::Command::new("sh")
            .args(["-c", &line])
            .current_dir(directory.path())
            .output()
            .expect("there is a shell");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {stderr}");
        assert!(
            stderr.contains("open files") && stderr.contains("200 are allowed"),
            "{arguments}: {stderr}"
        );
    }
}

#[test]
fn a_soft_limit_is_no_obstacle() {
    let directory = TempDir::new().expect("a temporary directory");
    let program = assert_cmd::cargo::cargo_bin!("longwire")
        .display()
        .to_string();
    let line = format!(
        "ulimit -Sn 64 && exec '{program}' bench events --connections 60 --rate 50 --seconds 1 --json"
    );
    let output = std::process::Command::new("sh")
        .args(["-c", &line])
        .current_dir(directory.path())
        .output()
        .expect("there is a shell");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!(document["good"], true, "{document}");
}
