//! Which routes each listener serves, and to whom.

use std::net::Ipv4Addr;

use longwire_access::{NewToken, Scopes, Space};
use longwire_admin::new_token_text;
use longwire_egress::{EgressSettings, ProxyEnvironment, tls_config};
use longwire_fleet::FleetSettings;
use longwire_store::StoreSettings;
use tempfile::TempDir;

use super::*;
use crate::gateway::start_deliveries;

struct ServedRoutes {
    api: String,
    admin: String,
    token: TokenText,
    _listeners: Listeners,
    _directory: TempDir,
}

impl ServedRoutes {
    async fn start() -> Self {
        let config = Config::default();
        let directory = tempfile::tempdir().expect("a temporary directory");
        let url = format!("sqlite:{}", directory.path().join("test.db").display());
        let store = Store::open(&StoreSettings::at(url)).expect("a new store opens");
        let (tls, _roots) = tls_config(None).expect("the system's roots load");
        let egress = EgressSettings::new(tls, ProxyEnvironment::default());
        let fleet = Fleet::start(FleetSettings {
            timing: config.timing.timing(),
            connect_per_second: 0,
            window_events: 64,
            window_bytes: 1 << 20,
            arbiters: 1,
            egress: egress.clone(),
            store: store.clone(),
            fault_injection: false,
            config_faults: std::collections::BTreeMap::new(),
            cards: longwire_fleet::CardAnswering::default(),
            limits: longwire_fleet::FleetLimits::default(),
        })
        .await;
        let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
        let (api, admin) = (listen(), listen());
        let base = |listener: &TcpListener| {
            format!("http://{}", listener.local_addr().expect("it is bound"))
        };
        let (api_base, admin_base) = (base(&api), base(&admin));
        let token = new_token_text().expect("random bytes");
        let kept = store.create_token(
            NewToken {
                name: "test".parse().expect("a name"),
                space: Space::default(),
                scopes: Scopes::all(),
                installations: None,
                expires_ms: None,
            },
            &token,
        );
        kept.expect("the store takes it");
        let deliveries = start_deliveries(&config, &fleet, &store, egress.clone()).await;
        let deliveries = deliveries.expect("delivery starts");
        let janitor = longwire_janitor::JanitorHandle::start(longwire_janitor::JanitorSettings {
            store: store.clone(),
            policy: longwire_janitor::RetentionPolicy::default(),
            fault_injection: false,
        });
        let served = Served {
            janitor,
            fleet,
            deliveries,
            store,
            egress,
            open_files: Some(1_024),
            draining: Draining::default(),
            reloader: None,
        };
        let tls = None;
        let listeners = Listeners::start(&config, &served, Bound { api, tls, admin });
        Self {
            api: api_base,
            admin: admin_base,
            token,
            _listeners: listeners.expect("the listeners are taken over"),
            _directory: directory,
        }
    }
}

#[test]
fn each_listener_serves_its_routes_to_its_clients() {
    actix_rt::System::new().block_on(async {
        let served = ServedRoutes::start().await;
        for (base, path, host, status) in [
            (&served.api, "/livez", None, 200),
            (&served.api, "/metrics", Some("gateway.internal"), 200),
            (&served.api, "/admin/v1/overview", None, 404),
            (&served.admin, "/livez", None, 200),
            (&served.admin, "/readyz", None, 200),
            (&served.admin, "/metrics", None, 200),
            (&served.admin, "/metrics", Some("gateway.internal"), 421),
            (&served.admin, "/admin/v1/overview", None, 200),
            (
                &served.admin,
                "/admin/v1/overview",
                Some("gateway.internal"),
                421,
            ),
            (&served.admin, "/admin/v1/nope", None, 404),
        ] {
            let client = awc::Client::builder().bearer_auth(served.token.expose());
            let mut request = client.finish().get(format!("{base}{path}"));
            if let Some(host) = host {
                request = request.insert_header(("Host", host));
            }
            let mut answer = request.send().await.expect("the listener answers");
            let body = answer.body().await.expect("the body comes");
            assert_eq!(answer.status().as_u16(), status, "{path} {host:?}");
            let stranger = awc::Client::default().get(format!("{base}{path}"));
            let stranger = stranger.send().await.expect("the listener answers");
            let is_open = matches!(path, "/livez" | "/readyz" | "/metrics");
            let wanted = if is_open { 200 } else { 401 };
            assert_eq!(stranger.status().as_u16(), wanted, "{path} without a token");
            if path == "/metrics" && status == 200 {
                assert!(body.ends_with(b"# EOF\n"), "{path}");
            }
        }
    });
}
