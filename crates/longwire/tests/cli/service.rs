//! What operators copy from the page about services can be used as it stands, and brings no secret where it does not belong.

use std::process::Command;

use tempfile::TempDir;

const PAGE: &str = include_str!("../../docs/service.md");

/// The first block of the page in this language.
fn block(language: &str) -> &'static str {
    let (_, rest) = PAGE
        .split_once(&format!("```{language}\n"))
        .expect("the page has such a block");
    rest.split_once("```").expect("the block ends").0
}

/// The value of a setting that is there once.
#[track_caller]
fn setting(unit: &'static str, name: &str) -> &'static str {
    let mut values = unit
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let value = values.next().unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(values.next(), None, "{name} is there twice");
    value
}

/// S212: a user and a directory of its own, another start after a failure, and one with the system.
#[test]
fn the_unit_is_one_that_systemd_takes() {
    let unit = block("ini");
    for (name, value) in [
        ("Type", "notify"),
        ("User", "longwire"),
        ("WorkingDirectory", "/var/lib/longwire"),
        ("After", "network-online.target"),
        ("Restart", "on-failure"),
        ("RestartSec", "5s"),
        ("RestartPreventExitStatus", "3"),
        ("WantedBy", "multi-user.target"),
    ] {
        assert_eq!(setting(unit, name), value, "{name}");
    }
    // Secrets come as credentials: an environment is shown to whoever may ask systemd.
    assert!(!unit.contains("Environment"), "{unit}");
    assert!(setting(unit, "LoadCredential").starts_with("support:/"));
    let directory = TempDir::new().expect("a temporary directory");
    let binary = assert_cmd::cargo::cargo_bin!("longwire")
        .display()
        .to_string();
    let here = unit
        .replace("/usr/local/bin/longwire", &binary)
        .replace("User=longwire", "User=root");
    let file = directory.path().join("longwire.service");
    std::fs::write(&file, here).expect("the file is written");
    let verified = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&file)
        .output();
    // Without systemd there is nobody to ask.
    if let Ok(output) = verified {
        let said = String::from_utf8_lossy(&output.stderr);
        let of_ours: Vec<_> = said
            .lines()
            .filter(|line| line.contains("longwire.service"))
            .collect();
        assert!(output.status.success() && of_ours.is_empty(), "{said}");
    }
}

/// S213: an image is passed on, and with it whatever was copied into it.
#[test]
fn the_image_has_no_secret() {
    let copied: Vec<_> = block("dockerfile")
        .lines()
        .filter(|line| {
            ["COPY", "ADD", "ENV", "ARG"]
                .iter()
                .any(|word| line.starts_with(word))
        })
        .collect();
    assert_eq!(
        copied,
        ["COPY target/release/longwire /usr/local/bin/longwire"]
    );
    let start = PAGE.split_once("docker run -d").expect("a start").1;
    let (start, _) = start.split_once("```").expect("the block ends");
    assert!(start.contains(":/run/secrets:ro"), "{start}");
    assert!(!start.to_lowercase().contains("secret="), "{start}");
}
