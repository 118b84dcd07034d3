//! The course of the show: everybody connects, traffic and trouble go on until the end, and the last events settle.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use longwire_terminal::{BackgroundWriter, Palette, Redrawn};

use super::application::DemoApplication;
use super::platform::DemoPlatform;
use super::show::Show;
use super::shown::ShownGateway;
use super::stage::DemoStage;
use super::summary::Summary;

/// How often the picture is renewed on a terminal.
const FRAME: Duration = Duration::from_millis(250);
/// How often a line is written where there is none.
const LINE: Duration = Duration::from_secs(2);
/// How often the trouble is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How long all bots may take to connect before traffic begins without the rest.
const CONNECT: Duration = Duration::from_secs(30);
/// How long the last answers may take once the traffic has ended: the longest repeat of the hurried platform, twice.
const SETTLE: Duration = Duration::from_secs(20);
/// How long what was written may be on its way before it counts as lost with its connection. Within this host it takes
/// no time at all.
const NO_NEWS: Duration = Duration::from_secs(3);

/// Traffic, trouble and the picture, until `stop` or the end of the time, or until `out` has no reader any more. The
/// traffic has ended when this returns. `admin` is where the gateway's admin interface listens.
pub async fn perform(
    stage: &DemoStage,
    gateway: &impl ShownGateway,
    application: &DemoApplication,
    admin: SocketAddr,
    out: &BackgroundWriter,
    stop: impl Future,
) {
    tokio::select! {
        biased;
        _ = stop => {}
        () = play(stage, gateway, application, admin, out) => {}
    }
    for platform in &stage.platforms {
        platform.stop_traffic();
    }
}

async fn play(
    stage: &DemoStage,
    gateway: &impl ShownGateway,
    application: &DemoApplication,
    admin: SocketAddr,
    out: &BackgroundWriter,
) {
    let stdout = std::io::stdout();
    let live_terminal = stdout.is_terminal();
    let mut summary = Summary::new(stage, admin, Palette::of(&stdout));
    out.write(format!("{}\n", summary.title(&stage.platforms)).as_bytes());

    let mut redrawn = Redrawn::default();
    let mut frames = tokio::time::interval(if live_terminal { FRAME } else { LINE });
    let mut looks = tokio::time::interval(LOOK);
    let began = Instant::now();
    let mut traffic_since: Option<Instant> = None;
    let mut show = Show::new(stage.seconds);
    loop {
        tokio::select! {
            _ = looks.tick() => {
                let Some(since) = traffic_since else {
                    let live = gateway.overview().live();
                    if live >= u64::from(stage.bots) || began.elapsed() > CONNECT {
                        stage.start_traffic();
                        traffic_since = Some(Instant::now());
                    }
                    continue;
                };
                let elapsed = since.elapsed();
                if stage.seconds.is_some_and(|seconds| elapsed >= Duration::from_secs(seconds)) {
                    return;
                }
                show.look(elapsed, &stage.platforms, gateway);
            }
            _ = frames.tick() => {
                if out.is_broken() {
                    // Nobody looks any more.
                    return;
                }
                let overview = gateway.overview();
                let received = application.counts().await;
                let frame = if live_terminal {
                    redrawn.over(&summary.picture(&overview, &stage.platforms, &received, &show))
                } else {
                    format!("{}\n", summary.line(&overview, &stage.platforms, &received, &show))
                };
                out.write(frame.as_bytes());
            }
        }
    }
}

/// Waits until the platforms are done, and the application has what is recorded.
pub async fn settle(stage: &DemoStage, gateway: &impl ShownGateway, application: &DemoApplication) {
    settle_platforms(stage, gateway).await;
    let end = Instant::now() + SETTLE;
    let mut news = (0, Instant::now());
    while Instant::now() < end && news.1.elapsed() < NO_NEWS {
        let received = application.counts().await;
        let said: u64 = stage.platforms.iter().map(DemoPlatform::said).sum();
        if received.distinct >= gateway.overview().recorded && said >= received.replies {
            return;
        }
        if news.0 != received.distinct + said {
            news = (received.distinct + said, Instant::now());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Until no platform waits for anything and all that one without ACKs has written is read, or it takes too long. What a
/// broken connection took with it is never read, so a while without news is the end of that wait.
async fn settle_platforms(stage: &DemoStage, gateway: &impl ShownGateway) {
    let end = Instant::now() + SETTLE;
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let mut news = (0, Instant::now());
    loop {
        let (mut pending, mut unread) = (0, 0);
        for platform in &stage.platforms {
            let ledger = platform.ledger();
            pending += ledger.pending;
            unread += ledger.delivered.saturating_sub(platform.read(gateway));
        }
        if (pending, unread) == (0, 0) || Instant::now() >= end {
            return;
        }
        if news.0 != pending + unread {
            news = (pending + unread, Instant::now());
        }
        if pending == 0 && news.1.elapsed() >= NO_NEWS {
            return;
        }
        looks.tick().await;
    }
}
