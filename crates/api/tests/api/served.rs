//! A listener with the routes, and what is behind it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use longwire_access::{Grant, RANDOM_BYTES, Scope, Scopes, Space, TokenRefusal, TokenText};
use longwire_api::{
    Api, ApiSettings, CallbackBot, CallbackRules, CallbackSources, CompatSettings,
    InstallationRules, ReadyFloor,
};
use longwire_delivery::{
    ChatReplies, ChatReply, ChatReplyOutcome, Deliveries, DeliverySettings, DeliveryTiming,
    InstallationFacts, InstallationNames, NoLookups,
};
use longwire_egress::{AddressFilter, EgressSettings, ProxyEnvironment, tls_config};
use longwire_fleet::{CardAnswering, Fleet, FleetLimits, FleetSettings};
use longwire_installation::{BaseUrl, Desired, InstallationId, Mode, Origin, Platform, PublicId};
use longwire_link::Timing;
use longwire_listener::{
    AccessCheck, AccessSettings, Draining, ListenerSettings, StreamLimits, Timeouts, TokenRates,
    serve,
};
use longwire_store::{
    Cause, Group, GroupReply, InstallationRecord, NewEvent, NewInstallation, Receipt,
    RecordOutcome, Source, Store, StoreSettings,
};
use longwire_wire::callback::ReplayWindow;
use longwire_wire::identity::Identity;
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Far more than anything here takes.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// All scopes, the space `default`.
    Owner,
    /// No scope but `relay`.
    Scopeless,
    /// All scopes, another space.
    Stranger,
    /// All scopes, narrowed to the first bot.
    Narrowed,
    /// A token that has expired.
    Expired,
}

pub(crate) fn token(who: Who) -> TokenText {
    TokenText::new(&[who as u8 + 1; RANDOM_BYTES])
}

/// A listener with the routes, and what is behind it.
pub(crate) struct Served {
    pub(crate) base: String,
    pub(crate) store: Store,
    pub(crate) draining: Draining,
    pub(crate) deliveries: Deliveries,
    pub(crate) access: AccessCheck,
    /// Whether all tokens are revoked.
    pub(crate) revoked: Arc<AtomicBool>,
    /// Two bots that are not to be connected.
    pub(crate) bots: [InstallationRecord; 2],
    _directory: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) text: String,
}

/// What a test wants to be otherwise.
pub(crate) struct Wanted {
    /// Who is asked about card events.
    pub(crate) cards: CardAnswering,
    /// What callbacks are taken by.
    pub(crate) callbacks: CallbackRules,
    /// One more bot, and what its callbacks are checked with: an app id, the verification token, the encrypt key.
    pub(crate) hooked: Option<(&'static str, Option<SecretString>, Option<SecretString>)>,
    /// What bots may do together.
    pub(crate) limits: FleetLimits,
    /// How many bots have to be live for the gateway to be ready.
    pub(crate) ready_floor: ReadyFloor,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            cards: CardAnswering::default(),
            callbacks: CallbackRules {
                sources: CallbackSources::default(),
                body_bytes: 64 << 10,
                window: ReplayWindow::within(Duration::from_secs(300)),
                now_ms: || NOW_MS,
            },
            hooked: None,
            limits: FleetLimits::default(),
            ready_floor: ReadyFloor::NONE,
        }
    }
}

/// What time it is for callbacks, in milliseconds since 1970.
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;

const STREAMS: StreamLimits = StreamLimits {
    per_space: 2,
    per_process: 3,
};

impl Served {
    async fn start(wanted: Wanted) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let url = format!("sqlite:{}", directory.path().join("test.db").display());
        let store = Store::open(&StoreSettings::at(url)).expect("a new store opens");
        let bots = ["one", "two"].map(|name| bot(&store, name));
        if let Some(hooked) = wanted.hooked {
            add_hooked(&store, hooked);
        }
        let (tls, _roots) = tls_config(None).expect("the system's roots load");
        let egress = EgressSettings::new(tls, ProxyEnvironment::default());
        let fleet = Fleet::start(FleetSettings {
            timing: Timing::default(),
            connect_per_second: 0,
            window_events: 64,
            window_bytes: 1 << 20,
            arbiters: 1,
            egress: egress.clone(),
            store: store.clone(),
            fault_injection: false,
            config_faults: BTreeMap::new(),
            cards: wanted.cards,
            limits: wanted.limits,
        })
        .await;
        let deliveries = Deliveries::start(DeliverySettings {
            store: store.clone(),
            egress,
            filter: Arc::new(AddressFilter::from_entries(["loopback"]).expect("a word")),
            names: Arc::new(Names::of(&bots)),
            replies: Arc::new(NoReplies),
            lookups: Arc::new(NoLookups),
            timing: DeliveryTiming::default(),
            lower_priority: false,
            fault_injection: false,
        })
        .await
        .expect("delivery starts");
        let draining = Draining::default();
        let narrowed = bots[0].public_id;
        let revoked = Arc::new(AtomicBool::new(false));
        let is_revoked = Arc::clone(&revoked);
        let access = AccessCheck::new(AccessSettings {
            tokens: Arc::new(move |presented: &TokenText, _: i64| {
                if is_revoked.load(SeqCst) {
                    return Err(TokenRefusal::Revoked);
                }
                grant(presented, narrowed)
            }),
            rates: TokenRates::default(),
            streams: STREAMS,
        });
        let api = Api::new(ApiSettings {
            retention: Arc::new(|| None),
            fleet,
            store: store.clone(),
            deliveries: deliveries.clone(),
            read_again: Arc::new(|_| Box::pin(async { Ok(()) })),
            installation_rules: InstallationRules::default(),
            ready_floor: wanted.ready_floor,
            draining: draining.clone(),
            access: access.clone(),
            compat: compat(),
            version: "1.2.3",
            log_lines_dropped: || 5,
            relay_calls: Arc::new(Vec::new),
            callbacks: wanted.callbacks,
        });
        let base = listen(&api, &access);
        Self {
            base,
            store,
            draining,
            deliveries,
            access,
            revoked,
            bots,
            _directory: directory,
        }
    }

    /// Without a token.
    pub(crate) async fn text(&self, path: &str) -> (u16, String) {
        let request = client().get(format!("{}{path}", self.base));
        let mut answer = request.send().await.expect("the listener answers");
        let body = answer.body().limit(8 << 20).await.expect("the body comes");
        let text = String::from_utf8_lossy(&body).into_owned();
        (answer.status().as_u16(), text)
    }

    /// Without a token.
    pub(crate) async fn open(&self, path: &str) -> (u16, Value) {
        let (status, text) = self.text(path).await;
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Who::Owner, "GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Who::Owner, "POST", path, Some(body)).await
    }

    pub(crate) async fn ask(
        &self,
        who: Who,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        self.ask_with(who, method, path, body, &[]).await
    }

    pub(crate) async fn ask_with(
        &self,
        who: Who,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let method = method.parse().expect("a method");
        let mut request = client()
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(token(who).expose());
        for &header in headers {
            request = request.insert_header(header);
        }
        let answer = match body {
            Some(body) => request.send_json(&body).await,
            None => request.send().await,
        };
        let mut answer = answer.expect("the listener answers");
        let text = answer.body().limit(8 << 20).await.expect("the body comes");
        let headers = answer.headers().iter().map(|(name, value)| {
            let value = value.to_str().expect("ASCII").to_owned();
            (name.to_string(), value)
        });
        Answer {
            status: answer.status().as_u16(),
            headers: headers.collect(),
            body: serde_json::from_slice(&text).unwrap_or_default(),
            text: String::from_utf8_lossy(&text).into_owned(),
        }
    }

    /// Records a message of each text in this chat of a bot. Returns when they are on disk.
    pub(crate) fn say(&self, bot: usize, chat: &str, texts: &[&str]) {
        let (tell, told) = mpsc::channel();
        let group = Group {
            installation: self.bots[bot].id,
            platform: Some(self.bots[bot].platform),
            events: texts.iter().map(|text| message(chat, text)).collect(),
            reply: Arc::new(Told(tell)),
        };
        self.store.writer().submit(group).expect("there is room");
        told.recv_timeout(SOON).expect("they are recorded");
    }

    /// Makes a consumer, and waits until it runs.
    pub(crate) async fn consumer(&self, definition: Value) -> Value {
        let made = self.post("/v1/consumers", definition).await;
        assert_eq!(made.status, 201, "{made:?}");
        let name = made.body["name"].as_str().expect("a name").to_owned();
        self.until(|served| {
            let view = served.deliveries.consumer(&Space::default(), &name);
            view.is_some_and(|view| view.progress.not_running.is_none())
        })
        .await;
        made.body
    }

    /// Waits until the fleet knows this bot.
    pub(crate) async fn until_seen(&self, id: &str) {
        let path = format!("/v1/installations/{id}");
        let end = std::time::Instant::now() + SOON;
        while self.get(&path).await.status != 200 {
            assert!(std::time::Instant::now() < end, "in vain");
        }
    }

    pub(crate) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let end = std::time::Instant::now() + SOON;
        while !holds(self) {
            assert!(std::time::Instant::now() < end, "in vain");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// All routes of other systems, of which one is about the first bot.
fn compat() -> CompatSettings {
    let bot = CallbackBot::Named("one".parse().expect("a name"));
    CompatSettings {
        aurak: true,
        lark_callback: Some(bot),
    }
}

pub(crate) fn client() -> awc::Client {
    awc::Client::builder()
        .timeout(SOON)
        .disable_redirects()
        .finish()
}

fn grant(presented: &TokenText, narrowed: PublicId) -> Result<Grant, TokenRefusal> {
    let all = [
        Who::Owner,
        Who::Scopeless,
        Who::Stranger,
        Who::Narrowed,
        Who::Expired,
    ];
    let who = all
        .into_iter()
        .find(|who| token(*who).id() == presented.id());
    let who = who.ok_or(TokenRefusal::Unknown)?;
    if who == Who::Expired {
        return Err(TokenRefusal::Expired);
    }
    Ok(Grant {
        token: presented.id(),
        name: "test".parse().expect("a name"),
        space: match who {
            Who::Stranger => "shop".parse().expect("a space"),
            _ => Space::default(),
        },
        scopes: match who {
            Who::Scopeless => Scopes::from_iter([Scope::Relay]),
            _ => Scopes::all(),
        },
        installations: (who == Who::Narrowed).then(|| [narrowed].into()),
        expires_ms: None,
    })
}

fn bot(store: &Store, name: &str) -> InstallationRecord {
    let new = NewInstallation {
        name: name.parse().expect("a name"),
        platform: Platform::Feishu,
        app_id: format!("cli_{name}"),
        app_secret: "secret".into(),
        base_url: BaseUrl::parse(Platform::Feishu, "https://open.feishu.cn", &[]).ok(),
        proxy: None,
        mode: Default::default(),
        verification_token: None,
        encrypt_key: None,
        take_back: None,
        desired: Desired::Stop,
        origin: Origin::Api,
        space: Space::default(),
    };
    store.add_installation(new).expect("an installation")
}

/// Serves the routes from now on. Returns where.
fn listen(api: &Arc<Api>, access: &AccessCheck) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
    let base = format!("http://{}", listener.local_addr().expect("it is bound"));
    let settings = ListenerSettings {
        name: "api",
        connections: 16,
        timeouts: Timeouts::default(),
        hosts: None,
        tls: None,
        upgrades: None,
    };
    let api = Arc::clone(api);
    let server = serve(settings, listener, access.clone(), move || api.routes());
    actix_rt::spawn(server.expect("the listener is taken over"));
    base
}

/// A bot that gets its events by callbacks, called `hooked`.
fn add_hooked(
    store: &Store,
    (app_id, verification_token, encrypt_key): (&str, Option<SecretString>, Option<SecretString>),
) {
    let new = NewInstallation {
        name: "hooked".parse().expect("a name"),
        platform: Platform::Feishu,
        app_id: app_id.to_owned(),
        app_secret: "secret".into(),
        base_url: None,
        proxy: None,
        take_back: None,
        mode: Mode::Webhook,
        verification_token,
        encrypt_key,
        desired: Desired::Run,
        origin: Origin::Cli,
        space: Space::default(),
    };
    store.add_installation(new).expect("an installation");
}

fn message(chat: &str, text: &str) -> NewEvent {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let content = json!({ "text": text }).to_string();
    let payload = json!({
        "schema": "2.0",
        "header": {"event_id": format!("ev_{number}"), "event_type": "im.message.receive_v1",
            "create_time": "1700000000000", "token": "", "app_id": "cli", "tenant_key": "t"},
        "event": {
            "sender": {"sender_id": {"open_id": "ou_1"}, "sender_type": "user", "tenant_key": "t"},
            "message": {"message_id": format!("om_{number}"), "create_time": "1700000000000",
                "chat_id": chat, "chat_type": "group", "message_type": "text", "content": content},
        },
    });
    let payload = payload.to_string().into_bytes();
    // An older event would make its consumers lag.
    let since = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
    NewEvent {
        ticket: number,
        identity: Identity::unparsed(Some(&number.to_string()), &payload),
        event_id: Some(format!("ev_{number}").into()),
        event_type: Some("im.message.receive_v1".into()),
        chat: Some(chat.into()),
        source: Source::LongConnection,
        received_ms: i64::try_from(since.as_millis()).expect("before the end of time"),
        created_ms: None,
        trace_id: None,
        payload: payload.into(),
    }
}

struct Told(mpsc::Sender<()>);

impl GroupReply for Told {
    fn recorded(&self, receipts: Vec<Receipt>) {
        for receipt in receipts {
            assert!(matches!(receipt.outcome(), RecordOutcome::Recorded(_)));
        }
        // A test that has ended does not wait.
        let _ = self.0.send(());
    }

    fn not_recorded(&self, tickets: Vec<u32>, cause: Cause) {
        panic!("{tickets:?} were not recorded: {cause}");
    }
}

struct Names(Vec<(InstallationId, Arc<InstallationFacts>)>);

impl Names {
    fn of(bots: &[InstallationRecord]) -> Self {
        let facts = bots.iter().map(|bot| {
            let facts = InstallationFacts {
                public_id: bot.public_id,
                name: bot.name.clone(),
                platform: bot.platform,
                space: bot.space.clone(),
            };
            (bot.id, Arc::new(facts))
        });
        Self(facts.collect())
    }
}

impl InstallationNames for Names {
    fn facts(&self, id: InstallationId) -> Option<Arc<InstallationFacts>> {
        let found = self.0.iter().find(|(known, _)| *known == id);
        found.map(|(_, facts)| Arc::clone(facts))
    }
}

struct NoReplies;

impl ChatReplies for NoReplies {
    fn reply(&self, _: ChatReply) -> ChatReplyOutcome {
        Box::pin(async { Ok(()) })
    }
}

/// Runs a test in a system of its own.
pub(crate) fn with_routes<F: Future<Output = ()>>(test: impl FnOnce(Served) -> F) {
    with_wanted(Wanted::default(), test);
}

/// The same, where something is otherwise.
pub(crate) fn with_wanted<F: Future<Output = ()>>(wanted: Wanted, test: impl FnOnce(Served) -> F) {
    actix_rt::System::new().block_on(async { test(Served::start(wanted).await).await });
}

/// The texts of messages in a list of envelopes.
pub(crate) fn texts(events: &Value) -> Vec<String> {
    let events = events.as_array().expect("a list");
    let text = |event: &Value| event["data"]["message"]["text"].as_str().map(str::to_owned);
    events.iter().filter_map(text).collect()
}
