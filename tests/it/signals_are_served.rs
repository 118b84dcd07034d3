//! A signal does what whoever sends it to a server means by it.

use longwire_tests::{Setup, Signal, app_id, message, platform, wait_until};

#[test]
fn a_signal_that_means_nothing_here_is_told_and_ends_nothing() {
    let sim = platform(|_| ());
    let mut gateway = Setup::new(&sim).bot("a").start();
    let before = gateway.wait_live("a");
    for (signal, name) in [
        (Signal::Hangup, "SIGHUP"),
        (Signal::User1, "SIGUSR1"),
        (Signal::User2, "SIGUSR2"),
    ] {
        gateway.signal(signal);
        wait_until(&format!("{name} is told"), || {
            let log = gateway.log();
            let told = log.entries().into_iter().any(|entry| {
                entry["signal"] == name
                    && entry["message"]
                        .as_str()
                        .is_some_and(|text| text.contains("ignored"))
            });
            if told { Ok(()) } else { Err(log.tail()) }
        });
    }
    sim.control().push(&app_id("a"), message("evt-1", "om-1"));
    wait_until("the event is recorded", || match gateway.events().len() {
        1 => Ok(()),
        other => Err(other.to_string()),
    });
    assert_eq!(
        gateway.installation("a")["generation"],
        before["generation"],
        "the connection is the same"
    );
    gateway.stop();
}
