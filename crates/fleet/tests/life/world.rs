//! A fleet against the simulated platform, in one process, and how tests look at it.

use longwire_egress::{EgressSettings, ProxyEnvironment, tls_config};
use longwire_fleet::{CardAnswering, Fleet, FleetLimits, FleetSettings, InstallationView};
use longwire_installation::{BaseUrl, Desired, InstallationId, Origin, Platform};
use longwire_link::Timing;
use longwire_sim::{Sim, SimSettings};
use longwire_store::{NewInstallation, Store, StoreSettings};
use longwire_wire::endpoint::ClientConfig;
use secrecy::SecretString;
use std::time::{Duration, Instant};

/// Far more than anything here takes, and far less than the drains that are asked for.
pub(crate) const SOON: Duration = Duration::from_secs(20);
pub(crate) const LATE: Duration = Duration::from_secs(600);

pub(crate) struct World {
    pub(crate) sim: Sim,
    pub(crate) fleet: Fleet,
    pub(crate) store: Store,
    pub(crate) home: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new(bots: usize) -> Self {
        Self::pinging_every(1, bots).await
    }

    pub(crate) async fn pinging_every(seconds: i64, bots: usize) -> Self {
        Self::with(seconds, bots, Timing::default().fragment_ttl).await
    }

    pub(crate) async fn with(ping_seconds: i64, bots: usize, fragment_ttl: Duration) -> Self {
        Self::start(ping_seconds, bots, fragment_ttl, 0).await
    }

    /// With a budget of so many attempts a second.
    pub(crate) async fn connecting(bots: usize, per_second: u32) -> Self {
        Self::start(1, bots, Timing::default().fragment_ttl, per_second).await
    }

    pub(crate) async fn start(
        ping_seconds: i64,
        bots: usize,
        fragment_ttl: Duration,
        connect_per_second: u32,
    ) -> Self {
        let settings = |store: &Store| {
            let timing = Timing {
                fragment_ttl,
                ..quick()
            };
            FleetSettings {
                connect_per_second,
                ..settings_of(store, timing)
            }
        };
        Self::of(ping_seconds, bots, settings).await
    }

    /// With somebody who is asked about card events.
    pub(crate) async fn answering(bots: usize, cards: CardAnswering) -> Self {
        let settings = |store: &Store| FleetSettings {
            cards,
            ..settings_of(store, quick())
        };
        Self::of(1, bots, settings).await
    }

    /// One bot, with these limits.
    pub(crate) async fn limited(limits: FleetLimits) -> Self {
        let settings = |store: &Store| FleetSettings {
            limits,
            ..settings_of(store, quick())
        };
        Self::of(1, 1, settings).await
    }

    /// One bot, with these deadlines.
    pub(crate) async fn with_timing(timing: Timing) -> Self {
        Self::of(1, 1, |store| settings_of(store, timing)).await
    }

    pub(crate) async fn of(
        ping_seconds: i64,
        bots: usize,
        settings: impl FnOnce(&Store) -> FleetSettings,
    ) -> Self {
        let sim = Sim::start(SimSettings {
            client_config: ClientConfig {
                reconnect_count: Some(-1),
                reconnect_interval: Some(1),
                reconnect_nonce: Some(0),
                ping_interval: Some(ping_seconds),
            },
            // A panicked connection leaves pushes unanswered; the platform repeats them soon.
            ladder: vec![Duration::from_secs(1); 8],
            ..SimSettings::default()
        })
        .expect("the simulator starts on loopback");
        let (home, store) = fresh_store();
        for number in 0..bots {
            let bot = NewInstallation {
                app_id: app(number),
                ..bot(Platform::Feishu, &format!("bot-{number}"), &sim.base_url())
            };
            store
                .add_installation(bot)
                .expect("an installation is added");
        }
        let fleet = Fleet::start(settings(&store)).await;
        Self {
            sim,
            fleet,
            store,
            home,
        }
    }

    pub(crate) async fn all_live(&self) {
        until("everybody is live", || {
            let overview = self.fleet.overview();
            (overview.by_state.get("live") == Some(&overview.installations)).then_some(())
        })
        .await;
    }

    /// One more, known from the next reload on.
    pub(crate) fn add(&self, platform: Platform, name: &str, base_url: &str) {
        self.store
            .add_installation(bot(platform, name, base_url))
            .expect("an installation is added");
    }

    pub(crate) fn id(&self, number: usize) -> InstallationId {
        let record = self.store.reader().installation(&format!("bot-{number}"));
        record.expect("readable").expect("it was added").id
    }

    pub(crate) fn bot(&self, number: usize) -> InstallationView {
        self.fleet
            .installation(&format!("bot-{number}"))
            .expect("it was added")
    }
}

pub(crate) fn fresh_store() -> (tempfile::TempDir, Store) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let store = Store::open(&StoreSettings::at(format!(
        "sqlite:{}",
        home.path().join("log.db").display()
    )))
    .expect("a fresh store opens");
    (home, store)
}

/// A bot whose app is called as it is.
pub(crate) fn bot(platform: Platform, name: &str, base_url: &str) -> NewInstallation {
    NewInstallation {
        name: name.parse().expect("a name"),
        platform,
        app_id: name.to_owned(),
        app_secret: SecretString::from("secret"),
        // Unchecked, as in a row of an older version: one bot here has an address that nobody can dial.
        base_url: Some(BaseUrl::from_row(base_url.to_owned())),
        proxy: None,
        mode: Default::default(),
        verification_token: None,
        encrypt_key: None,
        take_back: None,
        desired: Desired::Run,
        origin: Origin::Cli,
        space: Default::default(),
    }
}

/// Timings of a platform that is near.
pub(crate) fn quick() -> Timing {
    Timing {
        pong_grace: Duration::from_secs(1),
        backoff_base: Duration::from_millis(50),
        stable_after: Duration::from_millis(50),
        ..Timing::default()
    }
}

pub(crate) async fn fleet_of(store: &Store, timing: Timing, connect_per_second: u32) -> Fleet {
    let settings = settings_of(store, timing);
    Fleet::start(FleetSettings {
        connect_per_second,
        ..settings
    })
    .await
}

pub(crate) fn settings_of(store: &Store, timing: Timing) -> FleetSettings {
    let (tls, _) = tls_config(None).expect("roots");
    let environment = ProxyEnvironment::from_vars(std::iter::empty::<(&str, &str)>());
    FleetSettings {
        timing,
        connect_per_second: 0,
        window_events: 64,
        window_bytes: 4 * 1024 * 1024,
        arbiters: 2,
        egress: EgressSettings::new(tls, environment),
        store: store.clone(),
        fault_injection: true,
        config_faults: std::collections::BTreeMap::new(),
        cards: CardAnswering::default(),
        limits: FleetLimits::default(),
    }
}

pub(crate) fn app(number: usize) -> String {
    format!("cli_{number:016x}")
}

/// Whether a bot is in this state.
pub(crate) fn is(world: &World, bot: &str, state: &str) -> Option<()> {
    (world.fleet.installation(bot)?.state == state).then_some(())
}

/// Waits for a fact, with a deadline.
pub(crate) async fn until<T>(what: &str, mut fact: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(value) = fact() {
            return value;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
