//! What operators copy from the page about services can be used as it stands, and brings no secret where it does not belong.

use std::process::Command;

use tempfile::TempDir;

const PAGE: &str = include_str!("../../docs/service.md");
const CONTAINERFILE: &str = include_str!("../../../xtask/packages/Containerfile");

/// What `longwire print` prints.
fn printed(arguments: &[&str]) -> String {
    let longwire = assert_cmd::cargo::cargo_bin!("longwire");
    let output = Command::new(longwire).arg("print").args(arguments).output();
    let output = output.expect("longwire starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The value of a setting that is there once.
#[track_caller]
fn setting<'a>(unit: &'a str, name: &str) -> &'a str {
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
    let longwire = assert_cmd::cargo::cargo_bin!("longwire");
    let unit = printed(&["unit"]);
    for (name, value) in [
        ("Type", "notify"),
        ("User", "longwire"),
        ("WorkingDirectory", "/var/lib/longwire"),
        ("After", "network-online.target"),
        ("Restart", "on-failure"),
        ("RestartSec", "5s"),
        ("RestartPreventExitStatus", "3"),
        ("StartLimitIntervalSec", "0"),
        ("TimeoutStartSec", "infinity"),
        ("WatchdogSec", "30s"),
        ("WantedBy", "multi-user.target"),
    ] {
        assert_eq!(setting(&unit, name), value, "{name}");
    }
    let start = setting(&unit, "ExecStart");
    assert!(
        start.starts_with(&format!("{} serve ", longwire.display())),
        "{start}"
    );
    // Secrets come as credentials: an environment is shown to whoever may ask systemd.
    assert!(!unit.contains("Environment"), "{unit}");
    assert_eq!(
        setting(&unit, "LoadCredential"),
        "secrets:/etc/longwire/secrets"
    );
    let directory = TempDir::new().expect("a temporary directory");
    // This host has no such user.
    let here = unit
        .replace("User=longwire", "User=root")
        .replace("Group=longwire", "Group=root");
    let file = directory.path().join("longwire.service");
    std::fs::write(&file, here).expect("the file is written");
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
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

/// The unit names the file that commands look for, and the sample for it keeps its store where the unit may write.
#[test]
fn the_unit_and_its_configuration_fit() {
    let unit = printed(&["unit"]);
    let start = setting(&unit, "ExecStart");
    assert!(
        start.ends_with(" --config /etc/longwire/longwire.toml"),
        "{start}"
    );
    let state = format!("/var/lib/{}", setting(&unit, "StateDirectory"));
    let config = printed(&["config", "--service"]);
    let store = format!("\nurl = \"sqlite:{state}/longwire.db\"\n");
    assert!(config.contains(&store), "{config}");
}

#[test]
fn a_unit_for_an_odd_path_is_refused() {
    let longwire = assert_cmd::cargo::cargo_bin!("longwire");
    let output = Command::new(longwire)
        .args(["print", "unit", "--binary", "/opt/long wire"])
        .output()
        .expect("longwire starts");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
}

/// Each command has a page, and each shell a script that knows the commands.
#[test]
fn every_command_has_a_manual_page_and_completions() {
    let directory = TempDir::new().expect("a temporary directory");
    let pages = directory.path().join("man");
    printed(&["man", &pages.display().to_string()]);
    let main = std::fs::read_to_string(pages.join("longwire.1")).expect("the main page");
    assert_eq!(
        main,
        printed(&["man"]),
        "the page that is printed is the one that is written"
    );
    for command in ["serve", "installations", "print", "probe"] {
        let page = pages.join(format!("longwire-{command}.1"));
        assert!(page.is_file(), "{}", page.display());
        for shell in ["bash", "zsh", "fish"] {
            let script = printed(&["completions", shell]);
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
}

/// A release is told from a build of another commit or for another target.
#[test]
fn the_version_names_the_target() {
    let longwire = assert_cmd::cargo::cargo_bin!("longwire");
    let output = Command::new(longwire).arg("--version").output();
    let said = String::from_utf8(output.expect("longwire starts").stdout).expect("text");
    let line = said.strip_prefix(concat!("longwire ", env!("CARGO_PKG_VERSION"), " ("));
    let inside = line.and_then(|line| line.trim_end().strip_suffix(')'));
    let target = inside.and_then(|inside| inside.split(", ").last());
    assert!(
        target.is_some_and(|target| target.contains("-linux-")),
        "{said}"
    );
}

/// S213: an image is passed on, and with it whatever was copied into it.
#[test]
fn the_image_has_no_secret() {
    let copied: Vec<_> = CONTAINERFILE
        .lines()
        .filter(|line| {
            ["COPY", "ADD", "ENV", "ARG"]
                .iter()
                .any(|word| line.starts_with(word))
        })
        .collect();
    assert_eq!(
        copied,
        [
            "COPY longwire /usr/bin/longwire",
            "COPY LICENSE-APACHE LICENSE-MIT THIRD-PARTY-LICENSES.txt /usr/share/doc/longwire/",
            "COPY --chown=10001:10001 container/state /var/lib/longwire",
            "COPY --chown=10001:10001 container/tmp /tmp",
            "ENV LONGWIRE_SERVER__LISTEN=0.0.0.0:7700",
        ]
    );
    let start = PAGE.split_once("podman run -d").expect("a start").1;
    let (start, _) = start.split_once("```").expect("the block ends");
    assert!(start.contains(":/run/secrets:ro"), "{start}");
    assert!(!start.to_lowercase().contains("secret="), "{start}");
}
