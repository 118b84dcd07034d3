//! The platform's settings.

use super::*;

/// S10: the configuration in a pong is applied, as that of the bootstrap is.
#[test]
fn the_platforms_settings_are_applied_and_what_is_not_is_told() {
    let now = Instant::now();
    let mut link = link();
    link.handle_desired(Desired::Run, now);
    link.handle_permitted(Generation(1), now);
    let hostile = ClientConfig {
        ping_interval: Some(0),
        reconnect_nonce: Some(3),
        ..ClientConfig::default()
    };
    let ignored = link.handle_bootstrapped(Generation(1), Some(&hostile), now);
    assert_eq!(
        ignored,
        [IgnoredSetting {
            key: "PingInterval",
            value: 0
        }]
    );
    assert_eq!(link.settings().ping_interval, secs(120));
    assert_eq!(link.settings().reconnect_nonce, secs(3));
    link.handle_opened(Generation(1), now);
    let better = ClientConfig {
        ping_interval: Some(90),
        ..ClientConfig::default()
    };
    assert_eq!(link.handle_pong(Generation(1), Some(&better), now), []);
    assert_eq!(link.settings().ping_interval, secs(90));
    let old = ClientConfig {
        ping_interval: Some(7),
        ..ClientConfig::default()
    };
    link.handle_pong(Generation(0), Some(&old), now);
    assert_eq!(
        link.settings().ping_interval,
        secs(90),
        "news of an older one"
    );
}

/// Only the operator knows the middleboxes that drop a connection after a minute of silence.
#[test]
fn the_shorter_ping_interval_holds() {
    for (operators, platforms, holds) in [
        (120, None, 120),
        (120, Some(90), 90),
        (60, Some(90), 60),
        (60, Some(120), 60),
        (60, Some(30), 30),
        (60, Some(0), 60),
        (120, Some(300), 120),
    ] {
        let timing = Timing {
            ping_interval: secs(operators),
            ..Timing::default()
        };
        let config = ClientConfig {
            ping_interval: platforms,
            ..ClientConfig::default()
        };
        let now = Instant::now();
        let mut link = Link::new(timing, 1);
        assert_eq!(link.ping_interval(), secs(operators));
        link.handle_desired(Desired::Run, now);
        let generation = link.generation();
        link.handle_permitted(generation, now);
        link.handle_bootstrapped(generation, Some(&config), now);
        let case = format!("{operators} s and {platforms:?}");
        assert_eq!(link.ping_interval(), secs(holds), "{case}");
        // Every pong has it again.
        link.handle_opened(generation, now);
        link.handle_pong(generation, Some(&config), now);
        assert_eq!(link.ping_interval(), secs(holds), "{case}");
    }
}
