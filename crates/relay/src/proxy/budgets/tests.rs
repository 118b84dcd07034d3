//! Turns.

use longwire_access::{RANDOM_BYTES, TokenText};
use proptest::prelude::*;

use super::*;

const PATIENCE: Duration = Duration::from_secs(2);
fn bot() -> PublicId {
    PublicId::from_bytes([1; 16])
}

fn token(number: u8) -> TokenId {
    TokenText::new(&[number; RANDOM_BYTES]).id()
}

fn needs(chat: Option<&str>) -> Vec<BudgetKey> {
    let key = |of| BudgetKey { bot: bot(), of };
    let api = key(BudgetOf::Api("POST im/v1/messages".into()));
    let chat = chat.map(|chat| key(BudgetOf::Chat(chat.into())));
    [Some(api), chat].into_iter().flatten().collect()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The turns that were given, and those that were refused.
fn turns(budgets: &mut Budgets) -> (Vec<CallNumber>, Vec<(CallNumber, RateRefusal)>) {
    let (mut gone, mut refused) = (Vec::new(), Vec::new());
    while let Some((number, turn)) = budgets.poll_turn() {
        match turn {
            Turn::Go => gone.push(number),
            Turn::Refused(refusal) => refused.push((number, refusal)),
        }
    }
    (gone, refused)
}

#[test]
fn tokens_take_turns_and_a_chat_stays_in_order() {
    let mut budgets = Budgets::new(PATIENCE);
    let greedy: Vec<_> = (0..8)
        .map(|_| budgets.ask(bot(), token(1), needs(Some("oc_1")), ms(0)))
        .collect();
    assert_eq!(turns(&mut budgets).0, greedy[..5]);
    let modest = budgets.ask(bot(), token(2), needs(Some("oc_1")), ms(10));
    let elsewhere = budgets.ask(bot(), token(1), needs(Some("oc_2")), ms(10));
    // What waits for one chat does not hold back another.
    assert_eq!(turns(&mut budgets).0, [elsewhere]);
    assert_eq!(budgets.poll_timeout(bot(), ms(10)), Some(ms(1_100)));
    budgets.handle_timeout(bot(), ms(1_100));
    // The other token had the last turn.
    assert_eq!(
        turns(&mut budgets).0,
        [modest, greedy[5], greedy[6], greedy[7]]
    );
    assert_eq!(budgets.poll_timeout(bot(), ms(1_100)), None);
    assert!(budgets.bots.is_empty());
}

#[test]
fn who_would_wait_for_too_long_is_refused_at_once() {
    let mut budgets = Budgets::new(PATIENCE);
    let [api, chat] = needs(Some("oc_1")).try_into().expect("two");
    budgets.handle_limited(&api, Duration::from_secs(7), ms(0));
    let call = budgets.ask(bot(), token(1), vec![api, chat], ms(1_000));
    let (gone, refused) = turns(&mut budgets);
    assert_eq!(gone, []);
    let [(number, refusal)] = &refused[..] else {
        panic!("{refused:?}")
    };
    assert_eq!(*number, call);
    assert_eq!(refusal.after, Duration::from_secs(6));
    assert!(matches!(refusal.of, BudgetOf::Api(_)));
}

#[test]
fn a_short_pause_is_waited_for() {
    let mut budgets = Budgets::new(PATIENCE);
    let api = needs(None).remove(0);
    budgets.handle_limited(&api, Duration::from_secs(1), ms(0));
    let call = budgets.ask(bot(), token(1), vec![api], ms(500));
    assert_eq!(turns(&mut budgets), (vec![], vec![]));
    assert_eq!(budgets.poll_timeout(bot(), ms(500)), Some(ms(1_000)));
    budgets.handle_timeout(bot(), ms(1_000));
    assert_eq!(turns(&mut budgets).0, [call]);
}

#[test]
fn who_leaves_makes_room() {
    let mut budgets = Budgets::new(PATIENCE);
    let calls: Vec<_> = (0..7)
        .map(|_| budgets.ask(bot(), token(1), needs(Some("oc_1")), ms(0)))
        .collect();
    turns(&mut budgets);
    budgets.forget(bot(), calls[5], ms(10));
    budgets.handle_timeout(bot(), ms(1_100));
    assert_eq!(turns(&mut budgets).0, [calls[6]]);
}

#[test]
fn waiting_and_keys_are_bounded() {
    let mut budgets = Budgets::new(PATIENCE);
    for _ in 0..MOST_WAITING + 5 {
        budgets.ask(bot(), token(1), needs(Some("oc_1")), ms(0));
    }
    let last = budgets.ask(bot(), token(2), needs(Some("oc_1")), ms(0));
    assert!(
        turns(&mut budgets)
            .1
            .iter()
            .any(|(number, _)| *number == last)
    );
    for chat in 0..MOST_KEYS + 10 {
        let key = BudgetKey {
            bot: bot(),
            of: BudgetOf::Chat(chat.to_string().into()),
        };
        budgets.take(&[key], ms(0));
    }
    assert_eq!(budgets.counted.len(), MOST_KEYS);
    budgets.take(&needs(Some("oc_new")), ms(600_000));
    assert!(budgets.counted.len() < 10);
}

proptest! {
    /// Whatever is asked and when: no chat has more than five in a second, and every call has its turn in time.
    #[test]
    fn every_call_is_answered_and_no_limit_is_exceeded(
        calls in proptest::collection::vec((0_u64..300, 0_u8..3, 0_u8..2), 1..120),
    ) {
        let mut budgets = Budgets::new(PATIENCE);
        let mut now = Duration::ZERO;
        let mut asked: HashMap<CallNumber, (u8, Duration)> = HashMap::new();
        let mut gone: Vec<(u8, Duration)> = Vec::new();
        let mut note = |budgets: &mut Budgets, asked: &mut HashMap<CallNumber, (u8, Duration)>, now| {
            while let Some((number, turn)) = budgets.poll_turn() {
                let (chat, at) = asked.remove(&number).expect("it was asked once");
                assert!(now <= at + PATIENCE);
                if turn == Turn::Go {
                    gone.push((chat, now));
                }
            }
        };
        for (gap, who, chat) in calls {
            let until = now + ms(gap);
            while let Some(due) = budgets.poll_timeout(bot(), now).filter(|due| *due <= until) {
                now = due.max(now);
                budgets.handle_timeout(bot(), now);
                note(&mut budgets, &mut asked, now);
            }
            now = until;
            let number = budgets.ask(bot(), token(who), needs(Some(&chat.to_string())), now);
            asked.insert(number, (chat, now));
            note(&mut budgets, &mut asked, now);
        }
        while let Some(due) = budgets.poll_timeout(bot(), now) {
            now = due.max(now);
            budgets.handle_timeout(bot(), now);
            note(&mut budgets, &mut asked, now);
        }
        prop_assert!(asked.is_empty());
        for chat in 0..2 {
            let of_chat: Vec<Duration> = gone.iter().filter(|one| one.0 == chat).map(|one| one.1).collect();
            for first in &of_chat {
                let within = of_chat.iter().filter(|at| **at >= *first && **at < *first + ms(1_000));
                prop_assert!(within.count() <= 5);
            }
        }
    }
}
