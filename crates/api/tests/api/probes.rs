//! Probes, metrics, and what needs a token.

use std::time::{Duration, Instant};

use serde_json::json;

use longwire_api::ReadyFloor;

use crate::served::{Wanted, with_routes, with_wanted};

#[test]
fn readiness_says_no_while_draining() {
    with_routes(|served| async move {
        assert_eq!(served.text("/livez").await, (200, "ok\n".to_owned()));
        assert_eq!(
            served.open("/readyz").await,
            (
                200,
                json!({"ready": true, "failing": [], "wanted": 0, "live": 0, "not_live": 0, "floor": 0, "overloaded": 0})
            )
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

/// A bot that cannot be reached is wanted, so that none of one is live.
#[test]
fn readiness_says_no_while_fewer_bots_are_live_than_have_to_be() {
    let wanted = Wanted {
        ready_floor: ReadyFloor::Percent(1),
        ..Wanted::default()
    };
    with_wanted(wanted, |served| async move {
        assert_eq!(served.open("/readyz").await.0, 200, "none is wanted");
        let bot = json!({
            "name": "away", "platform": "feishu", "app_id": "cli_away", "app_secret": "canary",
            "base_url": "http://127.0.0.1:1", "probe": false,
        });
        assert_eq!(served.post("/v1/installations", bot).await.status, 201);
        let end = Instant::now() + Duration::from_secs(30);
        let body = loop {
            let (status, body) = served.open("/readyz").await;
            if status == 503 {
                break body;
            }
            assert!(Instant::now() < end, "in vain: {body}");
        };
        let failing = &body["failing"][0];
        assert_eq!(failing["part"], "installations", "{body}");
        assert_eq!(failing["state"], "below_floor", "{body}");
        let counts = ["wanted", "live", "not_live", "floor"].map(|key| body[key].clone());
        assert_eq!(counts, [json!(1), json!(0), json!(1), json!(1)]);
        // Only those that are not live, and of one state.
        for (query, names) in [
            ("not_live=true", vec!["away"]),
            ("not_live=true&state=stopped", vec![]),
            ("state=stopped&platform=feishu", vec!["one", "two"]),
            ("platform=wecom", vec![]),
        ] {
            let listed = served.get(&format!("/v1/installations?{query}")).await;
            let listed = listed.body["data"].as_array().expect("a list").clone();
            let found: Vec<_> = listed.iter().map(|bot| bot["name"].clone()).collect();
            assert_eq!(found, names, "{query}");
        }
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
