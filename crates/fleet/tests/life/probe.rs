//! A bot is tried before it is kept: what the platform says of it, in which region it lives, and that nothing is left behind.

use crate::world::*;
use longwire_egress::{EgressSettings, ProxyEnvironment, ProxyPolicy, tls_config};
use longwire_fleet::{ProbeError, ProbeExtent, Probed, Proof, probe};
use longwire_installation::{Mode, Platform};
use longwire_link::Setback;
use longwire_sim::proxy::{Proxy, ProxyAnswer};
use longwire_sim::{Apps, Behaviour, Sim, SimSettings, SimTls, wecom};
use longwire_store::NewInstallation;
use longwire_wire::endpoint::code;

const APP: &str = "cli_00000000000000a1";

fn egress() -> EgressSettings {
    let (tls, _) = tls_config(None).expect("roots");
    let environment = ProxyEnvironment::from_vars(std::iter::empty::<(&str, &str)>());
    EgressSettings::new(tls, environment)
}

fn feishu(settings: SimSettings) -> Sim {
    Sim::start(settings).expect("the simulator starts on loopback")
}

async fn probed(new: &NewInstallation, extent: ProbeExtent) -> Result<Probed, ProbeError> {
    probe(&egress(), new, extent).await
}

/// The setback and whether the platform itself refused.
fn refusal(outcome: Result<Probed, ProbeError>) -> (Setback, bool) {
    let error = outcome.expect_err("the bot is not taken");
    assert!(!error.next_step().is_empty());
    let is_refused = matches!(error, ProbeError::Refused { .. });
    (error.setback(), is_refused)
}

#[actix_rt::test]
async fn an_app_is_proven_by_one_call_and_no_connection_is_left() {
    let sim = feishu(SimSettings::default());
    let new = bot(Platform::Feishu, APP, &sim.base_url());
    let outcome = probed(&new, ProbeExtent::Harmless).await.expect("taken");
    let expected = Probed {
        platform: Platform::Feishu,
        proof: Proof::Proven,
    };
    assert_eq!(outcome, expected);
    let ledger = sim.control().ledger();
    assert_eq!((ledger.bootstraps, ledger.connections_opened), (1, 0));

    let skipped = probed(&new, ProbeExtent::Skip).await.expect("not asked");
    assert_eq!(skipped.proof, Proof::Skipped);
    let pushed = NewInstallation {
        mode: Mode::Webhook,
        ..new
    };
    let skipped = probed(&pushed, ProbeExtent::Harmless).await;
    assert_eq!(
        skipped.expect("it wants no connection").proof,
        Proof::Skipped
    );
    assert_eq!(sim.control().ledger().bootstraps, 1);
}

#[actix_rt::test]
async fn what_the_platform_says_decides_whether_a_bot_is_kept() {
    let sim = feishu(SimSettings::default());
    // A script is taken to its end, so each case has an app of its own.
    let app = |number: usize| bot(Platform::Feishu, &app(number), &sim.base_url());
    let refuse = |code: i64| Behaviour::bootstrap_error(code, "no");
    let cases = [
        (refuse(code::AUTH_FAILED), Setback::AuthFailed, true),
        (refuse(code::FORBIDDEN), Setback::Forbidden, true),
        // A deployment of one's own has no other region.
        (refuse(code::WRONG_DOMAIN), Setback::WrongDomain, true),
        (refuse(99), Setback::UnknownCode(99), true),
        (refuse(code::SYSTEM_BUSY), Setback::SystemBusy, false),
        (refuse(code::INTERNAL), Setback::PlatformInternal, false),
        (
            Behaviour::BootstrapHttp { status: 400 },
            Setback::HttpStatus(400),
            true,
        ),
        (
            Behaviour::BootstrapHttp { status: 502 },
            Setback::HttpStatus(502),
            false,
        ),
        (Behaviour::BootstrapNotJson, Setback::NotJson, false),
        (Behaviour::BootstrapReset, Setback::Unreachable, false),
    ];
    for (number, (behaviour, setback, is_refused)) in cases.into_iter().enumerate() {
        let new = app(number);
        sim.control().behaviour(Some(&new.app_id), behaviour);
        let told = refusal(probed(&new, ProbeExtent::Harmless).await);
        assert_eq!(told, (setback, is_refused));
    }
    // The credentials were taken before the connections were counted.
    let new = app(99);
    sim.control()
        .behaviour(Some(&new.app_id), refuse(code::CONNECTION_LIMIT));
    let outcome = probed(&new, ProbeExtent::Harmless).await.expect("taken");
    assert_eq!(outcome.proof, Proof::AtConnectionLimit);

    let nowhere = bot(Platform::Feishu, APP, "http://127.0.0.1:1");
    let told = refusal(probed(&nowhere, ProbeExtent::Harmless).await);
    assert_eq!(told, (Setback::Unreachable, false));
    let no_address = bot(Platform::Feishu, APP, "nowhere");
    let told = refusal(probed(&no_address, ProbeExtent::Harmless).await);
    assert_eq!(told, (Setback::AddressRefused, false));
    let no_proxy = NewInstallation {
        proxy: Some("ftp://x".into()),
        ..new
    };
    let told = refusal(probed(&no_proxy, ProbeExtent::Harmless).await);
    assert_eq!(told, (Setback::ProxyUnusable, false));
}

/// Both regions under their public names, by a proxy that knows the way, and the way out that uses it.
struct Regions {
    feishu: Sim,
    lark: Sim,
    egress: EgressSettings,
    _home: tempfile::TempDir,
}

/// `feishu_knows` and `lark_knows` are the only apps of each; others are the other cloud's.
fn regions(feishu_knows: &str, lark_knows: &str) -> Regions {
    let region = |name: &str, foreign: &str, known: &str| {
        feishu(SimSettings {
            apps: Apps::Known(vec![(known.to_owned(), "secret".to_owned())]),
            foreign_apps: vec![foreign.to_owned()],
            tls: Some(SimTls {
                names: vec![name.to_owned()],
            }),
            ..SimSettings::default()
        })
    };
    let feishu = region("open.feishu.cn", lark_knows, feishu_knows);
    let lark = region("open.larksuite.com", feishu_knows, lark_knows);
    let proxy = Proxy::start(ProxyAnswer::Routes(vec![
        ("open.feishu.cn:443".to_owned(), feishu.address()),
        ("open.larksuite.com:443".to_owned(), lark.address()),
    ]));
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("ca.pem");
    let authorities = [&feishu, &lark].map(|sim| sim.ca_pem().expect("it has TLS"));
    std::fs::write(&file, authorities.concat()).expect("it is ours");
    let (tls, _) = tls_config(Some(&file)).expect("roots");
    let environment = ProxyEnvironment::from_vars(std::iter::empty::<(&str, &str)>());
    let mut egress = EgressSettings::new(tls, environment);
    let policy = format!("http://{}", proxy.address());
    egress.proxy = policy.parse::<ProxyPolicy>().expect("a proxy");
    Regions {
        feishu,
        lark,
        egress,
        _home: home,
    }
}

fn public(platform: Platform, app_id: &str, secret: &str) -> NewInstallation {
    NewInstallation {
        base_url: None,
        app_secret: secret.into(),
        ..bot(platform, app_id, "")
    }
}

#[actix_rt::test]
async fn an_app_is_found_in_the_region_that_takes_it() {
    const OF_FEISHU: &str = "cli_00000000000000f0";
    const OF_LARK: &str = "cli_00000000000000f1";
    let regions = regions(OF_FEISHU, OF_LARK);
    for (named, app, lives) in [
        (Platform::Feishu, OF_FEISHU, Platform::Feishu),
        (Platform::Feishu, OF_LARK, Platform::Lark),
        (Platform::Lark, OF_FEISHU, Platform::Feishu),
        (Platform::Lark, OF_LARK, Platform::Lark),
    ] {
        let new = public(named, app, "secret");
        let outcome = probe(&regions.egress, &new, ProbeExtent::Harmless).await;
        let outcome = outcome.expect("one of them takes it");
        assert_eq!((outcome.platform, outcome.proof), (lives, Proof::Proven));
        let told = outcome.told(named);
        assert_eq!(told.contains("and not of"), named != lives, "{told}");
    }
    // The app is Lark's, and its secret is wrong there.
    let wrong = public(Platform::Feishu, OF_LARK, "another");
    let outcome = probe(&regions.egress, &wrong, ProbeExtent::Harmless).await;
    let error = outcome.expect_err("nobody takes it");
    let text = error.to_string();
    assert!(text.starts_with("lark refuses the bot"), "{text}");
    assert_eq!(error.setback(), Setback::AuthFailed);
    for sim in [&regions.feishu, &regions.lark] {
        assert_eq!(sim.control().ledger().connections_opened, 0);
    }
}

#[actix_rt::test]
async fn a_wecom_bot_subscribes_only_if_nobody_else_has_it() {
    let known = vec![("aib-known".to_owned(), "secret".to_owned())];
    let sim = wecom::Sim::start(wecom::SimSettings {
        bots: wecom::Bots::Known(known),
        ..wecom::SimSettings::default()
    })
    .expect("the simulator starts on loopback");
    let known = bot(Platform::Wecom, "aib-known", &sim.base_url());
    let outcome = probed(&known, ProbeExtent::Harmless).await.expect("there");
    assert_eq!(outcome.proof, Proof::Reached);
    let ledger = sim.control().ledger();
    assert_eq!((ledger.connections_opened, ledger.subscribes), (1, 0));

    let outcome = probed(&known, ProbeExtent::Exclusive).await.expect("taken");
    assert_eq!(outcome.proof, Proof::Proven);
    assert_eq!(sim.control().ledger().subscribes, 1);
    until("the connection is closed", || {
        let ledger = sim.control().ledger();
        (ledger.connections_opened == 2 && sim.control().connections(None).is_empty()).then_some(())
    })
    .await;

    let unknown = bot(Platform::Wecom, "aib-unknown", &sim.base_url());
    let (setback, is_refused) = refusal(probed(&unknown, ProbeExtent::Exclusive).await);
    assert!(is_refused, "{setback}");
    assert!(
        matches!(setback, Setback::CredentialsRefused { .. }),
        "{setback}"
    );
    let nowhere = bot(Platform::Wecom, "aib-known", "ws://127.0.0.1:1");
    let told = refusal(probed(&nowhere, ProbeExtent::Harmless).await);
    assert_eq!(told, (Setback::Unreachable, false));
}
