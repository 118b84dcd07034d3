//! `longwire demo`: one gateway against the simulated platforms, with traffic, trouble and a verdict.
//!
//! Needs no account, configuration or network. Everything lives in this process and in a temporary directory:
//! ```text
//! Feishu ──events──▶ gateway ──▶ store       one link dropped, one left half-open, over and over
//!    ▲                │   ▲
//!    └───── ACK ──────┘   └──events── WeCom      the platforms' ledgers against the store: the verdict
//! ```
//! The gateway is the one that `serve` runs. Only two things are hurried: pings go out every few seconds instead of
//! every two minutes (Feishu) or half a minute (WeCom), and Feishu repeats an event after seconds instead of minutes.

mod account;
mod platform;
mod show;
mod stage;
mod summary;
mod verdict;

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use longwire_fleet::Fleet;

use crate::cli;
use crate::config::{LogFormat, LogSection};
use crate::exit::{Exit, Failure};
use crate::gateway::Gateway;
use crate::signals::Signals;
use crate::{files, logs};
use longwire_terminal::say;
use longwire_terminal::{BackgroundWriter, descriptor_of};
use longwire_terminal::{Palette, Redrawn};

use platform::Platform;
use show::Show;
use stage::Stage;
use summary::Summary;
use verdict::Verdict;

/// How often the picture is renewed on a terminal.
const FRAME: Duration = Duration::from_millis(250);
/// How often a line is written where there is none.
const LINE: Duration = Duration::from_secs(2);
/// How long all bots may take to connect before traffic begins without the rest.
const CONNECT: Duration = Duration::from_secs(30);
/// How long the last answers may take once the traffic has ended: the longest repeat of the hurried platform, twice.
const SETTLE: Duration = Duration::from_secs(20);
/// How long what was written may be on its way before it counts as lost with its connection. Within this host it takes
/// no time at all.
const NO_NEWS: Duration = Duration::from_secs(3);
/// How long whoever reads the verdict may take.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long the gateway may take to drain.
const DRAIN: Duration = Duration::from_secs(10);

pub(crate) fn run(command: &cli::Demo) -> Result<Exit, Failure> {
    logs::start(
        &LogSection {
            format: LogFormat::Text,
            filter: "error".to_owned(),
        },
        None,
    );
    files::raise();
    let mut stage = Stage::build(command)?;
    // A reader that stalls is to hold up the picture, and not the gateway behind it.
    let out = descriptor_of(&std::io::stdout())
        .and_then(|out| BackgroundWriter::start("longwire-stdout", out, drop))
        .map_err(Failure::io("write to standard output"))?;
    let verdict = actix_rt::System::new().block_on(play(command, &mut stage, &out))?;
    stage.clear();
    match verdict {
        None => Ok(Exit::Interrupted),
        Some(verdict) => {
            let text = verdict.tell(Palette::of(&std::io::stdout()));
            out.write_for_certain(format!("{text}\n").as_bytes());
            // The exit code says the same to whoever does not read.
            let _ = out.flush(LAST_WORDS);
            Ok(if verdict.is_good() {
                Exit::Done
            } else {
                Exit::Failed
            })
        }
    }
}

/// From the first dial to the verdict; `None` when a second signal cut it short.
async fn play(
    command: &cli::Demo,
    stage: &mut Stage,
    out: &BackgroundWriter,
) -> Result<Option<Verdict>, Failure> {
    let mut signals = Signals::take().map_err(Failure::io("take over signals"))?;
    let gateway = Gateway::start(&mut stage.loaded).await?;
    perform(command, stage, &gateway, &mut signals, out).await;

    for platform in &stage.platforms {
        platform.stop_traffic();
    }
    say(format_args!(
        "\ntraffic stopped; waiting for the last events and answers, then draining"
    ));
    let reader = gateway.store.reader().clone();
    let fleet = gateway.fleet.clone();
    let ending = async {
        settle(&stage.platforms, &fleet).await;
        gateway.drain(DRAIN).await
    };
    tokio::select! {
        drained = ending => Ok(Some(Verdict::reach(&stage.platforms, &reader, &fleet, &drained)?)),
        _ = signals.next() => Ok(None),
    }
}

/// Traffic, trouble and the picture, until a signal or the end of the time.
async fn perform(
    command: &cli::Demo,
    stage: &Stage,
    gateway: &Gateway,
    signals: &mut Signals,
    out: &BackgroundWriter,
) {
    let stdout = std::io::stdout();
    let live_terminal = stdout.is_terminal();
    let mut summary = Summary::new(stage, gateway.admin, Palette::of(&stdout));
    out.write(format!("{}\n", summary.title(&stage.platforms)).as_bytes());

    let mut redrawn = Redrawn::default();
    let mut frames = tokio::time::interval(if live_terminal { FRAME } else { LINE });
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    let began = Instant::now();
    let mut traffic_since: Option<Instant> = None;
    let mut show = Show::new(command.seconds);
    loop {
        let ends = traffic_since.unwrap_or(began)
            + Duration::from_secs(command.seconds.unwrap_or(u64::MAX >> 32));
        tokio::select! {
            _ = signals.next() => break,
            () = tokio::time::sleep_until(ends.into()), if traffic_since.is_some() && command.seconds.is_some() => break,
            _ = looks.tick() => {
                let Some(since) = traffic_since else {
                    let live = gateway.fleet.overview().by_state.get("live").copied().unwrap_or(0);
                    if live >= u64::from(command.bots) || began.elapsed() > CONNECT {
                        stage.start_traffic();
                        traffic_since = Some(Instant::now());
                    }
                    continue;
                };
                show.look(since.elapsed(), &stage.platforms, &gateway.fleet);
            }
            _ = frames.tick() => {
                let overview = gateway.fleet.overview();
                if out.is_broken() {
                    // Nobody looks any more.
                    break;
                }
                let frame = if live_terminal {
                    redrawn.over(&summary.picture(&overview, &stage.platforms, &show))
                } else {
                    format!("{}\n", summary.line(&overview, &stage.platforms, &show))
                };
                out.write(frame.as_bytes());
            }
        }
    }
}

/// Until no platform waits for anything and all that one without ACKs has written is read, or it takes too long. What a
/// broken connection took with it is never read, so a while without news is the end of that wait.
async fn settle(platforms: &[Platform], fleet: &Fleet) {
    let end = Instant::now() + SETTLE;
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let mut news = (0, Instant::now());
    loop {
        let (mut pending, mut unread) = (0, 0);
        for platform in platforms {
            let ledger = platform.ledger();
            pending += ledger.pending;
            unread += ledger.delivered.saturating_sub(platform.read(fleet));
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
