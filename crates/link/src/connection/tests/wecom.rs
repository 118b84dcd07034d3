//! A bot of WeCom: it has one connection, and WeCom limits how often it subscribes.

use longwire_installation::TakeBack;

use super::*;

pub(super) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn take_back(after: Duration, per_day: u32) -> TakeBack {
    TakeBack::new(after, per_day).expect("within the bounds")
}

pub(super) fn link(seed: u64) -> Link {
    Link::new(Timing::default().for_wecom(), seed)
}

/// Carries out the link's actions without delay, up to the subscription, and returns the dial under way, if any.
pub(super) fn carry_out(link: &mut Link, now: Instant) -> Option<Generation> {
    let mut dialing = None;
    while let Some(action) = link.poll_action() {
        match action {
            Action::RequestPermit(generation) => link.handle_permitted(generation, now),
            // WeCom has no bootstrap.
            Action::Bootstrap(generation) => {
                link.handle_bootstrapped(generation, None, now);
            }
            Action::Dial(generation) => dialing = Some(generation),
            Action::RecordTakeBack(generation) => link.handle_take_back_recorded(generation, now),
            Action::RecordDisplaced | Action::RenewalEnded(..) | Action::Close(..) => {}
        }
    }
    dialing
}

/// From the start to a live connection that has answered a ping.
pub(super) fn open(link: &mut Link, now: Instant) -> Generation {
    link.handle_desired(Desired::Run, now);
    subscribe(link, now).expect("a stopped one dials at once")
}

pub(super) fn subscribe(link: &mut Link, now: Instant) -> Option<Generation> {
    let generation = carry_out(link, now)?;
    link.handle_opened(generation, now);
    link.handle_pong(generation, None, now);
    assert_eq!(*link.state(), State::Live { since: now });
    Some(generation)
}

/// Lets an attempt be refused and returns how long the link waits then.
fn refused(link: &mut Link, setback: Setback, now: Instant) -> Duration {
    let generation = carry_out(link, now).expect("an attempt is under way");
    link.handle_setback(generation, setback, now);
    assert_eq!(carry_out(link, now), None);
    link.poll_timeout().expect("it tries again") - now
}

/// 45009, which other clients take for wrong credentials.
#[test]
fn too_many_subscriptions_wait_from_a_minute_to_a_quarter_of_an_hour() {
    for seed in 0..50 {
        let mut now = Instant::now();
        let mut link = link(seed);
        link.handle_desired(Desired::Run, now);
        for step in [60, 120, 240, 480, 900, 900, 900] {
            let wait = refused(&mut link, Setback::of_subscribe(Some(45_009)), now);
            assert!((secs(step)..secs(step) * 5 / 4).contains(&wait), "{wait:?}");
            now += wait;
            link.handle_timeout(now);
        }
    }
}

/// A subscription and a pong do not make a connection stable: programs that displace each other have both.
#[test]
fn the_backoff_starts_over_after_a_minute_of_life() {
    for (life, starts_over) in [(secs(1), false), (secs(59), false), (secs(60), true)] {
        let mut now = Instant::now();
        let mut link = link(7);
        open(&mut link, now);
        for loss in 1..10 {
            now += life;
            link.handle_setback(link.generation(), Setback::Reset, now);
            let State::BackingOff { until, attempt, .. } = *link.state() else {
                panic!("{:?}", link.state());
            };
            assert_eq!(attempt, if starts_over { 1 } else { loss }, "{life:?}");
            if attempt == 1 {
                assert!(until - now < secs(1), "the first delay is below a second");
            }
            assert!(until - now < secs(60));
            now = until;
            link.handle_timeout(now);
            subscribe(&mut link, now).expect("it dials");
        }
    }
}

/// A clean close is followed by another connection; two of three SDKs never connect again.
#[test]
fn a_clean_close_is_followed_by_another_connection() {
    for code in [1000, 1001] {
        let mut now = Instant::now();
        let mut link = link(7);
        open(&mut link, now);
        now += HOUR;
        let close = Setback::ClosedByPlatform { code: Some(code) };
        link.handle_setback(link.generation(), close, now);
        let due = link.poll_timeout().expect("it comes back");
        assert!(due - now < secs(1));
        link.handle_timeout(due);
        assert!(subscribe(&mut link, due).is_some());
    }
}

/// A dial includes the subscription, and both have a deadline.
#[test]
fn a_subscription_has_its_place_in_the_deadline_of_the_dial() {
    let now = Instant::now();
    let mut link = link(7);
    link.handle_desired(Desired::Run, now);
    carry_out(&mut link, now).expect("it dials");
    assert_eq!(link.poll_timeout(), Some(now + secs(10 + 10 + 2)));
}

/// P2: whatever fails, and however often, the attempts go on for a day.
#[test]
fn it_never_gives_up() {
    let passing = [
        Setback::Unreachable,
        Setback::SubscribeTimedOut,
        Setback::SubscribeFailed { code: Some(-1) },
        Setback::HandshakeTimedOut,
        Setback::NotSubscribed,
        Setback::SubscribeLimited,
        Setback::TlsFailed(crate::setback::TlsFault::Other),
    ];
    let wrong = [Setback::CredentialsRefused { code: 853_000 }];
    for (setbacks, attempts, longest) in [
        (&passing[..5], 1440..4500, secs(60)),
        (&passing[..], 200..4500, secs(1125)),
        (&wrong[..], 24..30, secs(3960)),
    ] {
        for seed in 0..20 {
            let start = Instant::now();
            let mut link = link(seed);
            link.handle_desired(Desired::Run, start);
            let (mut now, mut count) = (start, 0);
            for setback in setbacks.iter().cycle() {
                if now >= start + DAY {
                    break;
                }
                let wait = refused(&mut link, *setback, now);
                assert!(wait < longest, "{wait:?} after {setback:?}");
                now += wait;
                count += 1;
                link.handle_timeout(now);
            }
            assert!(attempts.contains(&count), "{count} attempts, seed {seed}");
            assert!(subscribe(&mut link, now).is_some(), "and then it works");
        }
    }
}
