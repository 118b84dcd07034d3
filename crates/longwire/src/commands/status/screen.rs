//! The status for people. It fits one screen, however many bots are not live.

use longwire_admin::document::{
    ConsumersStatus, InstallationsStatus, NotLiveGroupDocument, StatusDocument, StoreStatus,
    TroubledConsumer,
};
use longwire_api::Timestamp;
use longwire_language::{said, word};
use longwire_terminal::{Ink, Palette, escaped, grouped, padded};

use crate::moment;

/// Reasons that are shown, with three lines each.
const REASONS: usize = 5;
/// Names that are shown of one reason.
const NAMES: usize = 5;
/// Consumers that are named.
const CONSUMERS: usize = 2;

/// All of it.
pub(super) fn screen(status: &StatusDocument, palette: Palette) -> String {
    let mut screen = Screen {
        text: String::new(),
        palette,
    };
    screen.process(status);
    screen.bots(&status.installations);
    screen.store(&status.store);
    screen.consumers(&status.consumers);
    let connections = status.relay.connections;
    if connections > 0 {
        screen.line("relay", &format!("{connections} connections of SDKs"));
    }
    screen.text
}

struct Screen {
    text: String,
    palette: Palette,
}

impl Screen {
    fn line(&mut self, key: &str, value: &str) {
        self.text
            .push_str(&format!("{} {}\n", padded(word(key), 10), said(value)));
    }

    /// A line that belongs to the one above.
    fn beneath(&mut self, text: &str) {
        self.text.push_str(&format!("    {}\n", said(text)));
    }

    fn process(&mut self, status: &StatusDocument) {
        let up = moment::lasting(status.now.unix_ms - status.started.unix_ms);
        let since = moment::iso(status.started);
        let version = escaped(&status.version);
        let mut text = format!("{version}, up {up} since {since}");
        if status.draining {
            text.push_str(", about to end");
        }
        self.line("longwire", &text);
    }

    fn bots(&mut self, bots: &InstallationsStatus) {
        let ink = match bots.not_live {
            0 => Ink::Green,
            _ => Ink::Red,
        };
        let connected = bots.live + bots.webhook;
        let live = format!("{} of {} live", grouped(connected), grouped(bots.wanted));
        let mut text = self.palette.paint(ink, said(&live));
        for (count, what) in [
            (bots.not_live, said("not live")),
            (bots.webhook, said("of the live ones by webhook")),
            (bots.overloaded, word("overloaded").into()),
            (bots.stopped, word("stopped").into()),
        ] {
            if count > 0 {
                text.push_str(&format!(", {} {what}", grouped(count)));
            }
        }
        self.line("bots", &text);
        for group in bots.groups.iter().take(REASONS) {
            self.group(group);
        }
        let hidden: u64 = bots
            .groups
            .iter()
            .skip(REASONS)
            .map(|group| group.count)
            .sum();
        if hidden > 0 {
            let hidden = grouped(hidden);
            self.beneath(&format!(
                "and {hidden} for other reasons: longwire installations list --not-live"
            ));
        }
    }

    /// The bots that are not live for one reason: who, why, and what to do.
    fn group(&mut self, group: &NotLiveGroupDocument) {
        let ink = match &*group.state {
            "refused" | "displaced" | "restarting" => Ink::Red,
            _ => Ink::Yellow,
        };
        let state = self.palette.paint(ink, escaped(word(&group.state)));
        let names = names(group);
        self.text.push_str(&format!("  {state}  {names}\n"));
        let mut why = match &group.reason_text {
            Some(reason) => format!("{}; ", escaped(reason)),
            None => String::new(),
        };
        why.push_str(&times(group));
        self.beneath(&why);
        if let Some(next_step) = &group.next_step {
            self.beneath(&format!("→ {}", escaped(next_step)));
        }
    }

    fn store(&mut self, store: &StoreStatus) {
        let ink = match &*store.state {
            "ok" => Ink::Green,
            _ => Ink::Red,
        };
        let mut text = self.palette.paint(ink, escaped(word(&store.state)));
        if let (Some(since), Some(detail)) = (store.since, &store.detail) {
            let (since, detail) = (moment::iso(since), escaped(detail));
            text.push_str(&format!(" since {since}: {detail}"));
        }
        text.push_str(&format!(", {}", size(store.bytes)));
        if let Some(free) = store.free_bytes {
            text.push_str(&format!(", {} {}", size(free), word("free")));
        }
        if let Some(last) = store.last_commit {
            text.push_str(&said(&format!(", last commit at {}", moment::iso(last))));
        }
        self.line("store", &text);
        if let Some(next_step) = &store.next_step {
            self.beneath(&format!("→ {}", escaped(next_step)));
        }
    }

    fn consumers(&mut self, consumers: &ConsumersStatus) {
        let mut counts: Vec<String> = consumers
            .by_state
            .iter()
            .map(|(state, count)| format!("{count} {}", escaped(word(state))))
            .collect();
        if consumers.behind > 0 {
            counts.push(format!("{} behind", consumers.behind));
        }
        let text = match counts.is_empty() {
            true => word("none").to_owned(),
            false => counts.join(", "),
        };
        self.line("consumers", &text);
        for consumer in consumers.troubled.iter().take(CONSUMERS) {
            self.consumer(consumer);
        }
    }

    fn consumer(&mut self, consumer: &TroubledConsumer) {
        let (name, state) = (escaped(&consumer.name), escaped(word(&consumer.state)));
        let since = moment::iso(consumer.since);
        let mut text = match &*consumer.state {
            "active" => format!("{name} is {} behind", moment::lasting(lag_ms(consumer))),
            _ => format!("{name} {state} since {since}"),
        };
        if let Some(reason) = &consumer.reason {
            text.push_str(&format!(": {}", escaped(reason)));
        }
        text.push_str(&said(&format!(
            "; {} events behind",
            grouped(consumer.lag_events)
        )));
        if let Some(next_try) = consumer.next_try {
            text.push_str(&format!(", next try at {}", moment::iso(next_try)));
        }
        self.beneath(&text);
    }
}

fn lag_ms(consumer: &TroubledConsumer) -> i64 {
    i64::try_from(consumer.lag_s).map_or(i64::MAX, |s| s.saturating_mul(1_000))
}

/// The first names, and how many more there are and how they are listed.
fn names(group: &NotLiveGroupDocument) -> String {
    let shown = group.installations.iter().take(NAMES);
    let names: Vec<String> = shown.map(|bot| escaped(&bot.name).to_string()).collect();
    let more = group.count.saturating_sub(names.len() as u64);
    let mut text = names.join(", ");
    if more > 0 {
        let (more, state) = (grouped(more), escaped(&group.state));
        text.push_str(&said(&format!(
            " and {more} more: longwire installations list --not-live --state {state}"
        )));
    }
    text
}

/// Since when, and when the next attempt is.
fn times(group: &NotLiveGroupDocument) -> String {
    let next = |until: Timestamp| moment::iso(until);
    let since = moment::iso(group.since);
    match (group.count, group.until) {
        (1, None) => format!("since {since}"),
        (1, Some(until)) => format!("since {since}, next try at {}", next(until)),
        (_, None) => format!("the first since {since}"),
        (_, Some(until)) => format!("the first since {since}, the next try at {}", next(until)),
    }
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1 << 10 {
        return format!("{bytes} bytes");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use longwire_admin::document::{NotLiveDocument, RelayStatus};

    use super::*;

    const AT: Timestamp = Timestamp {
        unix_ms: 1_700_000_000_000,
    };

    fn group(state: &'static str, reason: &str, count: u64) -> NotLiveGroupDocument {
        let shown = count.min(10);
        NotLiveGroupDocument {
            state: state.into(),
            reason: Some(reason.to_owned()),
            reason_text: Some(format!("because of {reason}")),
            next_step: Some(format!("mend {reason}")),
            count,
            since: AT,
            until: Some(Timestamp::of_ms(AT.unix_ms + 60_000)),
            installations: (0..shown)
                .map(|at| NotLiveDocument {
                    id: format!("ins_{at}"),
                    name: format!("{reason}-{at}"),
                    since: AT,
                    until: None,
                    reason_text: None,
                })
                .collect(),
        }
    }

    fn status(groups: Vec<NotLiveGroupDocument>, wanted: u64) -> StatusDocument {
        let not_live = groups.iter().map(|group| group.count).sum();
        let consumer = |name: &str, state: &'static str| TroubledConsumer {
            name: name.to_owned(),
            space: "default".to_owned(),
            state: state.into(),
            since: AT,
            reason: Some("the endpoint answers 500".to_owned()),
            lag_events: 1_204,
            lag_s: 90,
            next_try: Some(AT),
        };
        StatusDocument {
            version: "1.0.0".to_owned(),
            started: AT,
            now: Timestamp::of_ms(AT.unix_ms + 3_725_000),
            draining: false,
            installations: InstallationsStatus {
                wanted,
                live: wanted - not_live,
                webhook: 0,
                not_live,
                stopped: 12,
                overloaded: 0,
                groups,
            },
            store: StoreStatus {
                state: "degraded".into(),
                cause: Some("disk_full".into()),
                detail: Some("database or disk is full".to_owned()),
                next_step: Some("make room".into()),
                since: Some(AT),
                last_commit: Some(AT),
                bytes: 1_300_000_000,
                free_bytes: Some(0),
                queue: 0,
            },
            consumers: ConsumersStatus {
                total: 9,
                by_state: BTreeMap::from([("active".into(), 5), ("failing".into(), 4)]),
                behind: 1,
                troubled: (0..10)
                    .map(|at| consumer(&format!("shop-{at}"), "failing"))
                    .collect(),
            },
            relay: RelayStatus { connections: 4 },
        }
    }

    fn plain(status: &StatusDocument) -> String {
        screen(status, Palette::plain())
    }

    #[test]
    fn three_bots_are_named_with_their_causes() {
        let groups = vec![
            group("refused", "bad_secret", 1),
            group("displaced", "displaced", 1),
            group("backing_off", "network", 1),
        ];
        let text = plain(&status(groups, 400));
        for words in [
            "longwire   1.0.0, up 1h 2m since 2023-11-14T22:13:20Z\n",
            "bots       397 of 400 live, 3 not live, 12 stopped\n",
            "  refused  bad_secret-0\n    because of bad_secret; since 2023-11-14T22:13:20Z, next try at 2023-11-14T22:14:20Z\n    → mend bad_secret\n",
            "  displaced  displaced-0\n",
            "  backing_off  network-0\n",
            "store      degraded since 2023-11-14T22:13:20Z: database or disk is full, 1.2 GiB, 0 bytes free, last commit at 2023-11-14T22:13:20Z\n    → make room\n",
            "consumers  5 active, 4 failing, 1 behind\n    shop-0 failing since 2023-11-14T22:13:20Z: the endpoint answers 500; 1 204 events behind, next try at 2023-11-14T22:13:20Z\n",
            "relay      4 connections of SDKs\n",
        ] {
            assert!(text.contains(words), "no {words:?} in\n{text}");
        }
    }

    #[test]
    fn three_thousand_fit_one_screen_and_say_how_the_others_are_listed() {
        let reasons = ["a", "b", "c", "d", "e", "f", "g"];
        let groups = reasons
            .map(|reason| group("backing_off", reason, 500))
            .into();
        let text = plain(&status(groups, 10_000));
        // The height of a terminal that nobody made larger.
        assert!(text.lines().count() <= 24, "{text}");
        for words in [
            "6 500 of 10 000 live, 3 500 not live",
            "a-0, a-1, a-2, a-3, a-4 and 495 more: longwire installations list --not-live --state backing_off",
            "and 1 000 for other reasons: longwire installations list --not-live",
        ] {
            assert!(text.contains(words), "no {words:?} in\n{text}");
        }
    }

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (1_023, "1023 bytes"),
            (1_024, "1.0 KiB"),
            (1 << 40, "1.0 TiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
