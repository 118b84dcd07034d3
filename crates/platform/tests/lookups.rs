//! Messages and names, looked up at the simulated platform.

use std::time::Duration;

use longwire_egress::{Egress, EgressSettings, ProxyEnvironment, tls_config};
use longwire_platform::feishu::{
    ApiCaller, CallingApp, LookupError, NoSecretError, TenantTokens, lookups,
};
use longwire_sim::{Apps, Behaviour, CallBudgets, ChatMessage, Push, Sim, SimSettings};
use longwire_wire::view::Unavailable;
use secrecy::SecretString;
use url::Url;

const APP: &str = "cli_0123456789abcdef";
const SECRET: &str = "canary-0123456789";
/// Long enough for a loaded machine; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// An app that asks a simulated platform.
struct World {
    sim: Sim,
    egress: Egress,
    base: Url,
    tokens: TenantTokens,
}

impl World {
    fn new() -> Self {
        let sim = Sim::start(SimSettings {
            apps: Apps::Known(vec![(APP.to_owned(), SECRET.to_owned())]),
            // More names are asked for here than the platform allows within a second.
            call_budgets: CallBudgets::none(),
            ..SimSettings::default()
        })
        .expect("the simulator starts on loopback");
        let (tls, _) = tls_config(None).expect("a configuration");
        Self {
            egress: Egress::new(&EgressSettings::new(tls, ProxyEnvironment::default())),
            base: Url::parse(&sim.base_url()).expect("a url"),
            sim,
            tokens: TenantTokens::default(),
        }
    }

    async fn call<T>(&self, deadline: Duration, ask: impl AsyncFnOnce(&ApiCaller<'_>) -> T) -> T {
        let open_secret = || Ok::<_, NoSecretError>(SecretString::from(SECRET));
        let caller = ApiCaller {
            app: CallingApp {
                egress: &self.egress,
                base: &self.base,
                app_id: APP,
                open_secret: &open_secret,
                deadline,
            },
            tokens: &self.tokens,
        };
        ask(&caller).await
    }

    async fn name(&self, open_id: &str) -> Result<String, LookupError> {
        self.call(PATIENCE, async |caller| {
            lookups::person_name(caller, open_id).await
        })
        .await
    }

    /// Scripts the next lookup.
    fn next(&self, behaviour: Behaviour) {
        self.sim.control().behaviour(None, behaviour.times(1));
    }

    fn push(&self, message: ChatMessage) {
        self.sim.control().push(APP, Push::message(message));
    }
}

#[actix_rt::test]
async fn a_message_and_a_bundle_are_read() {
    let world = World::new();
    world.push(ChatMessage {
        message_id: Some("om_1".to_owned()),
        text: "what was said".to_owned(),
        ..ChatMessage::default()
    });
    world.push(ChatMessage {
        message_id: Some("om_2".to_owned()),
        forwarded: vec!["one".to_owned(), "two".to_owned()],
        ..ChatMessage::default()
    });
    let read = async |id: &'static str| {
        world
            .call(PATIENCE, async |caller| lookups::message(caller, id).await)
            .await
    };
    let message = read("om_1").await.expect("it stands");
    assert_eq!(message.text.as_deref(), Some("what was said"));
    let bundle = read("om_2").await.expect("it stands");
    let texts: Vec<_> = bundle
        .forwarded
        .iter()
        .map(|one| one.text.as_deref())
        .collect();
    assert_eq!(texts, [Some("one"), Some("two")]);
    assert_eq!(bundle.text, None);

    world.sim.control().recall("om_1");
    let why = async |id| read(id).await.expect_err("there is none").unavailable();
    assert_eq!(why("om_1").await, Unavailable::Recalled);
    assert_eq!(why("om_never").await, Unavailable::NotFound);
    assert_eq!(why("om_1/../x").await, Unavailable::NotFound);
    assert_eq!(world.sim.control().ledger().token_calls, 1);
}

#[actix_rt::test]
async fn a_name_is_read_or_it_is_said_why_not() {
    let world = World::new();
    assert_eq!(world.name("ou_00a1").await.expect("a name"), "Person 00a1");
    let refuse = |http, code| Behaviour::LookupRefuse {
        http,
        code,
        msg: "no".to_owned(),
    };
    for (next, expected) in [
        (Behaviour::LookupNameless, Unavailable::NoPermission),
        (refuse(400, 99_991_672), Unavailable::NoPermission),
        (refuse(400, 41_050), Unavailable::NoPermission),
        (refuse(429, 99_991_400), Unavailable::RateLimited),
        (refuse(500, 2_200), Unavailable::Failed),
        (refuse(400, 230_110), Unavailable::NotFound),
    ] {
        world.next(next.clone());
        let error = world.name("ou_1").await.expect_err("refused");
        assert_eq!(error.unavailable(), expected, "{next:?}");
    }
    let error = world.name("on_1").await.expect_err("nobody");
    assert_eq!(error.unavailable(), Unavailable::NotFound);
}

#[actix_rt::test]
async fn a_lookup_ends_at_its_deadline_and_replaces_a_token() {
    let world = World::new();
    world.name("ou_1").await.expect("a name");
    world.next(Behaviour::LookupHang);
    let short = Duration::from_millis(200);
    let outcome = world
        .call(short, async |caller| {
            lookups::person_name(caller, "ou_1").await
        })
        .await;
    let error = outcome.expect_err("no answer");
    assert_eq!(error.unavailable(), Unavailable::Timeout);
    world.next(Behaviour::LookupSlow { delay_ms: 20 });
    world.name("ou_1").await.expect("a late name");
    world.sim.control().expire_tokens(Some(APP));
    world.name("ou_1").await.expect("with a new token");
    let ledger = world.sim.control().ledger();
    assert_eq!((ledger.token_calls, ledger.lookups), (2, 5));
}
