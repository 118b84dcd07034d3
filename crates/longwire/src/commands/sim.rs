//! `longwire sim`: a simulated platform alone, until told to stop.

mod wecom;

use std::io::Write as _;
use std::path::PathBuf;

use longwire_bench::cli::Played;
use longwire_sim::{CallBudgets, RequestUrls, Sim, SimSettings, SimTls, UrlCheck};
use longwire_terminal::{Ink, Palette, say};
use longwire_wire::endpoint::ClientConfig;

use super::tell;
use crate::cli;
use crate::exit::{Exit, Failure};
use crate::signals::{Signals, end_with_parent};
use crate::{files, logs};

pub(crate) fn run(command: &cli::SimArgs) -> Result<Exit, Failure> {
    logs::start_for_command();
    if command.end_with_parent {
        end_with_parent();
    }
    files::raise();
    match command.platform {
        Played::Feishu => feishu(command),
        Played::Wecom => wecom::run(command),
    }
}

fn feishu(command: &cli::SimArgs) -> Result<Exit, Failure> {
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).map_err(Failure::io(format!("read {}", path.display())))
    };
    let sim = Sim::start(SimSettings {
        listen: command.listen,
        seed: seed(command),
        time_factor: command.time_factor,
        ladder: command.repeats.clone(),
        client_config: ClientConfig {
            reconnect_nonce: Some(i64::from(command.reconnect_nonce)),
            ping_interval: Some(i64::from(command.ping_interval)),
            ..SimSettings::default().client_config
        },
        keep_records: command.keep_records as usize,
        call_budgets: if command.no_call_limits {
            CallBudgets::none()
        } else {
            CallBudgets::published()
        },
        tls: command.tls_ca.as_ref().map(|_| SimTls::default()),
        trust_pem: command.trust_ca.as_ref().map(read).transpose()?,
        ..SimSettings::default()
    })?;
    write_authority(command, sim.ca_pem())?;
    let signals = Signals::take().map_err(Failure::io("take over signals"))?;
    tell(writeln!(std::io::stdout(), "{}", sim.base_url()))?;
    save_request_urls(command, &sim);
    let (base, curl) = (sim.base_url(), curl(command));
    explain(
        command,
        &base,
        &format!(
            "app_id = \"cli_0123456789abcdef\"\n\
             app_secret = {{ file = \"sim-bot.secret\" }}   # any text\n\
             base_url = \"{base}\""
        ),
        &format!(
            "{curl} {base}/sim/v1                # all verbs\n\
             {curl} {base}/sim/v1/push -d '{{\"app\":\"cli_0123456789abcdef\"}}'\n\
             {curl} {base}/sim/v1/traffic -d '{{\"rate\":{{\"per_second\":100}}}}'\n\
             {curl} {base}/sim/v1/fault -d '{{\"target\":\"all\",\"fault\":\"half_open\"}}'\n\
             {curl} {base}/sim/v1/request_urls -d '{{\"app\":\"cli_0123456789abcdef\",\"events\":\"http://127.0.0.1:8080/callbacks/feishu/sim-bot\"}}'\n\
             {curl} {base}/sim/v1/http/push -d '{{\"app\":\"cli_0123456789abcdef\"}}'\n\
             {curl} {base}/sim/v1/ledger         # pushed, acknowledged, lost"
        ),
    );
    until_told(signals);
    let ledger = sim.control().ledger();
    sim.stop();
    say(format_args!(
        "pushed {}, acknowledged {}, pending {}, lost {}",
        ledger.pushed, ledger.acked, ledger.pending, ledger.lost
    ));
    let http = &ledger.http;
    if http.pushed > 0 {
        say(format_args!(
            "over HTTP pushed {}, delivered {}, pending {}, lost {}",
            http.pushed, http.delivered, http.pending, http.lost
        ));
    }
    Ok(Exit::Done)
}

/// Saves what the command line names. A URL that does not answer as it should is told, and the platform goes on: its
/// gateway may be started later.
fn save_request_urls(command: &cli::SimArgs, sim: &Sim) {
    let control = sim.control();
    actix_rt::System::new().block_on(async {
        for cli::AppAndUrl { app, url } in &command.request_urls {
            let urls = RequestUrls {
                verification_token: command.verification_token.clone(),
                encrypt_key: command.encrypt_key.clone(),
                ..RequestUrls::at(url)
            };
            if let Err(error) = control
                .save_request_urls(app, &urls, UrlCheck::default())
                .await
            {
                say(format_args!(
                    "not saved: {error}. POST /sim/v1/request_urls tries again."
                ));
            }
        }
    });
}

/// Given, or a new one every time, so that ids do not repeat from run to run.
fn seed(command: &cli::SimArgs) -> u64 {
    let now = || crate::moment::now_ms().unsigned_abs();
    command.seed.unwrap_or_else(now)
}

fn write_authority(command: &cli::SimArgs, ca_pem: Option<&str>) -> Result<(), Failure> {
    if let (Some(path), Some(pem)) = (&command.tls_ca, ca_pem) {
        std::fs::write(path, pem).map_err(Failure::io(format!("write {}", path.display())))?;
    }
    Ok(())
}

fn until_told(mut signals: Signals) {
    actix_rt::System::new().block_on(signals.next());
}

fn curl(command: &cli::SimArgs) -> &'static str {
    match command.tls_ca {
        Some(_) => "curl -k",
        None => "curl",
    }
}

/// Shows two ways to an installation that lives at `base`, and calls of the control interface.
fn explain(command: &cli::SimArgs, base: &str, keys: &str, calls: &str) {
    let head = |text: &str| Palette::of(&std::io::stderr()).paint(Ink::Bold, text);
    let trust = match &command.tls_ca {
        Some(path) => format!("[tls]\nca_file = \"{}\"\n\n", path.display()),
        None => String::new(),
    };
    // Both platforms may be played at once, and one file has the bots of both.
    let (name, id) = match command.platform {
        Played::Feishu => ("sim-bot", "--app-id cli_0123456789abcdef"),
        Played::Wecom => ("sim-wecom-bot", "--bot-id aib_sim"),
    };
    say(format_args!(
        "{}\n{trust}[[installation]]\nname = \"{name}\"\n{keys}\n",
        head("# An installation for longwire.toml:"),
    ));
    // A server trusts the authority of a simulator only by its file.
    if command.tls_ca.is_none() {
        say(head("# Or add it to a running server:"));
        say(format_args!(
            "echo any-text | longwire installations add {name} {id} --base-url {base} --secret-stdin\n"
        ));
    }
    say(format_args!("{}\n{calls}\n", head("# Things to do to it:")));
    say("Ctrl-C ends it.");
}
