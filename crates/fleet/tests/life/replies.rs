//! Replies reach the chat they belong to, or whoever asked hears why not.

use crate::world::*;
use longwire_fleet::{
    AnsweredSender, Fault, FleetActor, FleetLimits, IdempotencyKey, Inspection, ReplyError,
    ReplyOrder, ReplySent, ReplyTo, RequestError, WecomCallbackKind,
};
use longwire_installation::{Desired, InstallationId, Platform};
use longwire_link::Timing;
use longwire_sim::wecom::{CommandKind, ScriptedAnswer, Via};
use longwire_sim::{Behaviour, ChatMessage, Control, Push};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A call that gets no answer is given up as soon.
const CALL: Duration = Duration::from_millis(400);

/// One bot of Feishu that is live.
async fn talking() -> World {
    talking_with(CALL).await
}

async fn talking_with(message_call: Duration) -> World {
    let world = World::with_timing(Timing {
        message_call,
        sender_idle: Duration::from_millis(200),
        ..quick()
    })
    .await;
    world.all_live().await;
    world
}

fn id_of(world: &World, name: &str) -> InstallationId {
    let record = world.store.reader().installation(name).expect("readable");
    record.expect("it was added").id
}

fn order(world: &World, chat: &str, message_id: &str, key: &str) -> ReplyOrder {
    ReplyOrder {
        installation: id_of(world, "bot-0"),
        chat: chat.to_owned(),
        answered: AnsweredSender::Human,
        to: ReplyTo::FeishuMessage {
            message_id: message_id.to_owned(),
        },
        text: format!("reply {key}"),
        key: IdempotencyKey::new(key).expect("a key"),
    }
}

async fn reply(world: &World, key: &str) -> Result<ReplySent, ReplyError> {
    world.fleet.reply(order(world, "oc_1", "om_1", key)).await
}

/// The texts of the messages that stand in chats.
fn texts(control: &Control) -> Vec<String> {
    let messages = control.bot_messages(None).into_iter();
    messages.filter_map(|message| message.text).collect()
}

fn refusal(http: u16, code: i64, reset_s: Option<u64>) -> Behaviour {
    Behaviour::MessageRefuse {
        http,
        code,
        msg: "no".to_owned(),
        reset_s,
        scopes: Vec::new(),
    }
}

/// The sender's state in the tree: `absent` where there is none.
fn sender_state(world: &World) -> &'static str {
    let actors = world.fleet.actors();
    let sender = actors.iter().find(|actor| actor.kind == "sender");
    sender.map_or("absent", |sender| sender.state)
}

/// Waits until one reply is under way and so many wait behind it.
async fn under_way(world: &World, waiting: usize) {
    let path = format!("/fleet/bots/{}/sender", world.bot(0).id);
    let deadline = tokio::time::Instant::now() + SOON;
    while !matches!(
        world.fleet.inspect(&path).await,
        Inspection::Answered { state: longwire_fleet::view::ActorState::Sender(sender) }
            if (sender.under_way, sender.waiting) == (1, waiting)
    ) {
        assert!(
            tokio::time::Instant::now() < deadline,
            "nothing is under way"
        );
    }
}

#[actix_rt::test]
async fn replies_reach_the_chat() {
    let world = talking().await;
    let control = world.sim.control();
    for chat in ["oc_a", "oc_b"] {
        let message = ChatMessage {
            chat: chat.to_owned(),
            message_id: Some(chat.replace("oc", "om")),
            ..ChatMessage::default()
        };
        control.push(&app(0), Push::message(message));
    }
    assert_eq!(sender_state(&world), "absent", "an idle bot has none");
    let orders = ["k1", "k2", "k3", "k4"].map(|key| {
        let (chat, message_id) = if key < "k3" {
            ("oc_a", "om_a")
        } else {
            ("oc_b", "om_b")
        };
        world.fleet.reply(order(&world, chat, message_id, key))
    });
    for sent in futures_util::future::join_all(orders).await {
        let sent = sent.expect("it is said");
        assert!(sent.message_id.is_some() && !sent.is_own_message);
    }
    let of_chat = |chat: &str| -> Vec<String> {
        let messages = control.bot_messages(None).into_iter();
        let of_chat = messages.filter(|message| message.chat == chat);
        of_chat.filter_map(|message| message.text).collect()
    };
    assert_eq!(of_chat("oc_a"), ["reply k1", "reply k2"]);
    assert_eq!(of_chat("oc_b"), ["reply k3", "reply k4"]);
    assert_eq!(control.ledger().token_calls, 1);
    let has_one = world
        .fleet
        .actors()
        .iter()
        .any(|actor| actor.kind == "sender");
    assert!(has_one, "it is shown");
    until("the sender is gone", || {
        (sender_state(&world) == "absent").then_some(())
    })
    .await;
    reply(&world, "k5").await.expect("and started again");
    let drained = world.fleet.drain(SOON).await;
    assert_eq!((drained.closed, drained.abandoned), (1, 0));
    assert!(matches!(
        reply(&world, "k6").await,
        Err(ReplyError::NotRunning { .. })
    ));
}

#[actix_rt::test]
async fn a_wecom_reply_takes_the_connection_and_then_a_message_of_its_own() {
    let world = World::new(0).await;
    let wecom = longwire_sim::wecom::Sim::start(longwire_sim::wecom::SimSettings::default())
        .expect("the simulator starts on loopback");
    world.add(Platform::Wecom, "robot", &wecom.base_url());
    world.fleet.reload();
    until("WeCom's bot is live", || is(&world, "robot", "live")).await;
    let control = wecom.control();
    let push = control.push("robot", longwire_sim::wecom::Push::text("a question"));
    let req_id = until("the message is delivered", || {
        let record = control.record(push)?;
        record
            .deliveries
            .first()
            .map(|delivery| delivery.req_id.clone())
    })
    .await;
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let now_ms = i64::try_from(since_1970.as_millis()).expect("a time of this era");
    let order = |req_id: &str, received_ms: i64, chat_id: Option<&str>, key: &str| ReplyOrder {
        to: ReplyTo::WecomCallback {
            req_id: req_id.to_owned(),
            kind: WecomCallbackKind::Message,
            received_ms,
            chat_id: chat_id.map(str::to_owned),
        },
        installation: id_of(&world, "robot"),
        chat: "zhangsan".to_owned(),
        answered: AnsweredSender::Human,
        text: format!("reply {key}"),
        key: IdempotencyKey::new(key).expect("a key"),
    };
    let sent = world.fleet.reply(order(&req_id, now_ms, None, "k1")).await;
    assert!(!sent.expect("it is said").is_own_message);
    let unknown = world
        .fleet
        .reply(order("unheard-of", now_ms, None, "k2"))
        .await;
    assert!(
        matches!(
            unknown,
            Err(ReplyError::Refused {
                code: Some(846_605),
                ..
            })
        ),
        "{unknown:?}"
    );
    let own = order("unheard-of", now_ms, Some("zhangsan"), "k3");
    let sent = world.fleet.reply(own).await.expect("it is said");
    assert!(sent.is_own_message);
    // The platform never answers a reply, so a further one under its id could not be told from it.
    let silent =
        longwire_sim::wecom::Behaviour::answer(CommandKind::Respond, ScriptedAnswer::Ignore);
    control.behaviour(Some("robot"), silent.times(1));
    let unanswered = world.fleet.reply(order(&req_id, now_ms, None, "k6")).await;
    assert!(unanswered.expect_err("no answer").may_be_sent());
    let spent = world.fleet.reply(order(&req_id, now_ms, None, "k7")).await;
    let spent = spent.expect_err("no chat is known");
    assert!(
        matches!(spent, ReplyError::Request(RequestError::SpentReqId)),
        "{spent:?}"
    );
    let own = order(&req_id, now_ms, Some("zhangsan"), "k8");
    let sent = world.fleet.reply(own).await.expect("it is said");
    assert!(sent.is_own_message);
    let mut notice = order("", now_ms, None, "k5");
    notice.chat = "operators".to_owned();
    notice.to = ReplyTo::Nothing;
    let sent = world.fleet.reply(notice).await.expect("it is said");
    assert!(sent.is_own_message);
    let day_ms = 24 * 60 * 60 * 1_000;
    let late = world
        .fleet
        .reply(order(&req_id, now_ms - day_ms - 1, None, "k4"))
        .await;
    assert!(
        matches!(late, Err(ReplyError::TooLate { limit_s: 86_400 })),
        "{late:?}"
    );
    let shown: Vec<_> = control
        .shown(None)
        .into_iter()
        .map(|shown| (shown.via.clone(), shown.text().to_owned(), shown.finished))
        .collect();
    assert_eq!(
        shown,
        [
            (Via::Reply(req_id), "reply k1".to_owned(), true),
            (Via::Send, "reply k3".to_owned(), true),
            (Via::Send, "reply k8".to_owned(), true),
            (Via::Send, "reply k5".to_owned(), true),
        ]
    );
    world.fleet.drain(SOON).await;
}

#[actix_rt::test]
async fn an_expired_token_and_a_limited_app_cost_time_only() {
    let world = talking().await;
    let control = world.sim.control();
    reply(&world, "k1").await.expect("it is said");
    assert_eq!(control.expire_tokens(None), 1);
    reply(&world, "k2").await.expect("with a new token");
    let limited = refusal(429, 99_991_400, Some(1));
    control.behaviour(None, limited.times(1));
    reply(&world, "k3").await.expect("after the limit");
    control.behaviour(None, refusal(400, 230_020, None).times(2));
    reply(&world, "k4").await.expect("after the chat's limit");
    assert_eq!(
        texts(&control),
        ["reply k1", "reply k2", "reply k3", "reply k4"]
    );
    let ledger = control.ledger();
    assert_eq!((ledger.tokens_made, ledger.message_calls), (2, 8));
    world.fleet.drain(SOON).await;
}

#[actix_rt::test]
async fn a_platform_that_hangs_shows_no_reply_twice() {
    let world = talking().await;
    let control = world.sim.control();
    reply(&world, "k0").await.expect("it is said");
    control.behaviour(None, Behaviour::MessageUnanswered.times(2));
    reply(&world, "k1")
        .await
        .expect("the third try is answered");
    let calls: Vec<u32> = control
        .bot_messages(None)
        .iter()
        .map(|of| of.calls)
        .collect();
    assert_eq!(calls, [1, 3]);
    control.behaviour(None, Behaviour::MessageHang);
    let error = reply(&world, "k2").await.expect_err("it never answers");
    assert!(
        error.may_be_sent() && error.label() == "unknown",
        "{error:?}"
    );
    control.behaviour(None, Behaviour::Nominal);
    control.recall("om_1");
    let error = reply(&world, "k3").await.expect_err("it was recalled");
    assert!(
        !error.may_be_sent() && error.label() == "message_gone",
        "{error:?}"
    );
    assert_eq!(texts(&control), ["reply k0", "reply k1"]);
    world.fleet.drain(SOON).await;
}

#[actix_rt::test]
async fn a_drain_waits_for_what_is_under_way_and_refuses_what_waits() {
    let world = talking_with(Duration::from_secs(2)).await;
    let control = world.sim.control();
    reply(&world, "k0").await.expect("there is a token");
    control.behaviour(None, Behaviour::MessageUnanswered.times(1));
    let (first, second, drained) = tokio::join!(
        reply(&world, "k1"),
        async {
            under_way(&world, 0).await;
            reply(&world, "k2").await
        },
        async {
            under_way(&world, 1).await;
            world.fleet.drain(SOON).await
        }
    );
    assert!(first.expect_err("no answer").may_be_sent());
    let second = second.expect_err("it is not sent");
    assert!(
        matches!(second, ReplyError::NotRunning { .. }),
        "{second:?}"
    );
    assert_eq!((drained.closed, drained.abandoned), (1, 0));
    assert_eq!(texts(&control), ["reply k0", "reply k1"]);
}

#[actix_rt::test]
async fn a_bot_that_is_stopped_says_nothing_more() {
    let world = talking_with(Duration::from_secs(2)).await;
    let control = world.sim.control();
    reply(&world, "k0").await.expect("there is a token");
    control.behaviour(None, Behaviour::MessageUnanswered.times(1));
    let bot = id_of(&world, "bot-0");
    let (first, second, ()) = tokio::join!(
        reply(&world, "k1"),
        async {
            under_way(&world, 0).await;
            reply(&world, "k2").await
        },
        async {
            under_way(&world, 1).await;
            let stopped = world.store.set_desired(bot, Desired::Stop);
            stopped.expect("it is there");
            world.fleet.reload();
        }
    );
    let first = first.expect_err("no answer, and no second try");
    assert!(first.may_be_sent(), "{first:?}");
    let second = second.expect_err("it is not sent");
    assert!(
        matches!(second, ReplyError::NotRunning { .. }),
        "{second:?}"
    );
    assert_eq!(texts(&control), ["reply k0", "reply k1"]);
    let started = world.store.set_desired(bot, Desired::Run);
    started.expect("it is there");
    world.fleet.reload();
    world.all_live().await;
    reply(&world, "k3").await.expect("it runs again");
    world.fleet.drain(SOON).await;
}

#[actix_rt::test]
async fn a_sender_that_fails_is_started_anew_and_its_reply_can_be_sent_again() {
    let world = talking_with(SOON).await;
    let control = world.sim.control();
    reply(&world, "k0").await.expect("there is a token");
    control.behaviour(None, Behaviour::MessageUnanswered.times(1));
    let (lost, ()) = tokio::join!(reply(&world, "k1"), async {
        under_way(&world, 0).await;
        let inject = world
            .fleet
            .inject("bot-0", FleetActor::Sender, Fault::Panic);
        inject.expect("fault injection is on");
    });
    let lost = lost.expect_err("its sender is gone");
    assert!(
        matches!(lost, ReplyError::NoAnswer) && lost.may_be_sent(),
        "{lost:?}"
    );
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        match reply(&world, "k1").await {
            Ok(_) => break,
            Err(ReplyError::SenderFailed) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error:?}"),
        }
        assert!(tokio::time::Instant::now() < deadline, "it stays away");
    }
    assert_eq!(texts(&control), ["reply k0", "reply k1"]);
    assert_eq!(world.fleet.overview().connections.panics, 1);
    assert_eq!(world.bot(0).state, "live");
    world.fleet.drain(SOON).await;
}

/// S94: applications send so many messages through a bot, and what longwire itself says is not counted.
#[actix_rt::test]
async fn a_bot_sends_so_many_messages_and_no_more() {
    let world = World::limited(FleetLimits {
        messages_per_bot: "2/h".parse().ok(),
        ..FleetLimits::default()
    })
    .await;
    world.all_live().await;
    for key in ["k1", "k2"] {
        reply(&world, key).await.expect("it is sent");
    }
    let error = reply(&world, "k3").await.expect_err("one too many");
    let ReplyError::MessageRate { retry_after } = error else {
        panic!("{error:?}");
    };
    assert!(retry_after <= Duration::from_secs(1_800), "{retry_after:?}");
    assert!(!error.may_be_sent() && error.next_step().contains("messages_per_bot"));
    let notice = order(&world, "oc_2", "om_2", "notice");
    world.fleet.notify(notice).await.expect("it is said");
    assert_eq!(world.sim.control().bot_messages(None).len(), 3);
    // What comes from the platform is recorded all the same.
    world.sim.control().push(&app(0), Push::made_up(500));
    let acked = || (world.sim.control().ledger().acked == 1).then_some(());
    until("it is acknowledged", acked).await;
    world.fleet.drain(SOON).await;
}

#[actix_rt::test]
async fn a_loop_between_bots_is_ended() {
    let world = talking().await;
    let to_a_bot = |key: String| ReplyOrder {
        answered: AnsweredSender::Other,
        // Refused without a call, so that the chat's pace does not matter.
        to: ReplyTo::FeishuMessage {
            message_id: String::new(),
        },
        ..order(&world, "oc_1", "", &key)
    };
    for number in 0..10 {
        let error = world.fleet.reply(to_a_bot(format!("k{number}"))).await;
        assert!(matches!(error, Err(ReplyError::Message(_))), "{error:?}");
    }
    for is_first in [true, false] {
        let error = world.fleet.reply(to_a_bot("k".to_owned())).await;
        assert!(
            matches!(error, Err(ReplyError::LoopPaused { is_first: first, .. }) if first == is_first),
            "{error:?}"
        );
    }
    let elsewhere = order(&world, "oc_2", "om_2", "k");
    world.fleet.reply(elsewhere).await.expect("another chat");
    world.fleet.drain(SOON).await;
}

#[actix_rt::test]
async fn who_cannot_reply_hears_why() {
    let world = talking().await;
    let mut nobody = order(&world, "oc_1", "om_1", "k");
    nobody.installation = InstallationId(999);
    let error = world.fleet.reply(nobody).await;
    assert!(matches!(error, Err(ReplyError::UnknownInstallation)));
    let mut other = order(&world, "oc_1", "om_1", "k");
    other.to = ReplyTo::WecomCallback {
        req_id: "r".to_owned(),
        kind: WecomCallbackKind::EnterChat,
        received_ms: 0,
        chat_id: None,
    };
    let error = world.fleet.reply(other).await;
    assert!(matches!(error, Err(ReplyError::OtherPlatform)));
    world
        .store
        .set_desired(id_of(&world, "bot-0"), Desired::Stop)
        .expect("it is there");
    world.fleet.reload();
    until("it is stopped", || is(&world, "bot-0", "stopped")).await;
    let error = reply(&world, "k").await;
    assert!(
        matches!(error, Err(ReplyError::NotRunning { state: "stopped" })),
        "{error:?}"
    );
    world.fleet.drain(SOON).await;
}
