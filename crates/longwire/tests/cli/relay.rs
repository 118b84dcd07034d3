//! What programs are told to change, and the authority that they are told to trust.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use tempfile::TempDir;

use crate::{initialised, longwire, run, write};

fn with_bots() -> TempDir {
    let directory = initialised();
    for (name, id) in [
        ("support", ["--app-id", "cli_0123456789abcdef"]),
        ("robot", ["--bot-id", "aib0123"]),
    ] {
        let mut add = longwire(directory.path());
        add.args(["installations", "add", name, "--secret-stdin", "--no-probe"])
            .args(id)
            .write_stdin("canary\n");
        run(&mut add, 0);
    }
    directory
}

/// Sets TLS, and names, in the configuration that `init` wrote.
fn configure(directory: &TempDir, tls: &str, names: &str) {
    let path = directory.path().join("longwire.toml");
    let text = std::fs::read_to_string(&path).expect("init wrote it");
    let text = text
        .replace("#tls = \"self-signed\"", &format!("tls = {tls}"))
        .replace("\nnames = []", &format!("\nnames = {names}"));
    write(directory.path(), "longwire.toml", &text);
}

#[test]
fn each_client_is_told_the_address_the_bot_and_the_token() {
    let directory = with_bots();
    let relay = |arguments: &[&str], code| {
        let mut command = longwire(directory.path());
        run(command.arg("relay").args(arguments), code)
    };
    let (all, hint) = relay(&[], 0);
    assert!(all.contains("support") && all.contains("aib0123"), "{all}");
    assert!(hint.contains("http://localhost:7700"), "{hint}");

    let (support, _) = relay(&["support"], 0);
    for line in [
        "domain: 'http://localhost:7700'",
        "lark.WithOpenBaseUrl(\"http://localhost:7700\")",
        "'cli_0123456789abcdef'",
        "longwire tokens create NAME --scope relay --installation support",
        "takes https only",
    ] {
        assert!(support.contains(line), "{line}: {support}");
    }
    assert!(!support.contains("relay/wecom"), "{support}");
    let (robot, _) = relay(&["aib0123", "--client", "wecom-node"], 0);
    let line = "botId: 'aib0123', secret: 'lw_…', wsUrl: 'ws://localhost:7700/relay/wecom'";
    assert!(robot.contains(line), "{robot}");

    // A token that is made stands where it belongs, and is for this bot alone.
    let made = ["support", "--token", "shop", "-o", "json"];
    let made: Value = serde_json::from_str(&relay(&made, 0).0).expect("JSON");
    let token = made["token"].as_str().expect("a token");
    assert!(token.starts_with("lw_"), "{made}");
    let node = made["clients"][0]["lines"][0].as_str().expect("a line");
    assert!(node.contains(token), "{node}");
    let mut list = longwire(directory.path());
    let (tokens, _) = run(list.args(["tokens", "list", "-o", "json"]), 0);
    let tokens: Value = serde_json::from_str(&tokens).expect("JSON");
    let kept = tokens["data"].as_array().expect("a list");
    let kept = kept.iter().find(|kept| kept["name"] == "shop");
    let kept = kept.expect("it is kept");
    assert_eq!(kept["scopes"].to_string().matches("relay").count(), 1);
    assert_eq!(kept["installations"].as_array().map(Vec::len), Some(1));

    for (arguments, code, wrong) in [
        (&["nobody"][..], 6, "nobody"),
        (&["--token", "shop"], 2, "name it"),
        (&["support", "--client", "hermes"], 2, "openclaw"),
        (&["support", "--url", "10.0.0.1"], 2, "http://"),
    ] {
        let (_, stderr) = relay(arguments, code);
        assert!(stderr.contains(wrong), "{arguments:?}: {stderr}");
    }
}

#[test]
fn the_authority_is_printed_without_its_key() {
    let directory = with_bots();
    let command = |arguments: &[&str], code| run(longwire(directory.path()).args(arguments), code);
    let (_, stderr) = command(&["print", "ca"], 2);
    assert!(stderr.contains("self-signed"), "{stderr}");
    configure(&directory, "\"self-signed\"", "[\"lw.internal\"]");
    let (pem, _) = command(&["print", "ca"], 0);
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
    assert!(!pem.contains("PRIVATE"), "{pem}");
    let (again, _) = command(&["print", "ca"], 0);
    assert_eq!(pem, again);
    let (shown, _) = command(&["relay", "support", "--client", "openclaw"], 0);
    let domain = "channels.feishu.domain: \"https://lw.internal:7700\"";
    for line in [domain, "NODE_EXTRA_CA_CERTS", "longwire print ca"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
}

#[test]
fn what_is_wrong_with_a_certificate_is_found() {
    let directory = with_bots();
    let check = || {
        let mut command = longwire(directory.path());
        let output = command.args(["check", "-o", "json"]).output();
        let found: Value = serde_json::from_slice(&output.expect("it runs").stdout).expect("JSON");
        let found = found["findings"].as_array().or(found["data"].as_array());
        let found = found.unwrap_or_else(|| panic!("{found:?}")).iter();
        let of_certificate = found.filter(|one| one["what"] == "certificate");
        of_certificate
            .map(|one| format!("{} {}", one["ok"], one["finding"]))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(check(), "");
    configure(&directory, "{ cert = \"c.pem\", key = \"k.pem\" }", "[]");
    assert!(check().contains("false \"cannot read"), "{}", check());
    let pem = |name: &str, valid_for_years: i32| {
        let mut params = rcgen::CertificateParams::new(["lw.internal".to_owned()]).expect("a name");
        params.not_after = rcgen::date_time_ymd(2000 + valid_for_years, 1, 1);
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        let key = rcgen::KeyPair::generate().expect("a key");
        let made = params.self_signed(&key).expect("it is signed");
        write(directory.path(), "c.pem", &made.pem());
        write(directory.path(), name, &key.serialize_pem());
    };
    pem("other.pem", 200);
    pem("k.pem", 1);
    assert!(check().contains("expired at 2001-01-01"), "{}", check());
    pem("other.pem", 200);
    assert!(check().contains("does not belong"), "{}", check());
    pem("k.pem", 200);
    let key = directory.path().join("k.pem");
    let mode = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&key, permissions).expect("chmod");
    };
    mode(0o644);
    assert!(check().contains("used by everybody"), "{}", check());
    mode(0o640);
    let good = check();
    assert!(good.starts_with("true"), "{good}");
    assert!(!good.contains("false"), "{good}");
}
