//! What becomes of a bot that is added, changed, renamed or removed by command.

use super::*;

/// S206 and S240: mode and secrets of callbacks are set by command, shown without a text of theirs, and the key that seals them is
/// renewed.
#[test]
fn an_installation_is_changed_renamed_and_removed() {
    let directory = initialised();
    let path = directory.path();
    write(path, "token", "canary-token\n");
    write(path, "key", "canary-key\n");
    let add = [
        "installations",
        "add",
        "bot",
        "--app-id",
        "cli_1",
        "--secret-stdin",
        "--no-probe",
        "--mode",
        "webhook",
    ];
    let (id, _) = run(longwire(path).args(add).write_stdin("canary\n"), 0);
    let check = |words: &str| {
        let (findings, _) = run(longwire(path).arg("check"), 7);
        assert!(findings.contains(words), "{findings}");
    };
    check("callbacks of bot");
    let set = |arguments: &[&str], code| {
        let mut command = longwire(path);
        command
            .args(["installations", "set", "bot"])
            .args(arguments);
        let (_, stderr) = run(command.write_stdin("canary-second\n"), code);
        assert!(!stderr.contains("canary"), "{stderr}");
        stderr
    };
    let secrets = [
        "--verification-token-file",
        "token",
        "--encrypt-key-file",
        "key",
        "--secret-stdin",
    ];
    assert!(set(&secrets, 0).contains("from the server's next start on"));
    let shown = || {
        run(
            longwire(path).args(["installations", "show", id.trim(), "-o", "json"]),
            0,
        )
        .0
    };
    let kept: serde_json::Value = serde_json::from_str(&shown()).expect("an object");
    assert_eq!(
        (
            &kept["mode"],
            &kept["has_verification_token"],
            &kept["has_encrypt_key"]
        ),
        (&"webhook".into(), &true.into(), &true.into())
    );
    // Nobody runs the bot, so the new secret is its secret.
    assert!(kept["candidate"].is_null());
    set(&["--no-verification-token", "--mode", "both"], 0);
    let (page, _) = run(longwire(path).args(["installations", "show", "bot"]), 0);
    assert!(page.contains("checked with the encrypt key"), "{page}");
    for (arguments, code, words) in [
        (&[][..], 2, "nothing to change"),
        (
            &["--mode", "websocket"],
            2,
            "long_connection, webhook or both",
        ),
        (&["--take-back-per-day", "3"], 2, "only WeCom"),
        (&["--base-url", "http://example.com"], 2, "in clear"),
        (
            &["--no-encrypt-key", "--encrypt-key-file", "key"],
            2,
            "cannot be used with",
        ),
    ] {
        let stderr = set(arguments, code);
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    }
    it_is_renamed_and_removed(path, &add, &id);
}

fn it_is_renamed_and_removed(path: &std::path::Path, add: &[&str], id: &str) {
    run(
        longwire(path).args(["installations", "rename", "bot", "ins_1"]),
        1,
    );
    run(
        longwire(path).args(["installations", "rename", "bot", "other"]),
        0,
    );
    run(longwire(path).args(["installations", "show", "bot"]), 6);

    // Nobody is there to be asked.
    let remove = ["installations", "remove", "other"];
    let (_, stderr) = run(longwire(path).args(remove).write_stdin(""), 2);
    assert!(stderr.contains("--yes"), "{stderr}");
    run(longwire(path).args(remove).arg("--yes"), 0);
    run(longwire(path).args(remove).arg("--yes"), 6);
    let (list, _) = run(
        longwire(path).args(["installations", "list", "-o", "ndjson"]),
        0,
    );
    assert_eq!(list, "");
    let (again, _) = run(longwire(path).args(add).write_stdin("canary\n"), 0);
    assert_ne!(again, id);
}

/// S206: the key that seals what the store keeps is renewed.
#[test]
fn the_sealing_key_is_renewed() {
    let directory = initialised();
    let path = directory.path();
    let add = [
        "installations",
        "add",
        "bot",
        "--app-id",
        "cli_1",
        "--secret-stdin",
        "--no-probe",
    ];
    run(longwire(path).args(add).write_stdin("canary\n"), 0);
    let key = || std::fs::read_to_string(path.join("longwire.db.key")).expect("a key file");
    let before = key();
    let (_, stderr) = run(longwire(path).args(["secrets", "rotate"]), 0);
    assert!(stderr.contains("sealed with the new key"), "{stderr}");
    assert_ne!(key(), before);
    run(longwire(path).args(["installations", "show", "bot"]), 0);
}

#[test]
fn who_adds_a_bot_is_told_what_follows() {
    let directory = initialised();
    let path = directory.path();
    let add = |name: &str, more: &[&str]| {
        let mut command = longwire(path);
        let app = format!("cli_{name}");
        command.args([
            "installations",
            "add",
            name,
            "--app-id",
            &app,
            "--secret-stdin",
            "--no-probe",
        ]);
        run(command.args(more).write_stdin("canary\n"), 0)
    };
    let (_, told) = add("linked", &[]);
    assert!(
        told.contains("before you save in the console: longwire serve. It connects the bot"),
        "{told}"
    );
    let (id, told) = add("hooked", &["--mode", "webhook"]);
    assert!(
        told.contains("longwire serve. It takes the bot's callbacks"),
        "{told}"
    );
    let url = format!("/callbacks/feishu/{}", id.trim());
    assert!(told.contains(&url), "{told}");
    let (_, told) = add("waiting", &["--stopped"]);
    assert!(
        told.contains("longwire installations start waiting"),
        "{told}"
    );
}
