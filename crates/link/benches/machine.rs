//! One step of each machine that a connection goes through. None of them may matter beside a system call.
//!
//! `cargo bench -p longwire-link`

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use longwire_installation::Desired;
use longwire_link::{
    Action, Assembly, AssemblyLimits, Heartbeat, Link, RequestKind, RequestLimits, Requests,
    Setback, Timing, Window,
};

fn main() {
    divan::main();
}

/// A whole attempt: permit, bootstrap, dial, open, first pong, loss, and the wait for the next one.
#[divan::bench]
fn connection(bencher: divan::Bencher<'_, '_>) {
    let mut now = Instant::now();
    let mut link = Link::new(Timing::default(), 1);
    link.handle_desired(Desired::Run, now);
    bencher.bench_local(|| {
        while let Some(action) = link.poll_action() {
            match action {
                Action::RequestPermit(generation) => link.handle_permitted(generation, now),
                Action::Bootstrap(generation) => {
                    drop(link.handle_bootstrapped(generation, None, now));
                }
                Action::Dial(generation) => {
                    link.handle_opened(generation, now);
                    drop(link.handle_pong(generation, None, now));
                    now += Duration::from_secs(5);
                    link.handle_setback(generation, Setback::Reset, now);
                }
                Action::RecordDisplaced
                | Action::RecordTakeBack(_)
                | Action::RenewalEnded(..)
                | Action::Close(..) => {}
            }
        }
        now = link.poll_timeout().expect("it is never deaf");
        link.handle_timeout(now);
        link.state().label()
    });
}

/// A ping and its pong.
#[divan::bench]
fn heartbeat(bencher: divan::Bencher<'_, '_>) {
    let mut now = Instant::now();
    let mut heartbeat = Heartbeat::new(Duration::from_secs(120), Duration::from_secs(20), now);
    bencher.bench_local(|| {
        heartbeat.handle_timeout(now);
        let action = heartbeat.poll_action();
        heartbeat.handle_pong(now);
        now = heartbeat.poll_timeout().expect("it is alive");
        action
    });
}

/// A push in so many fragments of 1 KiB, in order.
#[divan::bench(args = [2, 16, 128])]
fn assembly(bencher: divan::Bencher<'_, '_>, parts: u16) {
    let payload = Bytes::from(vec![b'x'; 1_024]);
    let mut now = Instant::now();
    let limits = AssemblyLimits::default();
    let mut assembly = Assembly::new(limits);
    bencher.bench_local(|| {
        // By then the last one is forgotten, and the same id is news again.
        now += limits.ttl;
        for seq in 0..parts {
            let outcome =
                assembly.handle_fragment(usize::MAX, "push", parts, seq, payload.clone(), now);
            black_box(outcome);
        }
    });
}

/// An event takes a place among those that wait, and its receipt frees it.
#[divan::bench(args = [0, 63])]
fn window(bencher: divan::Bencher<'_, '_>, waiting: usize) {
    let now = Instant::now();
    let mut window = Window::new(64, 4 << 20, Duration::from_millis(2_500));
    for _ in 0..waiting {
        window.admit((), 1_024, now);
    }
    bencher.bench_local(|| {
        let ticket = window.admit((), 1_024, now);
        window.release(black_box(ticket))
    });
}

/// A command to the platform and its answer, among so many others that are unanswered.
#[divan::bench(args = [0, 100, 499])]
fn request(bencher: divan::Bencher<'_, '_>, others: usize) {
    let now = Instant::now();
    let mut requests = Requests::new(RequestLimits::from(&Timing::default()));
    let frame = Bytes::from_static(b"{}");
    for other in 0..others {
        let req_id = format!("send_{other:016x}");
        requests
            .submit(&req_id, RequestKind::Send, frame.clone(), ())
            .expect("there is room");
        requests.poll_transmit(now);
    }
    bencher.bench_local(|| {
        let taken = requests.submit("send_one_more", RequestKind::Send, frame.clone(), ());
        taken.expect("there is room");
        (
            requests.poll_transmit(now),
            requests.handle_ack("send_one_more", now),
        )
    });
}
