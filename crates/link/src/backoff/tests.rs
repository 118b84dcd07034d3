//! The delays of a backoff, over many seeds.

use super::*;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The highest of many delays of the `nth` setback of a series, over many seeds.
fn highest(nth: usize, pace: RetryPace, config: &ConnectionSettings) -> Duration {
    let now = Instant::now();
    let delays = (0..500).map(|seed| {
        let mut backoff = Backoff::new(Timing::default(), seed);
        (0..nth).for_each(|_| {
            backoff.delay(pace, config, now);
        });
        backoff.delay(pace, config, now)
    });
    delays.max().expect("many seeds")
}

/// S47, S91: the nonce first, then 1, 2, 4 … to the ceiling, each random below its step.
#[test]
fn steps_grow_to_the_ceiling() {
    let config = ConnectionSettings::default();
    for (nth, step) in [30, 1, 2, 4, 8, 16, 32, 60, 60, 60].into_iter().enumerate() {
        let highest = highest(nth, RetryPace::Normal, &config);
        assert!(highest < secs(step), "{nth}: {highest:?}");
        assert!(highest > secs(step) * 9 / 10, "{nth}: {highest:?}");
    }
}

#[test]
fn the_platforms_interval_is_the_ceiling_within_bounds() {
    for (interval, ceiling) in [(1, 1), (5, 5), (60, 60), (90, 60), (86_400, 60)] {
        let config = ConnectionSettings {
            reconnect_interval: secs(interval),
            ..ConnectionSettings::default()
        };
        let highest = highest(20, RetryPace::Normal, &config);
        assert!(highest < secs(ceiling) && highest > secs(ceiling) * 9 / 10);
    }
}

#[test]
fn a_lowered_ceiling_holds_at_once() {
    let now = Instant::now();
    let mut backoff = Backoff::new(Timing::default(), 1);
    let mut config = ConnectionSettings::default();
    for _ in 0..10 {
        backoff.delay(RetryPace::Normal, &config, now);
    }
    config.reconnect_interval = secs(2);
    for _ in 0..100 {
        assert!(backoff.delay(RetryPace::Normal, &config, now) < secs(2));
    }
}

#[test]
fn no_nonce_means_no_first_delay_and_a_huge_one_is_capped() {
    let mut config = ConnectionSettings {
        reconnect_nonce: Duration::ZERO,
        ..ConnectionSettings::default()
    };
    assert_eq!(highest(0, RetryPace::Normal, &config), Duration::ZERO);
    assert!(highest(1, RetryPace::Normal, &config) > Duration::ZERO);
    config.reconnect_nonce = secs(86_400);
    assert!(highest(0, RetryPace::Normal, &config) < secs(300));
}

#[test]
fn slow_paces_stay_in_their_bands() {
    let now = Instant::now();
    let config = ConnectionSettings::default();
    let mut backoff = Backoff::new(Timing::default(), 5);
    for base in [60, 120, 240, 480, 900, 900] {
        let limited = backoff.delay(RetryPace::Limited, &config, now);
        assert!(
            limited >= secs(base) && limited < secs(base) * 5 / 4,
            "{limited:?}"
        );
        let busy = backoff.delay(RetryPace::Busy, &config, now);
        assert!(busy >= secs(30) && busy < secs(30) * 5 / 4, "{busy:?}");
    }
    backoff.start_over();
    assert!(backoff.delay(RetryPace::Limited, &config, now) < secs(75));
}

/// The probes of a series of refusals: soon at first, hourly once the refusal has repeated.
#[test]
fn a_refusal_is_believed_when_it_repeats() {
    let check = |backoff: &mut Backoff, first, bases: &[u64]| {
        for base in bases {
            let probe = backoff.probe_delay(first);
            assert!(
                probe >= secs(*base) && probe < secs(*base) * 11 / 10,
                "{base} s: {probe:?}"
            );
        }
    };
    let plain = [60, 120, 300, 900, 3600, 3600, 3600];
    let mut backoff = Backoff::new(Timing::default(), 5);
    check(&mut backoff, FirstProbe::Usual, &plain);
    assert_eq!(backoff.attempts(), 7);
    backoff.start_over();
    check(&mut backoff, FirstProbe::Early, &[10]);
    check(&mut backoff, FirstProbe::Early, &plain);
    // WeCom limits subscriptions, so the early probe is no earlier there.
    let mut wecom = Backoff::new(Timing::default().for_wecom(), 5);
    check(
        &mut wecom,
        FirstProbe::Early,
        &[60, 60, 120, 300, 900, 3600],
    );
    // Settings of an operator bound everything.
    let quick = Timing {
        refused_base: secs(5),
        refused_probe: secs(20),
        ..Timing::default()
    };
    let mut backoff = Backoff::new(quick, 5);
    check(&mut backoff, FirstProbe::Early, &[5, 5, 10, 20, 20, 20]);
}

#[test]
fn an_orderly_close_counts_no_failure() {
    let mut backoff = Backoff::new(Timing::default(), 5);
    let config = ConnectionSettings::default();
    assert!(backoff.delay(RetryPace::Clean, &config, Instant::now()) < secs(30));
    assert_eq!(backoff.attempts(), 0);
}

/// P2: the crate's default would fall silent after fifteen minutes.
#[test]
fn it_never_gives_up() {
    let mut now = Instant::now();
    let mut backoff = Backoff::new(Timing::default(), 9);
    let config = ConnectionSettings::default();
    for _ in 0..10_000 {
        let delay = backoff.delay(RetryPace::Normal, &config, now);
        assert!(delay < secs(60));
        now += delay;
    }
    assert_eq!(backoff.attempts(), 10_000);
}

#[test]
fn equal_seeds_give_equal_delays() {
    let delays = |seed| {
        let now = Instant::now();
        let mut backoff = Backoff::new(Timing::default(), seed);
        let config = ConnectionSettings::default();
        (0..20)
            .map(|_| backoff.delay(RetryPace::Normal, &config, now))
            .collect::<Vec<_>>()
    };
    assert_eq!(delays(1), delays(1));
    assert_ne!(delays(1), delays(2));
}
