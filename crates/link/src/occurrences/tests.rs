use super::*;
use crate::setback::Setback;
use crate::state::State;
use proptest::prelude::*;

const LIMITS: OccurrenceLimits = OccurrenceLimits {
    one_by_one: 10,
    span: Duration::from_secs(60),
    settle: Duration::from_secs(10),
    waiting: 256,
};

const REFUSED: BotCondition = BotCondition::InTrouble(BotTrouble::Refused, "auth_failed");
const DEAF: BotCondition = BotCondition::InTrouble(BotTrouble::Deaf, "unreachable");

/// The machine under a clock of its own, with a store that records at once.
struct Bench {
    occurrences: Occurrences,
    begun: Instant,
    passed: Duration,
}

impl Bench {
    fn new() -> Self {
        Self {
            occurrences: Occurrences::new(LIMITS),
            begun: Instant::now(),
            passed: Duration::ZERO,
        }
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.passed.as_millis()).expect("a short test")
    }

    fn bot(&mut self, bot: i64, condition: BotCondition) {
        let (now, now_ms) = (self.begun + self.passed, self.now_ms());
        let text = || format!("bot {bot}");
        let bot = InstallationId(bot);
        (self.occurrences).handle_bot(bot, condition, now_ms, now, text);
    }

    fn store(&mut self, reason: Option<&'static str>) {
        let (now, now_ms) = (self.begun + self.passed, self.now_ms());
        let condition = match reason {
            None => StoreCondition::Recording,
            Some(reason) => StoreCondition::Degraded {
                since_ms: now_ms,
                reason,
                text: "not recorded".to_owned(),
            },
        };
        self.occurrences.handle_store(condition, now, now_ms);
    }

    fn pass(&mut self, length: Duration) {
        self.passed += length;
        let (now, now_ms) = (self.begun + self.passed, self.now_ms());
        self.occurrences.handle_timeout(now, now_ms);
    }

    /// Everything that waits, recorded.
    fn record(&mut self) -> Vec<Occurrence> {
        let mut recorded = Vec::new();
        while let Some(occurrence) = self.occurrences.poll() {
            self.occurrences.handle_recorded(occurrence.number);
            recorded.push(occurrence);
        }
        recorded
    }

    fn kinds(&mut self) -> Vec<(OccurrenceKind, Option<i64>)> {
        let recorded = self.record();
        let kinds = recorded
            .iter()
            .map(|told| (told.kind, told.installation.map(|bot| bot.0)));
        kinds.collect()
    }
}

#[test]
fn a_trouble_is_told_once_and_live_only_after_it() {
    let mut bench = Bench::new();
    bench.bot(1, BotCondition::Connecting);
    bench.bot(1, BotCondition::Live);
    assert_eq!(bench.kinds(), []);
    for condition in [REFUSED, REFUSED, BotCondition::Connecting, REFUSED] {
        bench.bot(1, condition);
    }
    assert_eq!(bench.kinds(), [(OccurrenceKind::Refused, Some(1))]);
    bench.bot(1, BotCondition::Live);
    bench.bot(1, BotCondition::Live);
    assert_eq!(bench.kinds(), [(OccurrenceKind::Live, Some(1))]);
    // Another trouble is told though the first is not over; a stop is an operator's will and ends it in silence.
    bench.bot(1, REFUSED);
    bench.bot(1, DEAF);
    bench.bot(1, BotCondition::Stopped);
    bench.bot(1, BotCondition::Live);
    let told = [
        (OccurrenceKind::Refused, Some(1)),
        (OccurrenceKind::Deaf, Some(1)),
    ];
    assert_eq!(bench.kinds(), told);
}

#[test]
fn ten_thousand_bots_are_told_in_a_dozen_events() {
    let mut bench = Bench::new();
    for (condition, kind) in [
        (DEAF, OccurrenceKind::Deaf),
        (BotCondition::Live, OccurrenceKind::Live),
    ] {
        for bot in 0..10_000 {
            bench.bot(bot, condition);
        }
        let alone = bench.record();
        assert_eq!(alone.len(), 10);
        assert!(alone.iter().all(|told| told.installation.is_some()));
        bench.pass(LIMITS.span);
        let together = bench.record();
        let [together] = &together[..] else {
            panic!("{together:?}")
        };
        assert_eq!((together.kind, together.installation), (kind, None));
        assert_eq!(together.installations, Some(9_990));
        assert!(
            together.detail.starts_with("9990 more bots"),
            "{together:?}"
        );
        // The next span begins anew once nobody joins.
        bench.pass(LIMITS.span);
        assert_eq!(bench.record(), []);
    }
    assert_eq!(bench.occurrences.dropped(), 0);
}

#[test]
fn the_store_is_told_in_order_with_its_own_times() {
    let mut bench = Bench::new();
    bench.passed = Duration::from_secs(5);
    bench.store(Some("disk_full"));
    // It takes nothing now.
    let degraded = bench.occurrences.poll().expect("it is told");
    bench.bot(1, REFUSED);
    assert_eq!(bench.occurrences.poll(), None);
    bench.occurrences.handle_refused(degraded.number);
    bench.passed = Duration::from_secs(47);
    bench.store(None);
    bench.passed = Duration::from_secs(50);
    // Back in trouble at once: the same trouble.
    bench.store(Some("locked"));
    bench.passed = Duration::from_secs(60);
    bench.store(None);
    bench.passed = Duration::from_secs(70);
    bench.store(None);
    let told = bench.record();
    let told: Vec<_> = told
        .iter()
        .map(|told| (told.kind, told.at_ms, told.reason, &*told.detail))
        .collect();
    let again = "Events are recorded again, after 55 s.";
    assert_eq!(
        told,
        [
            (OccurrenceKind::Degraded, 5_000, "disk_full", "not recorded"),
            (OccurrenceKind::Refused, 5_000, "auth_failed", "bot 1"),
            (OccurrenceKind::Recovered, 60_000, "disk_full", again),
        ]
    );
}

#[test]
fn what_waits_is_bounded_and_the_newest_of_a_subject() {
    let mut bench = Bench::new();
    bench.store(Some("disk_full"));
    for _ in 0..1_000 {
        bench.bot(1, REFUSED);
        bench.bot(1, BotCondition::Live);
        bench.pass(LIMITS.span);
    }
    let told = [
        (OccurrenceKind::Degraded, None),
        (OccurrenceKind::Refused, Some(1)),
        (OccurrenceKind::Live, Some(1)),
    ];
    assert_eq!(bench.kinds(), told);
    for bot in 0..1_000 {
        bench.bot(bot, REFUSED);
        bench.pass(LIMITS.span);
    }
    assert_eq!(bench.occurrences.waiting(), LIMITS.waiting);
    assert_eq!(bench.occurrences.dropped(), 1_000 - 256);
    assert_eq!(
        bench.record().last().map(|told| told.installation),
        Some(Some(InstallationId(999)))
    );
}

#[test]
fn a_refused_one_waits_unless_a_newer_one_replaces_it() {
    let mut bench = Bench::new();
    bench.bot(1, REFUSED);
    let first = bench.occurrences.poll().expect("it is told");
    bench.occurrences.handle_refused(first.number);
    let again = bench.occurrences.poll().expect("it waits");
    assert_eq!(again, first);
    bench.bot(1, BotCondition::Live);
    bench.bot(1, REFUSED);
    bench.occurrences.handle_refused(again.number);
    let told = [
        (OccurrenceKind::Live, Some(1)),
        (OccurrenceKind::Refused, Some(1)),
    ];
    assert_eq!(bench.kinds(), told);
}

#[test]
fn what_each_state_is_for_those_who_are_told() {
    let until = Instant::now();
    let backing_off = State::BackingOff {
        until,
        attempt: 1,
        reason: Setback::Unreachable,
    };
    let refused = State::Refused {
        until,
        reason: Setback::AuthFailed,
    };
    let displaced = State::Displaced {
        since: until,
        until: None,
    };
    let live = State::Live { since: until };
    let trouble = BotCondition::InTrouble;
    for (state, failures, expected) in [
        (State::Stopped, 0, BotCondition::Stopped),
        (State::Queued, 9, BotCondition::Connecting),
        (live, 0, BotCondition::Live),
        (live, 5, BotCondition::Connecting),
        (backing_off, 4, BotCondition::Connecting),
        (backing_off, 5, DEAF),
        (refused, 1, REFUSED),
        (displaced, 0, trouble(BotTrouble::Displaced, "displaced")),
        (
            State::Restarting { until },
            0,
            trouble(BotTrouble::Deaf, "fails"),
        ),
    ] {
        let condition = BotCondition::of(&state, failures, "fails");
        assert_eq!(condition, expected, "{state:?}");
        let expected = match expected {
            BotCondition::Live => trouble(BotTrouble::Deaf, "never_heard_an_event"),
            other => other,
        };
        assert_eq!(condition.or_never_heard(true), expected, "{state:?}");
        assert_eq!(condition.or_never_heard(false), condition, "{state:?}");
    }
}

/// Something that happens to bots, the store or the list.
#[derive(Clone, Debug)]
enum Step {
    Bot(i64, BotCondition),
    Store(bool),
    Pass(u64),
    Poll,
    Answer(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let condition = prop_oneof![
        Just(BotCondition::Connecting),
        Just(BotCondition::Live),
        Just(BotCondition::Stopped),
        Just(REFUSED),
        Just(DEAF),
    ];
    prop_oneof![
        4 => (0..40_i64, condition).prop_map(|(bot, condition)| Step::Bot(bot, condition)),
        1 => any::<bool>().prop_map(Step::Store),
        1 => (0..30_u64).prop_map(Step::Pass),
        2 => Just(Step::Poll),
        2 => any::<bool>().prop_map(Step::Answer),
    ]
}

proptest! {
    /// Whatever happens: the list is bounded, numbers rise, the store's events alternate, and no more is told than the
    /// spans allow.
    #[test]
    fn no_order_of_troubles_floods_the_log(steps in prop::collection::vec(step(), 1..400)) {
        let mut bench = Bench::new();
        let (mut given, mut recorded) = (None, Vec::<Occurrence>::new());
        for step in steps {
            match step {
                Step::Bot(bot, condition) => bench.bot(bot, condition),
                Step::Store(is_recording) => bench.store((!is_recording).then_some("io")),
                Step::Pass(seconds) => bench.pass(Duration::from_secs(seconds)),
                Step::Poll => if let Some(occurrence) = bench.occurrences.poll() {
                    prop_assert!(given.replace(occurrence).is_none(), "one at a time");
                },
                Step::Answer(is_recorded) => match given.take() {
                    Some(occurrence) if is_recorded => {
                        bench.occurrences.handle_recorded(occurrence.number);
                        recorded.push(occurrence);
                    }
                    Some(occurrence) => bench.occurrences.handle_refused(occurrence.number),
                    None => {}
                },
            }
            prop_assert!(bench.occurrences.waiting() <= LIMITS.waiting);
        }
        if let Some(occurrence) = given.take() {
            bench.occurrences.handle_refused(occurrence.number);
        }
        recorded.extend(bench.record());
        prop_assert!(recorded.is_sorted_by(|one, next| one.number < next.number));
        let of_store: Vec<_> = recorded
            .iter()
            .filter(|told| matches!(told.kind, OccurrenceKind::Degraded | OccurrenceKind::Recovered))
            .map(|told| told.kind)
            .collect();
        for (place, kind) in of_store.iter().enumerate() {
            let expected = [OccurrenceKind::Degraded, OccurrenceKind::Recovered][place % 2];
            prop_assert_eq!(*kind, expected);
        }
        // Each kind of bots has one reason here: ten alone and one together per span that began, or less.
        let spans = usize::try_from(bench.passed.as_secs() / 60 + 1).expect("small");
        for kind in [OccurrenceKind::Refused, OccurrenceKind::Deaf, OccurrenceKind::Live] {
            let told = recorded.iter().filter(|told| told.kind == kind).count();
            prop_assert!(told <= spans * 11, "{told} of {kind:?} in {spans} spans");
        }
    }
}
