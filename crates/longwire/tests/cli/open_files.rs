//! What `check` says of the limit on open files.

use super::*;

/// `longwire check` with so many open files allowed; what it writes.
fn check(directory: &Path, open_files: u32, code: i32) -> String {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", "ulimit -n \"$0\" && exec \"$@\""])
        .arg(open_files.to_string())
        .arg(assert_cmd::cargo::cargo_bin!("longwire"))
        .args(["check", "-v"])
        .current_dir(directory)
        .env_clear()
        .env("SECRET", "canary")
        .env("LONGWIRE_SERVER__LISTEN", "127.0.0.1:0")
        .env("LONGWIRE_SERVER__ADMIN_LISTEN", "127.0.0.2:0");
    run(&mut shell, code).0
}

#[test]
fn check_says_how_many_files_the_wanted_installations_need() {
    let directory = initialised();
    let installations: String = (0..400)
        .map(|number| {
            format!(
                "[[installation]]\nname = \"b{number}\"\napp_id = \"cli_{number}\"\n\
                 app_secret = {{ env = \"SECRET\" }}\nenabled = {}\n",
                // The rest is not wanted now.
                number < 300
            )
        })
        .collect();
    write(
        directory.path(),
        "longwire.toml",
        &format!("[fleet]\narbiters = 1\n{installations}"),
    );
    let told = check(directory.path(), 256, 7);
    assert!(told.contains("300 installations"), "{told}");
    let needed = told.lines().find_map(|line| {
        let (_, rest) = line.split_once("`ulimit -Hn`, to ")?;
        rest.split_once(' ')?.0.parse::<u32>().ok()
    });
    let needed = needed.unwrap_or_else(|| panic!("{told}"));
    let told = check(directory.path(), needed, 0);
    assert!(told.contains("enough for 300 connections"), "{told}");
    assert!(!told.contains("LimitNOFILE"), "{told}");
}
