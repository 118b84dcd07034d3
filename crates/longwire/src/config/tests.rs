//! Mistakes, and what is said of each.

use std::path::Path;

use super::*;

fn load(text: &str, environment: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Loaded::parse(text, Path::new("etc/longwire.toml"), environment)
}

/// Loads `text` and wants a mistake that begins with the file's name and `place`, and holds `words`.
#[track_caller]
fn check(text: &str, place: &str, words: &str) {
    let error = load(text, &[]).expect_err("the text is wrong").to_string();
    let wanted = format!("etc/longwire.toml:{place}: ");
    assert!(error.starts_with(&wanted), "wanted {wanted:?} in:\n{error}");
    assert!(error.contains(words), "wanted {words:?} in:\n{error}");
}

const BOT: &str =
    "[[installation]]\nname = \"a\"\napp_id = \"cli_1\"\napp_secret = { env = \"S\" }\n";

const WECOM: &str = "[[installation]]\nname = \"a\"\nplatform = \"wecom\"\nbot_id = \"aib1\"\nsecret = { env = \"S\" }\n";

#[test]
fn an_empty_file_is_the_defaults() {
    let loaded = load("", &[]).expect("nothing is wrong");
    assert_eq!(loaded.config, Config::default());
    assert_eq!(
        loaded.store_settings().url.to_string(),
        "sqlite:etc/longwire.db"
    );
}

#[test]
fn types_and_names() {
    check(
        "[server]\nlisen = \"127.0.0.1:1\"",
        "2:1: server.lisen",
        "unknown field `lisen`, expected one of",
    );
    check("[sever]\n", "1:2: sever", "unknown field `sever`");
    check(
        "[server]\nlisten = 7700",
        "2:10: server.listen",
        "invalid type: integer `7700`",
    );
    check(
        "[server]\nlisten = \"nowhere\"",
        "2:10: server.listen",
        "socket address",
    );
    check(
        "[connect]\nper_second = -1",
        "2:14: connect.per_second",
        "`-1`",
    );
    check(
        "[server]\ndrain = \"30\"",
        "2:9: server.drain",
        "a duration with its unit",
    );
    check("[window]\nbytes = \"4MB\"", "2:9: window.bytes", "a size");
    check(
        "[log]\nformat = \"xml\"",
        "2:10: log.format",
        "unknown variant `xml`",
    );
    check("[server\nlisten = 1", "1:8", "");
}

#[test]
fn the_mistake_is_underlined() {
    let error = load("[server]\n  lisen = \"x\"\n", &[])
        .expect_err("unknown key")
        .to_string();
    let picture: Vec<&str> = error.lines().skip(1).collect();
    assert_eq!(
        picture,
        ["  |", "2 |   lisen = \"x\"", "  |   ^^^^^"],
        "{error}"
    );
}

#[test]
fn ranges() {
    check("[window]\nevents = 0", "2:10: window.events", "from 1 to");
    for (networks, words) in [
        ("[\"10.0.0.1\"]", "`10.0.0.1` is neither"),
        ("[\"loopback\", \"169.254.0.0/16\"]", "can never be allowed"),
    ] {
        let text = format!("[webhooks]\nallow_networks = {networks}");
        check(&text, "2:18: webhooks.allow_networks", words);
    }
    check(
        "[webhooks]\ntimeout = \"2m\"",
        "2:11: webhooks.timeout",
        "from 1s to 60s",
    );
    check("[server]\ndrain = \"0s\"", "2:9: server.drain", "from 1s");
    for (setting, place, words) in [
        ("connections = 0", "2:15: relay.connections", "from 1 to"),
        (
            "connections_per_space = 0",
            "2:25: relay.connections_per_space",
            "at least 1",
        ),
        (
            "handler_limit = \"2d\"",
            "2:17: relay.handler_limit",
            "from 1s to 24h",
        ),
        (
            "ping_interval = \"1500ms\"",
            "2:17: relay.ping_interval",
            "whole seconds",
        ),
        (
            "ping_interval = \"31s\"",
            "2:17: relay.ping_interval",
            "from 1s to 30s",
        ),
        (
            "public_url = \"bots.example.com\"",
            "2:14: relay.public_url",
            "it is http:// or https://",
        ),
    ] {
        check(&format!("[relay]\n{setting}"), place, words);
    }
    check(
        "[timing]\nanswer_budget = \"3s\"",
        "2:17: timing.answer_budget",
        "the platform waits 3s",
    );
    check(
        "[timing]\nbackoff_cap = \"10ms\"",
        "2:15: timing.backoff_cap",
        "below timing.backoff_base",
    );
    for deadline in ["99ms", "2801ms"] {
        check(
            &format!("[cards]\ndeadline = \"{deadline}\""),
            "2:12: cards.deadline",
            "from 100ms to 2800ms",
        );
    }
    check(
        "[cards]\ndefault_toast = { en_us = \" \" }",
        "2:27: cards.default_toast.en_us",
        "leave it out",
    );
    for (place, given, missing) in [(16, "installation", "chat"), (8, "chat", "installation")] {
        check(
            &format!("[notices]\n{given} = \"here\""),
            &format!("2:{place}: notices.{given}"),
            &format!("needs notices.{missing}"),
        );
    }
    for key in ["subscribe", "ack", "upload_ack"] {
        for value in ["0s", "2d"] {
            check(
                &format!("[timing]\n{key} = \"{value}\""),
                &format!("2:{}: timing.{key}", key.len() + 4),
                "above 0 and at most 1d",
            );
        }
    }
    check(
        "[server]\nadmin_listen = \"127.0.0.1:7700\"",
        "2:16: server.admin_listen",
        "share",
    );
    check(
        "[proxy]\nno_proxy = [\"10.0.0.0/99\"]",
        "2:12: proxy.no_proxy",
        "",
    );
}

#[test]
fn installations() {
    load(BOT, &[]).expect("nothing is wrong");
    check(
        &format!("{BOT}{BOT}"),
        "6:8: installation[1].name",
        "already the name of installation[0]",
    );
    check(
        &BOT.replace("\"a\"", "\"ins_1\""),
        "2:8: installation[0].name",
        "begins an installation's id",
    );
    check(
        &format!("{BOT}base_url = \"http://example.com\""),
        "5:12: installation[0].base_url",
        "in clear",
    );
    check(
        &format!("{BOT}base_url = \"ftp://example.com\""),
        "5:12: installation[0].base_url",
        "scheme",
    );
    check(
        &format!("{BOT}platform = \"dingtalk\""),
        "5:12: installation[0].platform",
        "expected one of `feishu`, `lark`, `wecom`",
    );
    check(
        "[[installation]]\nname = \"a\"",
        "1:1: installation[0]",
        "missing field `app_id`",
    );
    for allowed in [
        "http://127.0.0.1:1",
        "http://localhost",
        "http://[::1]:2",
        "https://example.com",
    ] {
        load(&format!("{BOT}base_url = \"{allowed}\""), &[]).expect(allowed);
    }
    let plain = format!(
        "[egress]\nplain_http_hosts = [\"Platform.internal\"]\n{BOT}base_url = \"http://platform.internal\""
    );
    load(&plain, &[]).expect("the host is allowed");
}

/// S62, S63 and S82: a bot's mode, and what its callbacks are checked with. The long connection unless a file says otherwise.
#[test]
fn modes_and_callback_secrets() {
    use longwire_installation::Mode;
    let secrets = "verification_token = { env = \"S\" }\nencrypt_key = { env = \"S\" }\n";
    for (text, mode, lacks) in [
        (BOT.to_owned(), Mode::LongConnection, false),
        (format!("{BOT}mode = \"webhook\""), Mode::Webhook, true),
        (
            format!("{BOT}mode = \"both\"\n{secrets}"),
            Mode::Both,
            false,
        ),
        (format!("{BOT}{secrets}"), Mode::LongConnection, false),
    ] {
        let loaded = load(&text, &[]).expect("nothing is wrong");
        let bot = &loaded.config.installations[0];
        assert_eq!(
            (bot.mode(), bot.lacks_callback_secrets()),
            (Ok(mode), lacks)
        );
    }
    for (text, place, words) in [
        (
            format!("{BOT}mode = \"websocket\""),
            "5:8: installation[0].mode",
            "long_connection, webhook or both",
        ),
        (
            format!("{BOT}encrypt_key = \"k3y\""),
            "5:15: installation[0].encrypt_key",
            "a secret does not stand in the configuration",
        ),
        (
            format!("{WECOM}mode = \"both\""),
            "6:8: installation[0].mode",
            "its long connection alone",
        ),
        (
            format!("{WECOM}{secrets}"),
            "6:22: installation[0].verification_token",
            "no callbacks over HTTP",
        ),
    ] {
        check(&text, place, words);
    }
}

/// S145 and S192: a bot's id and secret, and another address.
#[test]
fn wecom_bots() {
    let loaded = load(
        &format!("{WECOM}take_back_after = \"30m\"\ntake_back_per_day = 3\n"),
        &[],
    )
    .expect("nothing is wrong");
    let bot = &loaded.config.installations[0];
    assert_eq!(bot.platform(), longwire_installation::Platform::Wecom);
    let take_back = bot.take_back().expect("it fits").expect("it is set");
    assert_eq!((take_back.after_ms(), take_back.per_day()), (1_800_000, 3));
    let credentials = bot.credentials().expect("they fit");
    assert_eq!((credentials.id, credentials.secret_key), ("aib1", "secret"));

    let with = |line: &str| format!("{WECOM}{line}\n");
    let without = |key: &str| -> String {
        let lines = WECOM.lines().filter(|line| !line.starts_with(key));
        lines.map(|line| format!("{line}\n")).collect()
    };
    for (text, place, words) in [
        (
            with("app_id = \"cli_1\""),
            "6:10: installation[0].app_id",
            "a WeCom bot has bot_id",
        ),
        (
            with("app_secret = { env = \"S\" }"),
            "6:14: installation[0].app_secret",
            "a WeCom bot has",
        ),
        (
            format!("{BOT}bot_id = \"aib1\""),
            "5:10: installation[0].bot_id",
            "has app_id and app_secret",
        ),
        (
            format!("{BOT}secret = {{ env = \"S\" }}"),
            "5:10: installation[0].secret",
            "has app_id and app_secret",
        ),
        (
            without("bot_id"),
            "1:1: installation[0]",
            "missing field `bot_id`",
        ),
        (
            without("secret"),
            "1:1: installation[0]",
            "missing field `secret`",
        ),
        (
            WECOM.replace("aib1", " "),
            "4:10: installation[0].bot_id",
            "is empty",
        ),
        (
            with("base_url = \"https://example.com\""),
            "6:12: installation[0].base_url",
            "`https` is no scheme of wecom; use wss",
        ),
        (
            with("base_url = \"ws://example.com\""),
            "6:12: installation[0].base_url",
            "in clear; use wss",
        ),
        (
            format!("{BOT}base_url = \"wss://example.com\""),
            "5:12: installation[0].base_url",
            "`wss` is no scheme of feishu; use https",
        ),
        (
            with("take_back_after = \"4m\"\ntake_back_per_day = 3"),
            "6:19: installation[0].take_back_after",
            "5m to 1d",
        ),
        (
            with("take_back_after = \"25h\"\ntake_back_per_day = 3"),
            "6:19: installation[0].take_back_after",
            "5m to 1d",
        ),
        (
            with("take_back_after = \"5\"\ntake_back_per_day = 3"),
            "6:19: installation[0].take_back_after",
            "a duration with its unit",
        ),
        (
            with("take_back_after = \"5m\"\ntake_back_per_day = 49"),
            "7:21: installation[0].take_back_per_day",
            "from 1 to 48",
        ),
        (
            with("take_back_after = \"5m\""),
            "6:19: installation[0].take_back_after",
            "without take_back_per_day",
        ),
        (
            with("take_back_per_day = 1"),
            "6:21: installation[0].take_back_per_day",
            "without take_back_after",
        ),
        (
            format!("{BOT}take_back_per_day = 1"),
            "5:21: installation[0].take_back_per_day",
            "only WeCom",
        ),
    ] {
        check(&text, place, words);
    }
    for allowed in ["ws://127.0.0.1:1", "ws://[::1]:1/path", "wss://example.com"] {
        load(&with(&format!("base_url = \"{allowed}\"")), &[]).expect(allowed);
    }
    let plain = format!(
        "[egress]\nplain_http_hosts = [\"platform.internal\"]\n{WECOM}base_url = \"ws://platform.internal\""
    );
    load(&plain, &[]).expect("the host is allowed");
}

#[test]
fn a_log_filter_that_would_silence_everything_is_refused() {
    for (filter, words) in [
        ("inof", "`inof` is no level; write one of off, error, warn"),
        ("longwire_fleet", "`longwire_fleet` is no level"),
        ("info,longwire_fleet=debgu", ""),
        ("", "`` is no level"),
        ("info,,", "`` is no level"),
    ] {
        check(
            &format!("[log]\nfilter = \"{filter}\""),
            "2:10: log.filter",
            words,
        );
    }
    for filter in [
        "info",
        "WARN",
        "off",
        "info,longwire_fleet=debug",
        "warn,longwire[event]=trace",
        "info,longwire::commands::serve=off",
    ] {
        load(&format!("[log]\nfilter = \"{filter}\""), &[]).expect(filter);
    }
}

#[test]
fn a_bot_has_one_name() {
    let second = BOT.replace("\"a\"", "\"b\"");
    check(
        &format!("{BOT}{second}"),
        "7:10: installation[1].app_id",
        "`b` is the same bot as `a`; a bot has one name",
    );
    let wecom = WECOM.replace("\"a\"", "\"b\"");
    check(
        &format!("{WECOM}{wecom}"),
        "9:10: installation[1].bot_id",
        "`b` is the same bot as `a`",
    );
    for other in [
        format!("{second}platform = \"lark\"\n"),
        format!("{second}enabled = false\n"),
    ] {
        load(&format!("{BOT}{other}"), &[]).expect("only one of them runs there");
    }
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    for text in [
        BOT.replace("{ env = \"S\" }", "\"canary\""),
        BOT.replace("{ env = \"S\" }", "{ value = \"canary\" }"),
        BOT.replace("{ env = \"S\" }", "\"canary"),
        format!("{BOT}proxy = \"http://user:canary@127.0.0.1:1\""),
        "[proxy]\nurl = \"http://user:canary@127.0.0.1:1\"".to_owned(),
        format!("{BOT}base_url = \"https://user:canary@example.com\""),
        WECOM.replace("{ env = \"S\" }", "\"canary\""),
        format!("{WECOM}app_secret = \"canary\""),
        format!("{WECOM}base_url = \"wss://user:canary@example.com\""),
    ] {
        let error = load(&text, &[]).expect_err("a secret in the file");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}

#[test]
fn variables_are_laid_over_the_file() {
    let environment = [
        ("LONGWIRE_SERVER__LISTEN", "0.0.0.0:80"),
        ("LONGWIRE_CONNECT__PER_SECOND", "7"),
        ("LONGWIRE_DEBUG__FAULT_INJECTION", "true"),
        ("LONGWIRE_EGRESS__PLAIN_HTTP_HOSTS", "[\"a\", \"b\"]"),
        // A number where text is wanted stays text.
        ("LONGWIRE_STORE__URL", "42"),
        ("LONGWIRE_CONFIG", "no override: it has no section"),
        ("HOME", "/"),
    ];
    let loaded = load(
        "[server]\nlisten = \"127.0.0.1:1\"\ndrain = \"5s\"",
        &environment,
    )
    .expect("nothing is wrong");
    let config = &loaded.config;
    assert_eq!(config.server.listen.to_string(), "0.0.0.0:80");
    assert_eq!(config.server.drain, std::time::Duration::from_secs(5));
    assert_eq!(
        (config.connect.per_second, config.debug.fault_injection),
        (7, true)
    );
    assert_eq!(
        (
            config.egress.plain_http_hosts.len(),
            config.store.url.to_string()
        ),
        (2, "42".to_owned())
    );
    assert_eq!(loaded.overrides.len(), 5);
}

#[test]
fn a_wrong_variable_is_named() {
    for (name, value, words) in [
        ("LONGWIRE_SERVER__LISTN", "1", "unknown field `listn`"),
        ("LONGWIRE_SEVER__LISTEN", "1", "unknown field `sever`"),
        ("LONGWIRE_CONNECT__PER_SECOND", "many", "invalid type"),
        ("LONGWIRE_WINDOW__EVENTS", "0", "from 1 to"),
        ("LONGWIRE_SERVER__LISTEN__PORT", "1", ""),
        (
            "LONGWIRE_INSTALLATION__NAME",
            "a",
            "never declared by the environment",
        ),
    ] {
        let error = load("", &[(name, value)]).expect_err(name).to_string();
        assert!(
            error.starts_with(&format!("environment variable {name}: ")),
            "{error}"
        );
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn the_file_here_comes_before_that_of_the_service() {
    let directory = tempfile::tempdir().expect("a directory");
    let here = directory.path().join("here.toml");
    let service = directory.path().join("service.toml");
    assert_eq!(super::unnamed(&here, &service), here, "neither is there");
    std::fs::write(&service, "").expect("written");
    assert_eq!(super::unnamed(&here, &service), service);
    std::fs::write(&here, "").expect("written");
    assert_eq!(super::unnamed(&here, &service), here);
}
