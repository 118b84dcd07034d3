//! What a consumer is promised, under any order of events, answers, crashes and clocks.

mod record;
mod world;

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use longwire_consumer::{
    AgeRule, DeliveryFailure, DeliveryOrder, DeliveryPolicy, GatherPolicy, GiveUp, MaxAge,
    QueueState, ReaderId,
};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::world::{Road, World};

#[derive(Clone, Debug)]
enum Step {
    Append {
        bot: i64,
        chat: Option<u8>,
        click: bool,
        passes: bool,
        gap: i64,
    },
    Burst {
        chat: u8,
        count: u8,
    },
    Read(usize),
    Push(usize),
    Send,
    Claim {
        reader: u64,
        seconds: u64,
    },
    Done(Index),
    Failed(Index, DeliveryFailure),
    Released(Index),
    Acked(Index),
    AckedThrough(Index),
    Nacked(Index, Option<Duration>),
    LateAck(Index),
    Attach(u64, usize),
    ReaderGone(u64),
    Advance(Duration),
    DiskWrites(usize),
    DiskRefuses,
    Crash(usize),
    Stop,
    Pause,
    Resume,
    FilterChanged,
    /// The wall clock is set, by so many seconds.
    ClockSet(i64),
    Concurrency(u16),
}

fn failure() -> impl Strategy<Value = DeliveryFailure> {
    let status = (
        prop_oneof![Just(500), Just(404), Just(429), Just(503), Just(302)],
        prop::option::of((0_u64..7_200).prop_map(Duration::from_secs)),
    );
    prop_oneof![
        2 => Just(DeliveryFailure::Refused),
        1 => Just(DeliveryFailure::Unreachable),
        1 => Just(DeliveryFailure::NoAnswer),
        1 => Just(DeliveryFailure::TimedOut),
        4 => status.prop_map(|(code, retry_after)| DeliveryFailure::Status { code, retry_after }),
        1 => Just(DeliveryFailure::Status { code: 410, retry_after: None }),
    ]
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => (0_u64..2_000).prop_map(Duration::from_millis),
        2 => (0_u64..120).prop_map(Duration::from_secs),
        1 => (0_u64..100_000).prop_map(Duration::from_secs),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let append = (
        1_i64..3,
        prop::option::weighted(0.9, 0_u8..4),
        prop::bool::weighted(0.1),
    )
        .prop_flat_map(|(bot, chat, click)| {
            (prop::bool::weighted(0.7), 1_i64..4).prop_map(move |(passes, gap)| Step::Append {
                bot,
                chat,
                click,
                passes,
                gap,
            })
        });
    let index = any::<Index>;
    let of_log = prop_oneof![
        8 => append,
        1 => (0_u8..4, 1_u8..30).prop_map(|(chat, count)| Step::Burst { chat, count }),
        6 => (1_usize..40).prop_map(Step::Read),
        1 => (1_usize..40).prop_map(Step::Push),
    ];
    let of_application = prop_oneof![
        8 => Just(Step::Send),
        3 => (1_u64..4, 1_u64..90).prop_map(|(reader, seconds)| Step::Claim { reader, seconds }),
        6 => index().prop_map(Step::Done),
        4 => (index(), failure()).prop_map(|(index, failure)| Step::Failed(index, failure)),
        1 => index().prop_map(Step::Released),
        2 => index().prop_map(Step::Acked),
        1 => index().prop_map(Step::AckedThrough),
        2 => (index(), prop::option::of(duration())).prop_map(|(index, delay)| Step::Nacked(index, delay)),
        1 => index().prop_map(Step::LateAck),
        1 => (10_u64..13, 1_usize..6).prop_map(|(reader, window)| Step::Attach(reader, window)),
        1 => (10_u64..13).prop_map(Step::ReaderGone),
    ];
    let of_process = prop_oneof![
        6 => duration().prop_map(Step::Advance),
        8 => (1_usize..3).prop_map(Step::DiskWrites),
        1 => Just(Step::DiskRefuses),
        2 => (0_usize..4).prop_map(Step::Crash),
        1 => Just(Step::Stop),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        1 => Just(Step::FilterChanged),
        1 => (-7_200_i64..7_200).prop_map(Step::ClockSet),
        1 => (1_u16..8).prop_map(Step::Concurrency),
    ];
    prop_oneof![6 => of_log, 6 => of_application, 4 => of_process]
}

fn order() -> impl Strategy<Value = DeliveryOrder> {
    prop_oneof![
        1 => Just(DeliveryOrder::None),
        4 => Just(DeliveryOrder::Chat),
        1 => Just(DeliveryOrder::Installation),
    ]
}

fn policy() -> impl Strategy<Value = DeliveryPolicy> {
    let gather = (1_u64..2_000, 1_u64..5_000).prop_map(|(quiet, max)| GatherPolicy {
        quiet: Duration::from_millis(quiet),
        max: Duration::from_millis(max.max(quiet)),
    });
    let then = prop_oneof![
        Just(AgeRule::Deliver),
        Just(AgeRule::Label),
        Just(AgeRule::Skip)
    ];
    let max_age = (1_u64..4_000, then).prop_map(|(seconds, then)| MaxAge {
        after: Duration::from_secs(seconds),
        then,
    });
    (
        order(),
        1_u16..8,
        prop::option::of(1_u32..200),
        prop::option::weighted(0.3, gather),
        prop::option::weighted(0.3, max_age),
        prop::option::weighted(0.3, 1_u32..5),
        prop::option::weighted(0.2, 1_u64..9_000),
    )
        .prop_map(
            |(order, concurrency, rate, gather, max_age, attempts, age)| DeliveryPolicy {
                order,
                concurrency: NonZeroU16::new(concurrency).expect("it is not zero"),
                rate: rate.and_then(NonZeroU32::new),
                gather: gather.filter(|_| order == DeliveryOrder::Chat),
                max_age,
                give_up: GiveUp {
                    attempts: attempts.and_then(NonZeroU32::new),
                    age: age.map(Duration::from_secs),
                },
                ..DeliveryPolicy::default()
            },
        )
}

fn road() -> impl Strategy<Value = Road> {
    prop_oneof![2 => Just(Road::Webhook), 1 => Just(Road::Pull), 1 => Just(Road::Stream), 2 => Just(Road::Relay)]
}

/// An acknowledgement of any event, also of one that nobody was given: that changes nothing.
fn late_ack(world: &mut World, index: Index) {
    let rows: Vec<i64> = world.record.rows.iter().map(|row| row.seq).collect();
    if !rows.is_empty() {
        world.late_ack(*index.get(&rows));
    }
}

fn run(world: &mut World, step: Step) {
    let pick = |world: &World, index: Index| {
        let open: Vec<_> = world.in_flight.values().cloned().collect();
        (!open.is_empty()).then(|| index.get(&open).clone())
    };
    let road = world.road;
    match step {
        Step::Append {
            bot,
            chat,
            click,
            passes,
            gap,
        } => world.append(bot, chat, click, passes, gap),
        Step::Burst { chat, count } => {
            for _ in 0..count {
                world.append(1, Some(chat), false, true, 1);
            }
        }
        Step::Read(limit) => {
            world.read(limit);
        }
        Step::Send => {
            world.send();
        }
        Step::Claim { reader, seconds } if road == Road::Pull => {
            world.claim(ReaderId(reader), Duration::from_secs(seconds));
        }
        Step::Attach(reader, window) if road.has_readers() => {
            world.attach(ReaderId(reader), window)
        }
        Step::ReaderGone(reader) if road.has_readers() => world.reader_gone(ReaderId(reader)),
        Step::Claim { .. } | Step::Attach(..) | Step::ReaderGone(_) => {}
        Step::Done(index) => {
            if let Some(delivery) = pick(world, index) {
                world.done(&delivery);
            }
        }
        Step::Failed(index, failure) => {
            if let Some(delivery) = pick(world, index) {
                world.failed(&delivery, failure);
            }
        }
        Step::Released(index) => {
            if let Some(delivery) = pick(world, index) {
                world.released(&delivery);
            }
        }
        Step::Acked(index) => {
            if let Some(delivery) = pick(world, index) {
                let seqs: Vec<i64> = delivery.events.iter().map(|event| event.seq.0).collect();
                world.acked(&seqs[..seqs.len().div_ceil(2)]);
            }
        }
        Step::AckedThrough(index) => {
            if let Some(delivery) = pick(world, index) {
                world.acked_through(&delivery);
            }
        }
        Step::Nacked(index, delay) => {
            if let Some(delivery) = pick(world, index) {
                world.nacked(&delivery, delay);
            }
        }
        Step::LateAck(index) => late_ack(world, index),
        Step::Push(limit) => world.push(limit),
        Step::Advance(delay) => world.advance(delay),
        Step::DiskWrites(count) => world.disk_writes(count),
        Step::DiskRefuses => world.disk_refuses(),
        Step::Crash(written) => world.crash(written),
        Step::Stop => world.stop(),
        Step::Pause => world.queue.handle_paused(),
        Step::Resume => world.queue.handle_resumed(),
        Step::FilterChanged => world.filter_changed(),
        Step::ClockSet(seconds) => world.now.unix_ms += 1_000 * seconds,
        Step::Concurrency(concurrency) => {
            world.policy.concurrency = NonZeroU16::new(concurrency).expect("it is not zero");
            world.queue.handle_policy(world.policy.clone(), world.now);
        }
    }
}

/// `PROPTEST_CASES` asks for more.
fn many() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases.max(600),
        ..usual
    }
}

proptest! {
    #![proptest_config(many())]

    /// Nothing is skipped, nothing wedges, first deliveries are in order, repeats are labelled, positions come back.
    #[test]
    fn any_life_keeps_the_promises(
        policy in policy(),
        road in road(),
        window in 1_usize..12,
        steps in prop::collection::vec(step(), 1..160),
    ) {
        let mut world = World::new(policy, road, window);
        for step in steps {
            run(&mut world, step);
        }
        world.finish(|_| true);
    }

    /// A chat whose events always fail stops no other, however small the window is.
    #[test]
    fn a_chat_that_always_fails_stops_no_other(
        order in prop_oneof![Just(DeliveryOrder::Chat), Just(DeliveryOrder::Installation)],
        road in road(),
        window in 2_usize..12,
        chats in prop::collection::vec((1_i64..4, 0_u8..4), 1..200),
        crash_at in 0_usize..200,
    ) {
        let policy = DeliveryPolicy { order, ..DeliveryPolicy::default() };
        let mut world = World::new(policy, road, window);
        let bad = |row: &crate::record::Row| row.bot == 1 && (row.chat == Some(0) || order == DeliveryOrder::Installation);
        for (nth, (bot, chat)) in chats.into_iter().enumerate() {
            world.append(bot, Some(chat), false, true, 1);
            if nth == crash_at {
                world.crash(1);
            }
        }
        world.finish(|row| !bad(row));
        world.crash(0);
        world.finish(|row| !bad(row));
        world.finish(|_| true);
    }

    /// Another order makes all lanes anew. Nothing is skipped, and what is sent again is labelled.
    #[test]
    fn another_order_skips_nothing(
        policy in policy(),
        other: bool,
        road in road(),
        window in 1_usize..12,
        before in prop::collection::vec(step(), 1..80),
        after in prop::collection::vec(step(), 1..40),
    ) {
        let order = match (policy.order, other) {
            (DeliveryOrder::Chat, true) | (DeliveryOrder::Installation, false) => DeliveryOrder::None,
            (DeliveryOrder::Chat, false) | (DeliveryOrder::None, true) => DeliveryOrder::Installation,
            (DeliveryOrder::None, false) | (DeliveryOrder::Installation, true) => DeliveryOrder::Chat,
        };
        let policy = DeliveryPolicy { gather: None, ..policy };
        let mut world = World::new(policy, road, window);
        for step in before {
            run(&mut world, step);
        }
        world.change_order(order);
        for step in after {
            run(&mut world, step);
        }
        world.finish(|_| true);
    }
}

/// A day with an outage of two hours, a chat that fails for six, and a crash every three hours.
#[test]
fn a_day_of_a_consumer() {
    let mut world = World::new(DeliveryPolicy::default(), Road::Webhook, 64);
    for minute in 0_u64..1_440 {
        for nth in 0..4 {
            let chat = u8::try_from((minute * 7 + nth * 3) % 11).expect("it is small");
            world.append(1, Some(chat), false, true, 1);
        }
        if minute % 180 == 179 {
            world.crash(1);
        }
        let hour = minute / 60;
        for _ in 0..12 {
            world.read(usize::MAX);
            world.disk_writes(1);
            while world.send() {}
            for delivery in world.in_flight.values().cloned().collect::<Vec<_>>() {
                let chat = world.record.row(delivery.events[0].seq.0).chat;
                if (3..5).contains(&hour) {
                    world.failed(&delivery, DeliveryFailure::Refused);
                } else if (9..15).contains(&hour) && chat == Some(4) {
                    let code = 500;
                    let retry_after = None;
                    world.failed(&delivery, DeliveryFailure::Status { code, retry_after });
                } else {
                    world.done(&delivery);
                }
            }
            world.advance(Duration::from_secs(5));
        }
    }
    assert_eq!((world.crashes, world.record.rows.len()), (8, 5_760));
    world.finish(|_| true);
    assert!(world.queue.state() == QueueState::Active);
    // A crash repeats what was under way, and what was done since the last save.
    assert!(world.repeats < 1_500, "{}", world.repeats);
}
