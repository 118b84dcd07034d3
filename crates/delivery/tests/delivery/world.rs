//! A store with one bot, and delivery on it.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use longwire_access::Space;
use longwire_consumer::ConsumerDefinition;
use longwire_delivery::{
    ChatReplies, ChatReply, ChatReplyOutcome, ConsumerView, CreatedConsumer, Deliveries,
    DeliverySettings, DeliveryTiming, EventLookups, InstallationFacts, InstallationNames,
    LookupOutcome,
};
use longwire_egress::{AddressFilter, EgressSettings, ProxyEnvironment, SocketBudget, tls_config};
use longwire_installation::{BaseUrl, Desired, InstallationId, Origin, Platform};
use longwire_store::{
    Cause, Group, GroupReply, InstallationRecord, NewEvent, NewInstallation, Receipt,
    RecordOutcome, Seq, Source, Store, StoreSettings,
};
use longwire_wire::callback::OLD_CARD_TYPE;
use longwire_wire::identity::Identity;
use longwire_wire::view::{FoundMessage, PersonName, Unavailable};
use serde_json::{Value, json};

/// Far more than anything here takes.
pub(crate) const SOON: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) deliveries: Deliveries,
    pub(crate) bot: InstallationRecord,
    pub(crate) replies: Arc<Replies>,
    pub(crate) lookups: Arc<Lookups>,
    home: tempfile::TempDir,
    next: AtomicU32,
}

/// The space of everything here.
pub(crate) fn space() -> &'static Space {
    static SPACE: std::sync::LazyLock<Space> = std::sync::LazyLock::new(Space::default);
    &SPACE
}

/// What applications replied.
#[derive(Default)]
pub(crate) struct Replies(pub(crate) Mutex<Vec<ChatReply>>);

impl ChatReplies for Replies {
    fn reply(&self, reply: ChatReply) -> ChatReplyOutcome {
        let mut replies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        replies.push(reply);
        Box::pin(async { Ok(()) })
    }
}

/// What the platform tells when it is asked.
#[derive(Default)]
pub(crate) struct Lookups {
    /// The ids that were asked for, with the bot that was asked.
    pub(crate) asked: Mutex<Vec<(InstallationId, String)>>,
    /// The ids of which it never tells anything.
    pub(crate) silent: Mutex<Vec<String>>,
}

impl Lookups {
    /// From now on the platform tells nothing of this id.
    pub(crate) fn silence(&self, id: &str) {
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        silent.push(id.to_owned());
    }

    /// The ids that were asked for so far.
    pub(crate) fn ids(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().map(|(_, id)| id.clone()).collect()
    }

    fn answer<T: 'static>(
        &self,
        bot: InstallationId,
        id: &str,
        fact: impl FnOnce(String) -> Result<T, Unavailable> + 'static,
    ) -> LookupOutcome<T> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push((bot, id.to_owned()));
        let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let (is_silent, id) = (silent.iter().any(|one| one == id), id.to_owned());
        Box::pin(async move {
            if is_silent {
                std::future::pending::<()>().await;
            }
            fact(id)
        })
    }
}

impl EventLookups for Lookups {
    fn message(&self, bot: InstallationId, message_id: &str) -> LookupOutcome<FoundMessage> {
        self.answer(bot, message_id, |id| match id.as_str() {
            "om_gone" => Err(Unavailable::NotFound),
            _ => Ok(FoundMessage {
                text: Some(format!("text of {id}").into()),
                id: Some(id.into()),
                ..FoundMessage::default()
            }),
        })
    }

    fn person(&self, bot: InstallationId, open_id: &str) -> LookupOutcome<PersonName> {
        self.answer(bot, open_id, |id| {
            let name = format!("name of {id}").into();
            Ok(PersonName { name })
        })
    }
}

/// Somebody's message that answers another one.
pub(crate) struct Quoting<'a> {
    pub(crate) chat: &'a str,
    pub(crate) text: &'a str,
    pub(crate) sender: &'a str,
    /// The message that it answers.
    pub(crate) parent: &'a str,
}

/// The one bot.
struct Names(InstallationId, Arc<InstallationFacts>);

impl InstallationNames for Names {
    fn facts(&self, id: InstallationId) -> Option<Arc<InstallationFacts>> {
        (id == self.0).then(|| Arc::clone(&self.1))
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(DeliveryTiming::default()).await
    }

    pub(crate) async fn with(timing: DeliveryTiming) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        Self::at(home, timing, SocketBudget::unlimited()).await
    }

    /// With so many sockets, of which one in sixteen is for webhooks.
    pub(crate) async fn with_sockets(sockets: usize) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let budget = SocketBudget::new(sockets);
        Self::at(home, DeliveryTiming::default(), budget).await
    }

    async fn at(home: tempfile::TempDir, timing: DeliveryTiming, sockets: SocketBudget) -> Self {
        let database = home.path().join("longwire.db");
        let settings = StoreSettings::at(format!("sqlite:{}", database.display()));
        // The threads of the one before end in their own time.
        let store = until("the store is free", || Store::open(&settings).ok()).await;
        let bot = bot(&store);
        store.run_writer(|_| ()).expect("a thread");
        let replies = Arc::new(Replies::default());
        let facts = InstallationFacts {
            public_id: bot.public_id,
            name: bot.name.clone(),
            platform: bot.platform,
            space: bot.space.clone(),
        };
        let (tls, _) = tls_config(None).expect("TLS");
        let lookups = Arc::new(Lookups::default());
        let looks_up: Arc<dyn EventLookups> = Arc::<Lookups>::clone(&lookups);
        let of_settings: Arc<dyn ChatReplies> = Arc::<Replies>::clone(&replies);
        let deliveries = Deliveries::start(DeliverySettings {
            store: store.clone(),
            egress: EgressSettings {
                sockets,
                ..EgressSettings::new(tls, ProxyEnvironment::from_vars([("", ""); 0]))
            },
            filter: Arc::new(AddressFilter::from_entries(["loopback"]).expect("a word")),
            names: Arc::new(Names(bot.id, Arc::new(facts))),
            replies: of_settings,
            lookups: looks_up,
            timing,
            lower_priority: false,
            fault_injection: true,
        })
        .await
        .expect("delivery starts");
        Self {
            store,
            deliveries,
            bot,
            replies,
            lookups,
            home,
            next: AtomicU32::new(0),
        }
    }

    /// Ends delivery and the store, and starts both again.
    pub(crate) async fn restart(self, timing: DeliveryTiming) -> Self {
        let left = self.deliveries.drain(SOON).await;
        assert_eq!(left, 0, "all consumers drain");
        let next = self.next.load(Relaxed);
        let home = self.home;
        self.store.stop_writer();
        drop((self.store, self.deliveries));
        let again = Self::at(home, timing, SocketBudget::unlimited()).await;
        again.next.store(next, Relaxed);
        again
    }

    pub(crate) async fn create(&self, definition: Value) -> CreatedConsumer {
        let definition = ConsumerDefinition::parse(&definition).expect("a definition");
        let created = self.deliveries.create(Space::default(), definition, None);
        let created = created.await.expect("a consumer");
        let name = created.view.name.as_str();
        let runs = || self.view(name).progress.not_running.is_none();
        until_true("it runs", runs).await;
        created
    }

    pub(crate) fn view(&self, name: &str) -> ConsumerView {
        let view = self.deliveries.consumer(&Space::default(), name);
        view.expect("there is such a consumer")
    }

    /// Records a message of each text in this chat, and returns when they are on disk.
    pub(crate) fn say(&self, chat: &str, texts: &[&str]) -> Vec<Seq> {
        let message = |text: &&str| self.message(chat, text);
        self.record(texts.iter().map(message).collect())
    }

    /// Records a message that answers another one.
    pub(crate) fn quote(&self, quoting: &Quoting<'_>) -> Seq {
        let mut event = self.message(quoting.chat, quoting.text);
        let mut payload: Value = serde_json::from_slice(&event.payload).expect("our own");
        payload["event"]["message"]["parent_id"] = json!(quoting.parent);
        payload["event"]["sender"]["sender_id"]["open_id"] = json!(quoting.sender);
        event.payload = payload.to_string().into_bytes().into();
        self.record(vec![event])[0]
    }

    fn message(&self, chat: &str, text: &str) -> NewEvent {
        let number = self.next.fetch_add(1, Relaxed);
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
        event(number, "im.message.receive_v1", Some(chat), &payload)
    }

    /// An event of this type and chat, to be recorded.
    pub(crate) fn message_in(&self, chat: &str, event_type: &'static str) -> NewEvent {
        NewEvent {
            event_type: Some(event_type.into()),
            ..self.message(chat, "")
        }
    }

    /// Records a click on a card.
    pub(crate) fn click(&self, button: &str) -> Seq {
        let number = self.next.fetch_add(1, Relaxed);
        let payload = json!({
            "schema": "2.0",
            "header": {"event_id": format!("ev_{number}"), "event_type": "card.action.trigger",
                "create_time": "1700000000000", "token": "", "app_id": "cli", "tenant_key": "t"},
            "event": {
                "operator": {"open_id": "ou_1", "tenant_key": "t"}, "token": "c",
                "action": {"tag": "button", "value": {"button": button}},
                "context": {"open_message_id": "om_card", "open_chat_id": "oc_1"},
            },
        });
        let event = event(number, "card.action.trigger", Some("oc_1"), &payload);
        self.record(vec![event])[0]
    }

    /// Records a click on a card whose callbacks are of the old generation.
    pub(crate) fn old_click(&self) -> Seq {
        let number = self.next.fetch_add(1, Relaxed);
        let payload = json!({
            "open_id": "ou_1", "open_message_id": "om_card", "open_chat_id": "oc_1", "tenant_key": "t",
            "token": format!("c-{number}"), "action": {"tag": "button", "value": {"button": "a"}},
        });
        let event = event(number, OLD_CARD_TYPE, Some("oc_1"), &payload);
        self.record(vec![event])[0]
    }

    pub(crate) fn record(&self, events: Vec<NewEvent>) -> Vec<Seq> {
        let (tell, told) = mpsc::channel();
        let group = Group {
            installation: self.bot.id,
            platform: Some(self.bot.platform),
            events,
            reply: Arc::new(Told(tell)),
        };
        self.store.writer().submit(group).expect("there is room");
        told.recv_timeout(SOON).expect("they are recorded")
    }
}

fn event(number: u32, event_type: &'static str, chat: Option<&str>, payload: &Value) -> NewEvent {
    let payload = payload.to_string().into_bytes();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    NewEvent {
        ticket: number,
        identity: Identity::unparsed(Some(&number.to_string()), &payload),
        event_id: Some(format!("ev_{number}").into()),
        event_type: Some(event_type.into()),
        chat: chat.map(Into::into),
        source: Source::LongConnection,
        received_ms: i64::try_from(now.as_millis()).expect("before the end of time"),
        created_ms: None,
        trace_id: None,
        payload: payload.into(),
    }
}

fn bot(store: &Store) -> InstallationRecord {
    if let Some(bot) = store.reader().installation("bot").expect("readable") {
        return bot;
    }
    let new = NewInstallation {
        name: "bot".parse().expect("a name"),
        platform: Platform::Feishu,
        app_id: "cli_bot".to_owned(),
        app_secret: "secret".into(),
        base_url: BaseUrl::parse(Platform::Feishu, "https://open.feishu.cn", &[]).ok(),
        proxy: None,
        mode: Default::default(),
        verification_token: None,
        encrypt_key: None,
        take_back: None,
        desired: Desired::Run,
        origin: Origin::File,
        space: Space::default(),
    };
    store.add_installation(new).expect("an installation")
}

struct Told(mpsc::Sender<Vec<Seq>>);

impl GroupReply for Told {
    fn recorded(&self, receipts: Vec<Receipt>) {
        let seqs = receipts.iter().map(|receipt| match receipt.outcome() {
            RecordOutcome::Recorded(seq) => seq,
            RecordOutcome::Repeat { of, .. } => panic!("it was recorded as {of}"),
        });
        // A test that has ended does not wait.
        let _ = self.0.send(seqs.collect());
    }

    fn not_recorded(&self, tickets: Vec<u32>, cause: Cause) {
        panic!("{tickets:?} were not recorded: {cause}");
    }
}

/// Waits until `look` finds something.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + SOON;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until a condition holds.
pub(crate) async fn until_true(what: &str, mut holds: impl FnMut() -> bool) {
    until(what, || holds().then_some(())).await;
}
