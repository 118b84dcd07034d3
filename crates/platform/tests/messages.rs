//! Replies and messages, said to the simulated platform.

use std::cell::Cell;
use std::time::Duration;

use futures_util::future::join_all;
use longwire_egress::{Egress, EgressSettings, ProxyEnvironment, tls_config};
use longwire_platform::feishu::messages::{self, ReceiverKind};
use longwire_platform::feishu::{
    ApiCaller, CallingApp, IdempotencyKey, MessageError, NoSecretError, RefusalReason,
    TenantTokens, TokenError,
};
use longwire_sim::{Apps, Behaviour, ChatMessage, Control, Push, Sim, SimSettings};
use longwire_wire::open_api::SaidMessage;
use secrecy::SecretString;
use url::Url;

const APP: &str = "cli_0123456789abcdef";
const SECRET: &str = "canary-0123456789";
/// Long enough for a loaded machine; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// An app that talks to a simulated platform.
struct World {
    sim: Sim,
    egress: Egress,
    base: Url,
    tokens: TenantTokens,
    /// How often the secret was read.
    reads: Cell<u32>,
}

impl World {
    fn with(change: impl FnOnce(&mut SimSettings)) -> Self {
        let mut settings = SimSettings {
            apps: Apps::Known(vec![(APP.to_owned(), SECRET.to_owned())]),
            ..SimSettings::default()
        };
        change(&mut settings);
        let sim = Sim::start(settings).expect("the simulator starts on loopback");
        let (tls, _) = tls_config(None).expect("a configuration");
        Self {
            egress: Egress::new(&EgressSettings::new(tls, ProxyEnvironment::default())),
            base: Url::parse(&sim.base_url()).expect("a url"),
            sim,
            tokens: TenantTokens::default(),
            reads: Cell::new(0),
        }
    }

    fn new() -> Self {
        Self::with(|_| ())
    }

    fn control(&self) -> Control {
        self.sim.control()
    }

    async fn call<T>(&self, deadline: Duration, say: impl AsyncFnOnce(&ApiCaller<'_>) -> T) -> T {
        let open_secret = || {
            self.reads.set(self.reads.get() + 1);
            Ok::<_, NoSecretError>(SecretString::from(SECRET))
        };
        let app = CallingApp {
            egress: &self.egress,
            base: &self.base,
            app_id: APP,
            open_secret: &open_secret,
            deadline,
        };
        let caller = ApiCaller {
            app,
            tokens: &self.tokens,
        };
        say(&caller).await
    }

    async fn reply_within(
        &self,
        deadline: Duration,
        to: &str,
        name: &str,
    ) -> Result<SaidMessage, MessageError> {
        let text = format!("reply {name}");
        let key = key(name);
        self.call(deadline, async |caller| {
            messages::reply(caller, to, &text, &key).await
        })
        .await
    }

    async fn reply(&self, to: &str, name: &str) -> Result<SaidMessage, MessageError> {
        self.reply_within(PATIENCE, to, name).await
    }
}

fn key(name: &str) -> IdempotencyKey {
    IdempotencyKey::new(name).expect("a key")
}

fn refuse(code: i64) -> Behaviour {
    Behaviour::MessageRefuse {
        http: 400,
        code,
        msg: "no".to_owned(),
        reset_s: None,
        scopes: Vec::new(),
    }
}

#[actix_rt::test]
async fn a_reply_stands_in_the_chat_of_its_message() {
    let world = World::new();
    world.control().push(
        APP,
        Push::message(ChatMessage {
            chat: "oc_7".to_owned(),
            message_id: Some("om_7".to_owned()),
            ..ChatMessage::default()
        }),
    );
    let text = "a \"b\"\n<at user_id=\"ou_1\">Ann</at>";
    let said = world
        .call(PATIENCE, async |caller| {
            messages::reply(caller, "om_7", text, &key("k1")).await
        })
        .await
        .expect("it is said");
    assert_eq!(said.chat_id.as_deref(), Some("oc_7"));
    let sent = world
        .call(PATIENCE, async |caller| {
            messages::send(caller, ReceiverKind::Chat, "oc_8", "hello", &key("k2")).await
        })
        .await
        .expect("it is said");
    let stands = world.control().bot_messages(Some(APP));
    let [reply, message] = &stands[..] else {
        panic!("two messages: {stands:?}");
    };
    assert_eq!(reply.text.as_deref(), Some(text));
    assert_eq!(reply.in_reply_to.as_deref(), Some("om_7"));
    assert_eq!(
        (&reply.message_id, &*reply.chat),
        (&said.message_id, "oc_7")
    );
    assert_eq!(
        (&message.message_id, &*message.chat, &message.in_reply_to),
        (&sent.message_id, "oc_8", &None)
    );
}

#[actix_rt::test]
async fn one_token_serves_many_calls_and_is_asked_for_once() {
    let world = World::with(|settings| settings.chat_messages_per_second = 0);
    let names: Vec<String> = (0..8).map(|number| format!("k{number}")).collect();
    let replies = join_all(names.iter().map(|name| world.reply("om_1", name))).await;
    assert!(replies.iter().all(Result::is_ok), "{replies:?}");
    let ledger = world.control().ledger();
    assert_eq!((ledger.token_calls, ledger.messages_sent), (1, 8));
    assert_eq!(world.reads.get(), 1);
}

#[actix_rt::test]
async fn whoever_waited_for_a_token_shares_the_failure() {
    let world = World::new();
    let busy = Behaviour::TokenRefuse {
        code: 10_012,
        msg: format!("no token for {SECRET}"),
    };
    world.control().behaviour(None, busy.times(1));
    let replies = join_all(["a", "b", "c"].map(|name| world.reply("om_1", name))).await;
    for reply in replies {
        let Err(MessageError::Token(error)) = reply else {
            panic!("there is no token: {reply:?}");
        };
        assert!(
            matches!(&*error, TokenError::CredentialsRefused { code: 10_012, .. }),
            "{error:?}"
        );
        assert!(!format!("{error:?} {error}").contains(SECRET), "{error}");
    }
    assert_eq!(world.control().ledger().token_calls, 1);
    world
        .reply("om_1", "d")
        .await
        .expect("the next call asks again");
}

#[actix_rt::test]
async fn a_refused_token_is_replaced_once() {
    let world = World::new();
    world.reply("om_1", "a").await.expect("it is said");
    assert_eq!(world.control().expire_tokens(Some(APP)), 1);
    world.reply("om_1", "b").await.expect("with a new token");
    let ledger = world.control().ledger();
    assert_eq!((ledger.token_calls, ledger.message_calls), (2, 3));

    world.control().behaviour(None, refuse(99_991_663).times(2));
    let error = world.reply("om_1", "c").await.expect_err("refused twice");
    assert_eq!(error.label(), "token_refused");
    assert_eq!(world.control().ledger().message_calls, 5);
    world
        .reply("om_1", "c")
        .await
        .expect("the token is replaced again");
}

#[actix_rt::test]
async fn a_message_without_an_answer_is_sent_once() {
    for silence in [Behaviour::MessageUnanswered, Behaviour::MessageReset] {
        let world = World::new();
        world.reply("om_1", "first").await.expect("it is said");
        world.control().behaviour(None, silence.times(1));
        let short = Duration::from_millis(300);
        let error = world.reply_within(short, "om_1", "k").await;
        let error = error.expect_err("no answer");
        assert!(matches!(error, MessageError::Unknown(_)), "{error:?}");
        assert!(error.may_be_sent());
        let said = world.reply("om_1", "k").await.expect("the first one");
        let stands = world.control().bot_messages(None);
        assert_eq!(stands.len(), 2);
        assert_eq!(
            (&stands[1].message_id, stands[1].calls),
            (&said.message_id, 2)
        );
    }
}

#[actix_rt::test]
async fn limits_are_told_apart() {
    let world = World::new();
    let limited = Behaviour::MessageRefuse {
        http: 429,
        code: 99_991_400,
        msg: "slower".to_owned(),
        reset_s: Some(3),
        scopes: Vec::new(),
    };
    world.control().behaviour(None, limited.times(1));
    let error = world.reply("om_1", "a").await.expect_err("limited");
    let expected = Some(Duration::from_secs(3));
    assert!(
        matches!(error, MessageError::AppLimited { retry_after } if retry_after == expected),
        "{error:?}"
    );
    world.control().behaviour(None, refuse(230_020).times(1));
    let error = world.reply("om_1", "a").await.expect_err("limited");
    assert!(matches!(error, MessageError::ChatLimited), "{error:?}");
}

#[actix_rt::test]
async fn refusals_are_named_with_what_to_do() {
    let world = World::new();
    world.control().recall("om_gone");
    let error = world.reply("om_gone", "a").await.expect_err("recalled");
    let MessageError::Refused(refusal) = error else {
        panic!("a refusal: {error:?}");
    };
    assert_eq!(
        (refusal.reason, refusal.code),
        (RefusalReason::MessageGone, 230_011)
    );
    assert!(refusal.log_id.is_some());

    let scopes = Behaviour::MessageRefuse {
        http: 400,
        code: 99_991_672,
        msg: "no".to_owned(),
        reset_s: None,
        scopes: vec!["im:message:send_as_bot".to_owned()],
    };
    world.control().behaviour(None, scopes.times(1));
    let error = world.reply("om_1", "b").await.expect_err("no permission");
    assert!(error.next_step().contains("im:message:send_as_bot"));

    for nothing in ["", "om_1/../../x"] {
        let error = world.reply(nothing, "c").await.expect_err("no id");
        assert!(matches!(error, MessageError::BadMessageId));
    }
    let long = "x".repeat(200_000);
    let error = world
        .call(PATIENCE, async |caller| {
            messages::reply(caller, "om_1", &long, &key("d")).await
        })
        .await
        .expect_err("too long");
    assert!(matches!(error, MessageError::TooLong { .. }));
    assert!(world.control().bot_messages(None).is_empty());
}

#[actix_rt::test]
async fn wrong_credentials_are_no_passing_trouble() {
    let world = World::with(|settings| settings.apps = Apps::Known(Vec::new()));
    let error = world.reply("om_1", "a").await.expect_err("unknown app");
    assert_eq!(error.label(), "credentials_refused");
    assert!(!error.may_be_sent());
}
