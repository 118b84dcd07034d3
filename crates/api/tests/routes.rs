//! The routes over real sockets, with a fleet that has no bot to connect.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use longwire_access::{TokenRefusal, TokenText};
use longwire_api::{Api, ApiSettings};
use longwire_egress::{EgressSettings, ProxyEnvironment, tls_config};
use longwire_fleet::{Fleet, FleetSettings};
use longwire_link::Timing;
use longwire_listener::{
    AccessCheck, AccessSettings, Draining, ListenerSettings, StreamLimits, Timeouts, TokenRates,
    serve,
};
use longwire_store::{Store, StoreSettings};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A listener with the routes, and what is behind it.
struct Served {
    base: String,
    store: Store,
    draining: Draining,
    _directory: TempDir,
}

impl Served {
    async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let url = format!("sqlite:{}", directory.path().join("test.db").display());
        let store = Store::open(&StoreSettings::at(url)).expect("a new store opens");
        let (tls, _roots) = tls_config(None).expect("the system's roots load");
        let fleet = Fleet::start(FleetSettings {
            timing: Timing::default(),
            connect_per_second: 0,
            window_events: 64,
            window_bytes: 1 << 20,
            arbiters: 1,
            egress: EgressSettings::new(tls, ProxyEnvironment::default()),
            store: store.clone(),
            fault_injection: false,
            config_faults: BTreeMap::new(),
            cards: longwire_fleet::CardAnswering::default(),
        })
        .await;
        let draining = Draining::default();
        // No token is valid here.
        let access = AccessCheck::new(AccessSettings {
            tokens: Arc::new(|_: &TokenText, _: i64| Err(TokenRefusal::Unknown)),
            rates: TokenRates::default(),
            streams: StreamLimits {
                per_space: 1,
                per_process: 1,
            },
        });
        let api = Api::new(ApiSettings {
            fleet,
            store: store.clone(),
            draining: draining.clone(),
            access: access.clone(),
            version: "1.2.3",
            log_lines_dropped: || 5,
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let settings = ListenerSettings {
            name: "api",
            connections: 16,
            timeouts: Timeouts::default(),
            hosts: None,
        };
        let server = serve(settings, listener, access, move || api.routes());
        actix_rt::spawn(server.expect("the listener is taken over"));
        Self {
            base,
            store,
            draining,
            _directory: directory,
        }
    }

    async fn text(&self, path: &str) -> (u16, String) {
        let request = awc::Client::default().get(format!("{}{path}", self.base));
        let mut answer = request.send().await.expect("the listener answers");
        let body = answer.body().await.expect("the body comes");
        let text = String::from_utf8_lossy(&body).into_owned();
        (answer.status().as_u16(), text)
    }

    async fn json(&self, path: &str) -> (u16, Value) {
        let (status, text) = self.text(path).await;
        (status, serde_json::from_str(&text).unwrap_or_default())
    }
}

/// Runs a test in a system of its own.
fn with_routes<F: Future<Output = ()>>(test: impl FnOnce(Served) -> F) {
    actix_rt::System::new().block_on(async { test(Served::start().await).await });
}

#[test]
fn readiness_says_no_while_draining() {
    with_routes(|served| async move {
        assert_eq!(served.text("/livez").await, (200, "ok\n".to_owned()));
        assert_eq!(
            served.json("/readyz").await,
            (200, json!({"ready": true, "failing": [], "overloaded": 0}))
        );
        served.draining.begin();
        let (status, body) = served.json("/readyz").await;
        let failing = &body["failing"][0];
        assert_eq!(
            (status, &failing["part"], &failing["state"]),
            (503, &json!("gateway"), &json!("draining"))
        );
        assert_eq!(served.text("/livez").await.0, 200);
    });
}

#[test]
fn readiness_says_no_while_nothing_is_recorded() {
    with_routes(|served| async move {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            // It is started again after a pause that grows each time.
            served.store.stop_writer();
            let (status, body) = served.json("/readyz").await;
            if body["failing"][0]["part"] == "writer" {
                assert_eq!(status, 503);
                break;
            }
            assert!(Instant::now() < end, "in vain: {body}");
        }
    });
}

#[test]
fn metrics_are_told() {
    with_routes(|served| async move {
        let (_, text) = served.text("/metrics").await;
        for wanted in [
            "longwire_build{version=\"1.2.3\"} 1.0\n",
            "longwire_log_lines_dropped_total 5\n",
            "longwire_events_recorded_total 0\n",
            "longwire_answers_total{outcome=\"acked\"} 0\n",
            "longwire_actors{kind=\"supervisor\",state=\"ready\"} 1.0\n",
            "longwire_store_up 1.0\n",
            "longwire_store_wal_bytes ",
            "longwire_store_free_bytes ",
            "longwire_store_txn_seconds_bucket{le=\"+Inf\"}",
        ] {
            assert!(text.contains(wanted), "{wanted:?} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    });
}

#[test]
fn what_is_not_open_needs_a_token_even_if_it_does_not_exist() {
    with_routes(|served| async move {
        for path in ["/nope", "/v1/nope", "/admin/v1/overview"] {
            let (status, problem) = served.json(path).await;
            assert_eq!((status, &problem["code"]), (401, &json!("token_missing")));
        }
        let (_, text) = served.text("/metrics").await;
        let refused = "longwire_token_refusals_total{reason=\"missing\"} 3\n";
        assert!(text.contains(refused), "{text}");
    });
}
