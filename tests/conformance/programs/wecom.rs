//! Programs of WeCom.

use longwire_sim::wecom::{Bots, Push, Sim, SimSettings};
use longwire_tests::{SECRET, Setup};

use super::program::{Given, Program};
use super::running::Running;
use crate::scene::Between;

const BOT: &str = "aib_conformance";
const NAME: &str = "helper";

/// The program holds its bot, gets what a person says, and the person reads its answer.
fn answers(program: Program, between: Between, said: &str, answered: &str) {
    let settings = SimSettings {
        bots: Bots::Known(vec![(BOT.to_owned(), SECRET.to_owned())]),
        ..SimSettings::default()
    };
    let sim = Sim::start(settings).expect("a loopback port is free");
    let control = sim.control();
    let gateway = match between {
        Between::Nothing => None,
        Between::Longwire => {
            let setup = Setup::without_platform().wecom_bot(NAME, &sim);
            let gateway = setup.with("bot_id", BOT).start();
            gateway.wait_live(NAME);
            Some(gateway)
        }
    };
    let [url, secret] = match &gateway {
        None => [sim.base_url(), SECRET.to_owned()],
        Some(gateway) => [
            format!("ws://{}/relay/wecom", gateway.public().address()),
            gateway.relay_token("program", NAME),
        ],
    };
    let id = BOT.to_owned();
    let Some(running) = Running::start(program, &Given { url, id, secret }) else {
        return;
    };
    running.until("its subscription", || match &gateway {
        None => (control.ledger().subscribed == 1).then_some(()),
        Some(gateway) => gateway.relay_connections_are(1).then_some(()),
    });
    control.push(BOT, Push::text(said));
    let shown = running.until("its answer", || {
        let shown = control.shown(Some(BOT)).into_iter();
        shown
            .map(|shown| shown.content.to_string())
            .find(|shown| shown.contains(answered))
    });
    println!("{shown}");
}

mod straight {
    use super::super::program::Program::Hermes;
    use crate::scene::Between::Nothing;

    #[test]
    fn hermes() {
        super::answers(Hermes, Nothing, "/help", "Hermes Commands");
    }
}

mod through_longwire {
    use super::super::program::Program::Hermes;
    use crate::scene::Between::Longwire;

    #[test]
    fn hermes() {
        super::answers(Hermes, Longwire, "/help", "Hermes Commands");
    }
}
