//! A signal does what the sender of a signal to a server expects. A service manager that reads nothing does not block
//! the gateway.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;

use longwire_tests::{LIMIT, Setup, Signal, app_id, message, platform, wait_until};

#[test]
fn a_signal_that_means_nothing_here_is_told_and_ends_nothing() {
    let sim = platform(|_| ());
    let mut gateway = Setup::new(&sim).bot("a").start();
    let before = gateway.wait_live("a");
    gateway.signal(Signal::User1);
    wait_until("it is told", || {
        let log = gateway.log();
        let told = log.entries().into_iter().any(|entry| {
            entry["signal"] == "SIGUSR1"
                && entry["message"]
                    .as_str()
                    .is_some_and(|text| text.contains("ignored"))
        });
        if told { Ok(()) } else { Err(log.tail()) }
    });
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

#[test]
fn a_service_manager_that_does_not_listen_holds_up_nothing() {
    let sim = platform(|_| ());
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("notify");
    let _manager = UnixDatagram::bind(&path).expect("a socket is made");
    let others = UnixDatagram::unbound().expect("a socket is made");
    others.set_nonblocking(true).expect("it is open");
    while !matches!(others.send_to(b"STATUS=busy", &path), Err(error) if error.kind() == ErrorKind::WouldBlock)
    {
    }
    let mut gateway = Setup::new(&sim)
        .bot("a")
        .environment("NOTIFY_SOCKET", path.to_str().expect("it is text"))
        .start();
    gateway.wait_live("a");
    gateway.signal(Signal::Term);
    assert_eq!(gateway.wait_end().code(), Some(0));
}

#[test]
fn a_service_manager_is_told_of_the_start_of_a_reload_and_of_the_stop() {
    let sim = platform(|_| ());
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("notify");
    let manager = UnixDatagram::bind(&path).expect("a socket is made");
    manager.set_read_timeout(Some(LIMIT)).expect("it is open");
    let hears = |word: &str| {
        let mut message = [0; 1024];
        loop {
            let length = manager.recv(&mut message).expect("it is told in time");
            let message = String::from_utf8_lossy(&message[..length]);
            if message.lines().any(|line| line == word) {
                return;
            }
        }
    };
    let mut gateway = Setup::new(&sim)
        .bot("a")
        .environment("NOTIFY_SOCKET", path.to_str().expect("it is text"))
        .start();
    hears("READY=1");
    gateway.wait_live("a");
    gateway.signal(Signal::Hangup);
    hears("RELOADING=1");
    hears("READY=1");
    gateway.signal(Signal::Term);
    hears("STOPPING=1");
    assert_eq!(gateway.wait_end().code(), Some(0));
}
