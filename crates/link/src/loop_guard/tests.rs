use super::*;
use proptest::prelude::*;

const BOT: InstallationId = InstallationId(1);
const SECOND: Duration = Duration::from_secs(1);

/// The verdicts of replies at these seconds, in one chat: `.` for allowed, `!` for the one that begins a pause, `-` for one
/// within it. Negative seconds are replies to people.
fn verdicts(seconds: &[i64]) -> String {
    let mut guard = LoopGuard::new(LoopLimits::default());
    let start = Instant::now();
    let verdict = |second: &i64| {
        let answered = if *second < 0 {
            AnsweredSender::Human
        } else {
            AnsweredSender::Other
        };
        let now = start + SECOND * u32::try_from(second.unsigned_abs()).expect("a small number");
        match guard.admit(BOT, "oc_1", answered, now) {
            LoopVerdict::Allowed => '.',
            LoopVerdict::Paused { is_first: true, .. } => '!',
            LoopVerdict::Paused {
                is_first: false, ..
            } => '-',
        }
    };
    seconds.iter().map(verdict).collect()
}

#[test]
fn ten_a_minute_are_allowed_and_the_next_begins_a_pause() {
    let check = |seconds: &[i64], expected| assert_eq!(verdicts(seconds), expected, "{seconds:?}");
    check(&[1; 10], "..........");
    check(&[1; 12], "..........!-");
    // Spread evenly, ten fit into every minute.
    check(
        &[1, 7, 13, 19, 25, 31, 37, 43, 49, 55, 61, 67],
        "............",
    );
    check(
        &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 60, 659, 660],
        "..........!-.",
    );
    // The pause holds for everybody in the chat, and people begin none.
    check(
        &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -2, -601],
        "..........!-.",
    );
    check(&[-1; 30], &".".repeat(30));
}

#[test]
fn chats_and_bots_are_counted_apart() {
    let mut guard = LoopGuard::new(LoopLimits::default());
    let now = Instant::now();
    for _ in 0..11 {
        guard.admit(BOT, "oc_1", AnsweredSender::Other, now);
    }
    let mut verdict = |bot, chat| guard.admit(bot, chat, AnsweredSender::Other, now);
    assert!(matches!(verdict(BOT, "oc_1"), LoopVerdict::Paused { .. }));
    assert_eq!(verdict(BOT, "oc_2"), LoopVerdict::Allowed);
    assert_eq!(verdict(InstallationId(2), "oc_1"), LoopVerdict::Allowed);
}

/// Mostly close together, and now and then longer than a pause.
fn pause_ms() -> impl Strategy<Value = u64> {
    prop_oneof![19 => 0u64..1_500, 1 => 0u64..700_000]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    /// Whatever is said where: no chat that is remembered gets more than ten counted replies within a minute, a person in a
    /// chat without a pause is always answered, and memory is bounded.
    #[test]
    fn no_loop_lasts_and_memory_is_bounded(
        steps in prop::collection::vec((0u8..4, any::<bool>(), pause_ms()), 1..300),
        chats in 1usize..6,
    ) {
        let limits = LoopLimits { chats, ..LoopLimits::default() };
        let mut guard = LoopGuard::new(limits);
        let mut now = Instant::now();
        let mut allowed: BTreeMap<u8, Vec<Instant>> = BTreeMap::new();
        let mut paused: BTreeMap<u8, Instant> = BTreeMap::new();
        for (chat, human, ms) in steps {
            now += Duration::from_millis(ms);
            let answered = if human { AnsweredSender::Human } else { AnsweredSender::Other };
            let verdict = guard.admit(BOT, &chat.to_string(), answered, now);
            prop_assert!(guard.chats() <= chats);
            let told = paused.get(&chat).is_some_and(|until| now < *until);
            match verdict {
                LoopVerdict::Paused { until, is_first } => {
                    prop_assert!(until > now && until <= now + limits.pause);
                    prop_assert_eq!(is_first, !told, "a pause is said once");
                    prop_assert!(!(is_first && human));
                    paused.insert(chat, until);
                }
                // With room for all chats nothing is forgotten.
                LoopVerdict::Allowed if chats >= 4 => {
                    prop_assert!(!told);
                    let of_chat = allowed.entry(chat).or_default();
                    if !human {
                        of_chat.push(now);
                    }
                    of_chat.retain(|at| now.duration_since(*at) < limits.within);
                    prop_assert!(of_chat.len() <= limits.replies);
                }
                LoopVerdict::Allowed => {
                    paused.remove(&chat);
                }
            }
        }
    }
}
