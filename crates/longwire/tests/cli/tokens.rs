//! Tokens by command, without a server, and what the audit says of such commands.

use longwire_store::{Reader, StoreSettings};

use crate::{initialised, longwire, run};

#[test]
fn what_commands_change_without_a_server_is_in_the_audit() {
    let directory = initialised();
    let command = |arguments: &[&str], code| {
        let mut command = longwire(directory.path());
        run(command.args(arguments).write_stdin("canary\n"), code)
    };
    let add = ["installations", "add", "bot", "--app-id", "cli_1"];
    let (installation, _) = command(&[&add[..], &["--secret-stdin", "--no-probe"]].concat(), 0);
    command(&["installations", "stop", "bot"], 0);
    let create = ["tokens", "create", "shop", "--scope", "relay"];
    let narrowed = [&create[..], &["--installation", "bot"]].concat();
    let (text, _) = command(&narrowed, 0);
    let id = text.split('_').nth(1).expect("a token has an id");
    command(&["tokens", "revoke", id], 0);
    // Another space has no such installation.
    let (_, stderr) = command(&[&narrowed[..], &["--space", "shop"]].concat(), 6);
    assert!(stderr.contains("`bot`"), "{stderr}");
    command(&["tokens", "revoke", "0000000000000000"], 6);

    let database = directory.path().join("longwire.db").display().to_string();
    let reader = Reader::open(&StoreSettings::at(database)).expect("it opens");
    let audit = reader.audit(None, 99).expect("readable");
    let told: Vec<_> = audit
        .iter()
        .map(|record| (record.entry.action.label(), &*record.entry.subject))
        .collect();
    let newest = [
        ("token.revoke", id),
        ("token.create", id),
        ("installation.stop", installation.trim()),
        ("installation.add", "bot"),
    ];
    assert_eq!(told[..4], newest, "{told:?}");
    assert_eq!(told.len(), 5, "and the first token: {told:?}");
    assert!(audit.iter().all(|record| record.entry.token.is_none()));
}
