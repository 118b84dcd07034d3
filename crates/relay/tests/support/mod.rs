//! A proxy behind a listener, between a client of this test and a platform of this test.

// Each test program uses a part of it, and includes it as a module.
#![allow(dead_code, unreachable_pub)]

pub mod client;
pub mod platform;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use longwire_access::{Grant, NewToken, RANDOM_BYTES, Scopes, TokenText};
use longwire_egress::{EgressSettings, ProxyEnvironment, StreamingLimits, tls_config};
use longwire_installation::{BaseUrl, Desired, Origin, Platform, PublicId};
use longwire_listener::{
    AccessCheck, AccessSettings, Draining, ListenerSettings, ServerHandle, StreamLimits, Timeouts,
    TokenRates, serve,
};
use longwire_relay::proxy::{BotsOfApps, LIMITS, OpenApiProxy, Pacing, ProxySettings};
use longwire_store::{InstallationRecord, NewInstallation, Store, StoreSettings};

use client::{Answered, ask};

/// The app, and what nobody but longwire and the platform may see.
pub const APP: &str = "cli_0123456789abcdef";
/// The app's own secret.
pub const SECRET: &str = "marker-of-the-real-secret";
/// What the platform's tokens begin with.
pub const TENANT_TOKEN: &str = "t-marker-of-the-tenant-token-";

/// Long enough for a loaded machine; only a test that fails waits for it.
pub const PATIENCE: Duration = Duration::from_secs(60);

struct KnownBots(Vec<Arc<InstallationRecord>>);

impl BotsOfApps for KnownBots {
    fn of_app(&self, app_id: &str) -> Vec<Arc<InstallationRecord>> {
        let bots = self.0.iter().filter(|bot| bot.app_id == app_id);
        bots.cloned().collect()
    }

    fn bot(&self, id: PublicId) -> Option<Arc<InstallationRecord>> {
        self.0.iter().find(|bot| bot.public_id == id).cloned()
    }
}

/// What a test may change.
pub struct Change {
    pub limits: StreamingLimits,
    pub timeouts: Timeouts,
    pub pacing: Pacing,
}

/// A running proxy.
pub struct World {
    pub address: SocketAddr,
    pub proxy: Arc<OpenApiProxy>,
    pub store: Store,
    pub bot: Arc<InstallationRecord>,
    pub draining: Draining,
    listener: ServerHandle,
    _home: tempfile::TempDir,
}

impl World {
    /// In front of a platform at this port.
    pub fn new(platform: u16) -> Self {
        Self::with(platform, |_| ())
    }

    pub fn with(platform: u16, change: impl FnOnce(&mut Change)) -> Self {
        let mut changed = Change {
            limits: LIMITS,
            timeouts: Timeouts::default(),
            pacing: Pacing::AsPublished,
        };
        change(&mut changed);
        let home = tempfile::tempdir().expect("a temporary directory");
        let url = format!("sqlite:{}", home.path().join("log.db").display());
        let store = Store::open(&StoreSettings::at(url)).expect("a fresh store opens");
        store.run_writer(|_| ()).expect("a thread");
        let bot = add_bot(&store, "support", APP, platform);
        let other = add_bot(&store, "other", "cli_fedcba9876543210", platform);
        let bots = Arc::new(KnownBots(vec![Arc::clone(&bot), other]));
        let tokens = store.tokens();
        let access = AccessCheck::new(AccessSettings {
            tokens: Arc::new(move |presented: &TokenText, now_ms: i64| {
                tokens.authenticate(presented, now_ms)
            }),
            rates: TokenRates::default(),
            streams: StreamLimits {
                per_space: 9,
                per_process: 9,
            },
        });
        let (tls, _) = tls_config(None).expect("a configuration");
        let draining = Draining::default();
        let proxy = OpenApiProxy::new(ProxySettings {
            bots,
            connections: Arc::new(|_, _| 3),
            store: store.clone(),
            access: access.clone(),
            egress: EgressSettings::new(tls, ProxyEnvironment::default()),
            draining: draining.clone(),
            limits: changed.limits,
            pacing: changed.pacing,
        });
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = socket.local_addr().expect("an address");
        let settings = ListenerSettings {
            name: "api",
            connections: 64,
            timeouts: changed.timeouts,
            hosts: None,
            tls: None,
            upgrades: None,
        };
        let routes = Arc::clone(&proxy);
        let server = serve(settings, socket, access, move || routes.routes());
        let server = server.expect("it listens");
        let listener = server.handle();
        actix_rt::spawn(server);
        Self {
            address,
            proxy,
            store,
            bot,
            draining,
            listener,
            _home: home,
        }
    }

    /// A token of ours with these scopes.
    pub fn token(&self, name: &str, scopes: &str) -> TokenText {
        self.token_of(name, scopes, None)
    }

    /// A token that is narrowed to bots.
    pub fn token_of(
        &self,
        name: &str,
        scopes: &str,
        installations: Option<Box<[PublicId]>>,
    ) -> TokenText {
        let mut random = [0; RANDOM_BYTES];
        for (byte, letter) in random.iter_mut().zip(name.bytes().cycle()) {
            *byte = letter;
        }
        let text = TokenText::new(&random);
        let scopes: Scopes = scopes.parse().expect("scopes");
        let new = NewToken {
            name: name.parse().expect("a name"),
            space: Default::default(),
            scopes,
            installations,
            expires_ms: None,
        };
        self.store.create_token(new, &text).expect("it is kept");
        text
    }

    pub fn grant(&self, token: &TokenText) -> Grant {
        let granted = self.store.tokens().authenticate(token, 0);
        granted.expect("a valid token")
    }

    /// The answer to the call for a token.
    pub async fn ask_token(&self, app_id: &str, secret: &str) -> Answered {
        let body = format!(r#"{{"app_id":"{app_id}","app_secret":"{secret}"}}"#);
        let path = "/open-apis/auth/v3/tenant_access_token/internal";
        ask(self.address, "POST", path, &[], body.as_bytes()).await
    }

    /// The value of `Authorization` that an SDK has for this token of ours.
    pub async fn authorization(&self, token: &TokenText) -> String {
        let answered = self.ask_token(APP, token.expose()).await;
        let given = answered.json();
        assert_eq!(given["code"], 0, "{given}");
        let token = given["tenant_access_token"].as_str().expect("a token");
        format!("Bearer {token}")
    }

    /// A call with this `Authorization`.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        authorization: &str,
        body: &[u8],
    ) -> Answered {
        let headers = [
            ("Authorization", authorization),
            ("Content-Type", "application/json; charset=utf-8"),
        ];
        ask(self.address, method, path, &headers, body).await
    }

    pub async fn stop(self) {
        self.listener.stop(false).await;
        self.store.stop_writer();
    }
}

fn add_bot(store: &Store, name: &str, app_id: &str, platform: u16) -> Arc<InstallationRecord> {
    let base = format!("http://127.0.0.1:{platform}");
    let base = BaseUrl::parse(Platform::Feishu, &base, &[]).expect("an address");
    let new = NewInstallation {
        name: name.parse().expect("a name"),
        platform: Platform::Feishu,
        app_id: app_id.to_owned(),
        app_secret: SECRET.into(),
        base_url: Some(base),
        proxy: None,
        mode: Default::default(),
        verification_token: None,
        encrypt_key: None,
        take_back: None,
        desired: Desired::Run,
        origin: Origin::Cli,
        space: Default::default(),
    };
    Arc::new(store.add_installation(new).expect("it is added"))
}

/// Looks until there is something.
pub async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, found)
        .await
        .expect("it comes in time")
}
