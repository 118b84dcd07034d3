//! `longwire demo`: one gateway of this process against the simulated platforms, as the crate `bench` stages them.
//!
//! Needs no account, configuration or network. The gateway is the one that `serve` runs; its configuration is made here
//! from what the stage has, and the show asks it for nothing but [`ShownGateway`].

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use longwire_access::NewToken;
use longwire_access::{Scope, Scopes, Space};
use longwire_admin::new_token_text;
use longwire_bench::cli::{Demo, Played};
use longwire_bench::demo::{
    DemoApplication, DemoBot, DemoSdk, DemoStage, DemoVerdict, PING_INTERVAL, PONG_GRACE, SDK_BOT,
    SECRET_FILE, ShownBot, ShownGateway, ShownLatency, ShownOverview, perform, settle,
};
use longwire_consumer::ConsumerDefinition;
use longwire_fleet::{Fleet, Quantiles};
use longwire_store::Reader;
use longwire_terminal::{BackgroundWriter, Palette, descriptor_of, say};
use secrecy::ExposeSecret as _;

use super::bench;
use crate::config::{
    Config, InstallationSection, Loaded, LogFormat, LogSection, OwnRetention, PlatformName,
    ProxySetting, SecretRef, SettingValues,
};
use crate::exit::{Exit, Failure};
use crate::gateway::Gateway;
use crate::signals::Signals;
use crate::{files, logs};

/// How long whoever reads the verdict may take.
const LAST_LINES: Duration = Duration::from_secs(5);
/// How long the gateway may take to drain.
const DRAIN: Duration = Duration::from_secs(10);
/// The address the admin interface has in a `serve`, if it is free.
const ADMIN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7701);

pub(crate) fn run(command: &Demo) -> Result<Exit, Failure> {
    logs::start(
        &LogSection {
            format: LogFormat::Text,
            filter: "error".to_owned(),
        },
        None,
    );
    files::raise();
    let stage = DemoStage::build(command)?;
    // A reader that stalls is to hold up the picture, and not the gateway behind it.
    let out = descriptor_of(&std::io::stdout())
        .and_then(|out| BackgroundWriter::start("longwire-stdout", out, drop))
        .map_err(Failure::io("write to standard output"))?;
    let verdict = actix_rt::System::new().block_on(play(command, &stage, &out))?;
    stage.clear();
    let Some((verdict, sdk)) = verdict else {
        return Ok(Exit::Interrupted);
    };
    let text = verdict.tell(Palette::of(&std::io::stdout()));
    let of_sdk = sdk.as_ref().map(DemoSdk::tell).unwrap_or_default();
    out.write_for_certain(format!("{text}\n{of_sdk}").as_bytes());
    // The exit code says the same to whoever does not read.
    let _ = out.flush(LAST_LINES);
    if sdk.is_some_and(|sdk| !sdk.is_served()) {
        return Ok(Exit::Failed);
    }
    Ok(verdict.outcome().into())
}

/// From the first dial to the verdict; `None` when a second signal cut it short.
async fn play(
    command: &Demo,
    stage: &DemoStage,
    out: &BackgroundWriter,
) -> Result<Option<(DemoVerdict, Option<DemoSdk>)>, Failure> {
    let mut signals = Signals::take().map_err(Failure::io("take over signals"))?;
    let mut loaded = configured(command, stage);
    let gateway = Gateway::start(&mut loaded).await?;
    let shown = ShownFleet(gateway.fleet.clone());
    let application = DemoApplication::start(&bench::program()?).await?;
    subscribe(&gateway, &application).await?;
    let sdk = match command.sdk {
        true => Some(connect_sdk(&gateway, stage)?),
        false => None,
    };
    let admin = gateway.admin;
    perform(stage, &shown, &application, admin, out, signals.next()).await;

    say(format_args!(
        "\ntraffic stopped; waiting for the last events and answers, then draining"
    ));
    let ending = async {
        settle(stage, &shown, &application).await;
        let drained = gateway.drain(DRAIN).await;
        // The gateway has closed the store and all that read it.
        let reader = Reader::open(&loaded.store_settings())?;
        let reached = DemoVerdict::reach(stage, &reader, &shown, &application, drained.unanswered);
        reached.await.map_err(Failure::from)
    };
    tokio::select! {
        verdict = ending => Ok(Some((verdict?, sdk))),
        _ = signals.next() => Ok(None),
    }
}

/// Starts the official SDK, with a token of its own in place of the bot's secret.
fn connect_sdk(gateway: &Gateway, stage: &DemoStage) -> Result<DemoSdk, Failure> {
    let bot = gateway.store.reader().installation(SDK_BOT)?;
    let bot = bot.ok_or_else(|| Failure::NoInstallation(SDK_BOT.to_owned()))?;
    let text = new_token_text().map_err(Failure::io("get random bytes"))?;
    let token = NewToken {
        name: "official-sdk".parse().expect("a name"),
        space: Space::default(),
        scopes: Scopes::from_iter([Scope::Relay]),
        installations: Some(vec![bot.public_id].into()),
        expires_ms: None,
    };
    gateway.store.create_token(token, &text)?;
    let directory = stage.directory();
    let sdk = DemoSdk::start(&bench::program()?, directory, gateway.api, text.expose())?;
    Ok(sdk)
}

/// Adds the application's consumer.
async fn subscribe(gateway: &Gateway, application: &DemoApplication) -> Result<(), Failure> {
    let definition = ConsumerDefinition::parse(&application.consumer())
        .expect("the definition is one that the documentation could show");
    let created = gateway
        .deliveries
        .create(Space::default(), definition, None)
        .await?;
    if let Some(secret) = created.secret {
        application.verify(secret.expose_secret()).await?;
    }
    Ok(())
}

/// A configuration with the stage's bots. Only the pings are hurried.
fn configured(command: &Demo, stage: &DemoStage) -> Loaded {
    let mut config = Config {
        installations: stage.bots().map(declared).collect(),
        ..Config::default()
    };
    config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.server.admin_listen = command.admin_listen.unwrap_or_else(free_admin_address);
    config.webhooks.allow_networks = vec!["loopback".to_owned()];
    config.connect.per_second = config.connect.per_second.max(command.bots / 4);
    config.timing.ping_interval = PING_INTERVAL;
    config.timing.pong_grace = PONG_GRACE;
    Loaded {
        config,
        file: PathBuf::from("demo"),
        directory: stage.directory().to_owned(),
        overrides: Vec::new(),
        values: SettingValues::default(),
    }
}

fn declared(bot: DemoBot) -> InstallationSection {
    let secret = SecretRef::File(PathBuf::from(SECRET_FILE));
    let bare = InstallationSection {
        name: bot.name.parse().expect("a bot of the demo has a name"),
        platform: PlatformName::Feishu,
        app_id: None,
        app_secret: None,
        bot_id: None,
        secret: None,
        base_url: bot.base_url.parse().ok(),
        proxy: Some(ProxySetting::Direct),
        mode: None,
        verification_token: None,
        encrypt_key: None,
        take_back_after: None,
        take_back_per_day: None,
        retention: OwnRetention::default(),
        enabled: true,
    };
    match bot.platform {
        Played::Feishu => InstallationSection {
            app_id: Some(bot.name),
            app_secret: Some(secret),
            ..bare
        },
        Played::Wecom => InstallationSection {
            platform: PlatformName::Wecom,
            bot_id: Some(bot.name),
            secret: Some(secret),
            ..bare
        },
    }
}

/// The usual address, or with it taken a free port.
fn free_admin_address() -> SocketAddr {
    match TcpListener::bind(ADMIN) {
        Ok(_) => ADMIN,
        Err(_) => SocketAddr::new(ADMIN.ip(), 0),
    }
}

/// The fleet of the gateway, as the show knows it.
struct ShownFleet(Fleet);

impl ShownGateway for ShownFleet {
    fn overview(&self) -> ShownOverview {
        let overview = self.0.overview();
        let latency = |of: Quantiles| ShownLatency {
            p50_us: of.p50,
            p99_us: of.p99,
        };
        ShownOverview {
            by_state: overview.by_state.into_iter().collect(),
            recorded: overview.events.recorded,
            repeats: overview.events.repeats_by_event_id + overview.events.repeats_by_message,
            reconnects: overview.connections.reconnects,
            silent: overview.connections.silent,
            ack_latency: latency(overview.ack_latency_us),
            record_latency: latency(overview.record_latency_us),
        }
    }

    fn bot(&self, name: &str) -> Option<ShownBot> {
        let view = self.0.installation(name)?;
        Some(ShownBot {
            state: view.state,
            reconnects: view.lights.reconnects,
            events: view.lights.events,
            repeats: view.lights.repeats,
        })
    }
}
