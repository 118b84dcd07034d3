//! `longwire sim --platform wecom`: WeCom's side of it.

use std::io::Write as _;

use longwire_sim::SimTls;
use longwire_sim::wecom::{Sim, SimSettings};
use longwire_terminal::say;

use super::super::tell;
use super::{curl, explain, seed, until_told, write_authority};
use crate::cli;
use crate::exit::{Exit, Failure};
use crate::signals::Signals;

pub(super) fn run(command: &cli::SimArgs) -> Result<Exit, Failure> {
    let sim = Sim::start(SimSettings {
        listen: command.listen,
        seed: seed(command),
        time_factor: command.time_factor,
        keep_records: command.keep_records as usize,
        tls: command.tls_ca.as_ref().map(|_| SimTls::default()),
        ..SimSettings::default()
    })?;
    write_authority(command, sim.ca_pem())?;
    let signals = Signals::take().map_err(Failure::io("take over signals"))?;
    tell(writeln!(std::io::stdout(), "{}", sim.base_url()))?;
    let (base, control, curl) = (sim.base_url(), sim.control_url(), curl(command));
    explain(
        command,
        &base,
        &format!(
            "platform = \"wecom\"\n\
             bot_id = \"aib_sim\"\n\
             secret = {{ file = \"sim-wecom-bot.secret\" }}   # any text\n\
             base_url = \"{base}\""
        ),
        &format!(
            "{curl} {control}/sim/v1                # all verbs\n\
             {curl} {control}/sim/v1/push -d '{{\"bot\":\"aib_sim\",\"push\":{{\"content\":{{\"text\":\"hello\"}}}}}}'\n\
             {curl} {control}/sim/v1/traffic -d '{{\"rate\":{{\"per_second\":100}}}}'\n\
             {curl} {control}/sim/v1/fault -d '{{\"target\":{{\"bot\":\"aib_sim\"}},\"fault\":\"displace\"}}'\n\
             {curl} {control}/sim/v1/shown          # what users see\n\
             {curl} {control}/sim/v1/ledger         # pushed, delivered, lost"
        ),
    );
    until_told(signals);
    let ledger = sim.control().ledger();
    sim.stop();
    say(format_args!(
        "pushed {}, delivered {}, waiting {}, lost {}, shown to users {}",
        ledger.pushed, ledger.delivered, ledger.waiting, ledger.lost, ledger.shown
    ));
    Ok(Exit::Done)
}
