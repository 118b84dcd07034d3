use super::SuccessorAction::{Connect, OpenStore, Send};
use super::*;
use crate::message::{Given, Yours};
use proptest::prelude::*;

const TIMING: TakeoverTiming = TakeoverTiming {
    at_once: 2,
    turn: Duration::from_secs(5),
    stall: Duration::from_secs(15),
    ending: Duration::from_secs(60),
};

fn take(bot: BotId) -> SuccessorAction {
    Send(TakeoverMessage::Take(Take { bot }))
}

fn live(bot: BotId) -> SuccessorAction {
    Send(TakeoverMessage::Live(Live { bot }))
}

fn let_go() -> SuccessorAction {
    Send(TakeoverMessage::LetGo(LetGo {}))
}

fn yours(bot: BotId) -> TakeoverMessage {
    TakeoverMessage::Yours(Yours { bot })
}

fn given(bot: BotId, ended_ms: Option<i64>) -> TakeoverMessage {
    TakeoverMessage::Given(Given { bot, ended_ms })
}

fn actions(successor: &mut Successor) -> Vec<SuccessorAction> {
    std::iter::from_fn(|| successor.poll_action()).collect()
}

/// Bots 1 to 9 overlap, the others displace.
fn successor(bots: &[BotId], live: &[BotId], now: Instant) -> Successor {
    let bots = bots.iter().map(|bot| {
        let road = if *bot < 10 {
            BotRoad::Overlap
        } else {
            BotRoad::Displace
        };
        (*bot, road)
    });
    Successor::new(TIMING, bots, live, now)
}

#[test]
fn all_bots_are_moved_and_the_predecessor_is_let_go() {
    let now = Instant::now();
    let mut new = successor(&[1, 10, 11, 12], &[1, 10, 11, 12], now);
    assert_eq!(actions(&mut new), [take(10), take(11)]);
    new.handle_observed(1, Observed::Live, 100, now);
    assert_eq!(actions(&mut new), [live(1)]);
    new.handle_message(&given(1, None), now);
    new.handle_message(&yours(10), now);
    assert_eq!(actions(&mut new), [Connect(10)]);
    new.handle_observed(10, Observed::Live, 130, now);
    assert_eq!(actions(&mut new), [live(10)]);
    new.handle_message(&given(10, Some(128)), now);
    assert_eq!(actions(&mut new), [take(12)], "the next one's turn");
    for bot in [11, 12] {
        new.handle_message(&yours(bot), now);
        new.handle_observed(bot, Observed::Live, 140, now);
        assert_eq!(actions(&mut new), [Connect(bot), live(bot)]);
        new.handle_message(&given(bot, Some(141)), now);
    }
    assert_eq!(actions(&mut new), [let_go()]);
    assert_eq!(new.phase(), SuccessorPhase::LettingGo);
    new.handle_closed(now);
    assert_eq!(actions(&mut new), [OpenStore]);
    new.handle_opened();
    assert_eq!(new.phase(), SuccessorPhase::Done);
    let summary = new.summary(now + Duration::from_secs(3));
    assert_eq!(summary.moved, 4);
    assert_eq!(summary.left, []);
    assert_eq!(summary.gaps_ms, [2, 0, 0], "a gap is never less than none");
    assert_eq!(summary.took, Duration::from_secs(3));
}

#[test]
fn bots_that_were_not_connected_are_not_waited_for() {
    let now = Instant::now();
    let mut new = successor(&[1, 2], &[2], now);
    new.handle_observed(1, Observed::Away, 0, now);
    new.handle_observed(2, Observed::Live, 0, now);
    new.handle_message(&given(2, None), now);
    assert_eq!(actions(&mut new), [live(2), let_go()]);
    let mut none = successor(&[1], &[], now);
    assert_eq!(actions(&mut none), [let_go()]);
}

#[test]
fn a_bot_that_does_not_connect_gives_up_its_turn_and_then_stays_behind() {
    let now = Instant::now();
    let mut new = successor(&[10, 11, 12], &[10, 11, 12], now);
    assert_eq!(actions(&mut new), [take(10), take(11)]);
    new.handle_message(&yours(10), now);
    new.handle_message(&yours(11), now);
    assert_eq!(actions(&mut new), [Connect(10), Connect(11)]);
    // Somebody has to help with 10, and 11 takes its time.
    new.handle_observed(10, Observed::Away, 0, now);
    assert_eq!(actions(&mut new), [take(12)]);
    new.handle_message(&yours(12), now);
    new.handle_observed(12, Observed::Live, 0, now);
    new.handle_message(&given(12, None), now);
    assert_eq!(actions(&mut new), [Connect(12), live(12)]);
    assert_eq!(new.poll_timeout(), Some(now + TIMING.turn));
    new.handle_timeout(now + TIMING.turn);
    assert_eq!(new.poll_timeout(), Some(now + TIMING.stall));
    assert_eq!(new.phase(), SuccessorPhase::Moving);
    new.handle_timeout(now + TIMING.stall);
    assert_eq!(actions(&mut new), [let_go()]);
    assert_eq!(new.summary(now).left, [10, 11]);
}

#[test]
fn a_process_that_connects_nothing_gives_up() {
    let now = Instant::now();
    let mut new = successor(&[1, 2], &[1, 2], now);
    new.handle_timeout(now + TIMING.stall);
    assert!(matches!(
        new.failure(),
        Some(TakeoverFailure::NoneConnected { wanted: 2, .. })
    ));
    assert_eq!(actions(&mut new), [], "the predecessor goes on");
}

#[test]
fn a_predecessor_that_dies_early_leaves_everything_here() {
    let now = Instant::now();
    let mut new = successor(&[1, 10, 11, 12], &[1, 10, 11, 12], now);
    new.handle_message(&yours(10), now);
    assert_eq!(actions(&mut new), [take(10), take(11), Connect(10)]);
    new.handle_closed(now);
    assert_eq!(actions(&mut new), [Connect(11), Connect(12), OpenStore]);
    // What it said before it died arrives no more, and changes nothing.
    new.handle_message(&yours(11), now);
    new.handle_observed(1, Observed::Live, 0, now);
    assert_eq!(actions(&mut new), []);
    new.handle_opened();
    assert_eq!(new.phase(), SuccessorPhase::Done);
}

#[test]
fn a_predecessor_that_does_not_end_is_a_failure() {
    let now = Instant::now();
    let mut new = successor(&[], &[], now);
    assert_eq!(actions(&mut new), [let_go()]);
    assert_eq!(new.poll_timeout(), Some(now + TIMING.ending));
    new.handle_timeout(now + TIMING.ending);
    assert!(matches!(
        new.failure(),
        Some(TakeoverFailure::DoesNotEnd { .. })
    ));
}

#[derive(Debug, Clone)]
enum Step {
    Observed(BotId, Observed),
    Yours(BotId),
    Given(BotId),
    Pass(u64),
    Closed,
}

fn step() -> impl Strategy<Value = Step> {
    let bot = prop_oneof![1..4_i64, 10..15_i64];
    let observed = prop_oneof![
        3 => Just(Observed::Live),
        1 => Just(Observed::Connecting),
        1 => Just(Observed::Away),
    ];
    prop_oneof![
        6 => (bot.clone(), observed).prop_map(|(bot, observed)| Step::Observed(bot, observed)),
        4 => bot.clone().prop_map(Step::Yours),
        4 => bot.prop_map(Step::Given),
        2 => (0..20_u64).prop_map(Step::Pass),
        1 => Just(Step::Closed),
    ]
}

proptest! {
    /// In any order of what it hears: a bot whose platform displaces is connected after the predecessor said so or is gone, no
    /// more than allowed have a turn, the predecessor is let go once, and in the end the store is opened or it failed.
    #[test]
    fn any_life_ends(steps in proptest::collection::vec(step(), 0..80)) {
        let mut now = Instant::now();
        let bots = [1, 2, 3, 10, 11, 12, 13, 14];
        let mut new = successor(&bots, &bots[1..], now);
        let (mut yours_heard, mut closed) = (std::collections::BTreeSet::new(), false);
        let (mut let_go_sent, mut opens) = (0, 0);
        let end = [Step::Pass(100), Step::Pass(100), Step::Closed];
        for step in steps.into_iter().chain(end) {
            match step {
                Step::Observed(bot, observed) => new.handle_observed(bot, observed, 0, now),
                Step::Yours(bot) => {
                    yours_heard.insert(bot);
                    new.handle_message(&yours(bot), now);
                }
                Step::Given(bot) => new.handle_message(&given(bot, Some(0)), now),
                Step::Pass(seconds) => {
                    now += Duration::from_secs(seconds);
                    new.handle_timeout(now);
                }
                Step::Closed => {
                    closed = true;
                    new.handle_closed(now);
                }
            }
            for action in actions(&mut new) {
                match action {
                    Connect(bot) => prop_assert!(closed || yours_heard.contains(&bot)),
                    OpenStore => opens += 1,
                    Send(TakeoverMessage::LetGo(_)) => let_go_sent += 1,
                    Send(_) => prop_assert!(!closed, "nobody hears it"),
                }
            }
            let turns = new.bots.values().filter(|bot| bot.turn_ends.is_some()).count();
            prop_assert!(turns <= TIMING.at_once);
        }
        prop_assert!(let_go_sent <= 1);
        prop_assert_eq!(opens, 1);
        prop_assert_eq!(new.phase(), SuccessorPhase::Owning);
    }
}
