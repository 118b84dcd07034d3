//! Probes, metrics, and what needs a token.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::served::with_routes;

#[test]
fn readiness_says_no_while_draining() {
    with_routes(|served| async move {
        assert_eq!(served.text("/livez").await, (200, "ok\n".to_owned()));
        assert_eq!(
            served.open("/readyz").await,
            (200, json!({"ready": true, "failing": [], "overloaded": 0}))
        );
        served.draining.begin();
        let (status, body) = served.open("/readyz").await;
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
            let (status, body) = served.open("/readyz").await;
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
            let (status, problem) = served.open(path).await;
            assert_eq!((status, &problem["code"]), (401, &json!("token_missing")));
        }
        let (_, text) = served.text("/metrics").await;
        let refused = "longwire_token_refusals_total{reason=\"missing\"} 3\n";
        assert!(text.contains(refused), "{text}");
    });
}
