//! The inputs of a link, in any order.

use longwire_installation::{Desired, Mode, TakeBack};
use proptest::prelude::*;

use super::secs;
use crate::connection::Renewal;
use crate::setback::Setback;

/// One input.
#[derive(Clone, Debug)]
pub(super) enum Input {
    Desired(Desired),
    /// News about the generation so many before the current one.
    News(u64, News),
    /// News about the renewal under way, if there is one.
    RenewalNews(News),
    /// So many of the steps of a renewal that goes well.
    RenewalGoesOn(usize),
    Renewal(Renewal),
    Spent(u64),
    Configured,
    Retry,
    Mode(Mode),
    TakeBack(Option<TakeBack>),
    Claimed,
    Fire,
    Pass(u64),
}

#[derive(Clone, Debug)]
pub(super) enum News {
    Permitted,
    Bootstrapped,
    Opened,
    Pong(Option<i64>),
    Setback(Setback),
    TakeBackRecorded,
}

/// The steps of a renewal that goes well.
pub(super) const RENEWAL: [News; 4] = [
    News::Permitted,
    News::Bootstrapped,
    News::Opened,
    News::Pong(None),
];

fn news() -> impl Strategy<Value = News> {
    let setback = prop_oneof![
        Just(Setback::SystemBusy),
        Just(Setback::ConnectionLimit),
        Just(Setback::AuthFailed),
        Just(Setback::Unreachable),
        Just(Setback::Silent),
        Just(Setback::ClosedByPlatform { code: Some(1000) }),
        Just(Setback::SubscribeLimited),
        Just(Setback::Displaced),
    ];
    prop_oneof![
        4 => Just(News::Permitted),
        4 => Just(News::Bootstrapped),
        4 => Just(News::Opened),
        2 => proptest::option::of(-2_i64..100_000).prop_map(News::Pong),
        2 => setback.prop_map(News::Setback),
        2 => Just(News::TakeBackRecorded),
    ]
}

pub(super) fn take_back() -> impl Strategy<Value = TakeBack> {
    (300_u64..1000, 1_u32..4).prop_map(|(after, per_day)| {
        TakeBack::new(secs(after), per_day).expect("within the bounds")
    })
}

pub(super) fn input() -> impl Strategy<Value = Input> {
    let age = prop_oneof![8 => Just(0_u64), 1 => 1_u64..4];
    prop_oneof![
        1 => Just(Input::Desired(Desired::Stop)),
        3 => Just(Input::Desired(Desired::Run)),
        20 => (age, news()).prop_map(|(age, news)| Input::News(age, news)),
        6 => news().prop_map(Input::RenewalNews),
        5 => (1..=RENEWAL.len()).prop_map(Input::RenewalGoesOn),
        2 => Just(Input::Renewal(Renewal::Beside)),
        2 => Just(Input::Renewal(Renewal::Displacing)),
        1 => (0_u64..2000).prop_map(Input::Spent),
        1 => Just(Input::Configured),
        1 => Just(Input::Retry),
        1 => prop_oneof![Just(Mode::LongConnection), Just(Mode::Webhook), Just(Mode::Both)]
            .prop_map(Input::Mode),
        1 => Just(Input::Mode(Mode::Both)),
        1 => proptest::option::of(take_back()).prop_map(Input::TakeBack),
        1 => Just(Input::Claimed),
        5 => Just(Input::Fire),
        3 => (0_u64..100_000).prop_map(Input::Pass),
    ]
}
