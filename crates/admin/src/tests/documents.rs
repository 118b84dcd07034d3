//! The JSON that programs read: names of fields, their order, and how values are written.

use std::collections::BTreeMap;

use longwire_actor::{HandleTimes, LastExit, LastMessage, MailboxView, SupervisionView, Warning};
use longwire_fleet::{
    ActorView, CallbackView, CardTotals, Inspection, InstallationView, Lights, RefusedCallback,
    RenewalOutcome, RenewalView,
};

use super::uploads::with_scene;
use super::*;
use crate::document::{ActorDocument, InspectionDocument};
use longwire_api::InstallationDocument;

/// A document without its values: names in their order, a number as `0`, a text as `""`, a truth as `?`.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '"' => 1 + end_of_text(&rest[1..]),
            '{' | '}' | '[' | ']' | ',' | ':' => 1,
            _ => rest.find([',', '}', ']']).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(len);
        match first {
            '"' if after.starts_with(':') => shape.push_str(token.trim_matches('"')),
            '"' => shape.push_str("\"\""),
            't' | 'f' => shape.push('?'),
            '-' | '0'..='9' => shape.push('0'),
            _ => shape.push_str(token),
        }
        rest = after;
    }
    shape
}

/// Bytes up to and with the closing quotation mark.
fn end_of_text(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

const OVERVIEW: &str = "{started:\"\",now:\"\",installations:0,by_state:{stopped:0},overloaded:0,alarms:0,\
    actors:{assembler:0,dispatch:0,installation:0,pinger:0,socket:0,supervisor:0},\
    events:{received:0,recorded:0,repeats_by_event_id:0,repeats_by_message:0,unparsed:0,unparsed_dropped:0,assembled:0},\
    answers:{acked:0,refused:0,refused_late:0,shed:0,late_receipts:0,orphaned_receipts:0,unrecorded:0},\
    cards:{asked:0,answered:0,defaulted:0,late:0},callbacks:{},\
    connections:{attempts:0,opened:0,lost:0,reconnects:0,renewed:0,renewals_failed:0,silent:0,left_unread:0,panics:0},malformed:{},\
    ack_latency_us:{count:0,p50:0,p99:0,max:0},record_latency_us:{count:0,p50:0,p99:0,max:0},\
    card_latency_us:{count:0,p50:0,p99:0,max:0},callback_latency_us:{count:0,p50:0,p99:0,max:0},\
    store:{state:\"\",cause:null,detail:null,advice:null,since:null,queue:0,queue_high_water:0,commits:0,notes_dropped:0,concerns:[]},\
    connection_limit:{limit:null,held:0,waiting:0},draining:?}";

const FOLD: &str =
    "{kind:\"\",path:\"\",count:0,states:{ready:0},restarts:0,deepest_mailbox:0,warned:0}";

/// The supervisor's, which has no parent.
const ACTOR: &str = "{id:\"\",path:\"\",kind:\"\",arbiter:0,parent:null,children:0,state:\"\",state_since:\"\",doing:\"\",\
    uptime_ms:0,generation:null,mailbox:{depth:0,high_water:0,capacity:0},handled:0,rate_1m:0,\
    handle_ms:{p50:0,p99:0,max:0},last:{message:\"\",at:\"\"},\
    supervision:{strategy:\"\",restarts:0,limit:\"\",last_exit:null},warnings:[]}";

/// Of one that was never connected, without the end of the object.
const INSTALLATION: &str = "{id:\"\",name:\"\",platform:\"\",app_id:\"\",base_url:\"\",has_proxy:?,mode:\"\",callback_path:\"\",\
    has_verification_token:?,has_encrypt_key:?,candidate:null,take_back_after:null,take_back_per_day:null,\
    origin:\"\",desired:\"\",created:\"\",updated:\"\",guarantee:\"\",state:\"\",state_since:\"\",until:null,attempt:0,\
    reason:null,reason_text:null,next_step:null,generation:0,displaced_since:null,taken_back:[],renewal:null,last_event:null,\
    lights:{connected:null,last_heard:null,pong_round_trip_us:null,never_heard_an_event:?,\
    attempts_exceeded:?,failures:0,alarm:?,restarts:0,reconnects:0,events:0,repeats:0,acked:0,refused:0,shed:0,\
    overloaded:?,unanswered:0,unrecorded:0,left_unread:0,malformed:0,unparsed:0,unparsed_dropped:0,\
    cards:{asked:0,answered:0,defaulted:0,late:0}},callbacks:null";

const STATUS: &str = "{version:\"\",started:\"\",now:\"\",draining:?,\
    installations:{wanted:0,live:0,webhook:0,not_live:0,stopped:0,overloaded:0,groups:[]},\
    store:{state:\"\",cause:null,detail:null,next_step:null,since:null,last_commit:null,bytes:0,free_bytes:0,queue:0},\
    consumers:{total:0,by_state:{},behind:0,troubled:[]},relay:{connections:0}}";

#[test]
fn what_every_fleet_answers_keeps_its_shape() {
    with_admin(|served| async move {
        let (status, _) = served.post("/admin/v1/installations", bot("a")).await;
        assert_eq!(status, 201);
        until_observed(&served).await;
        let absent = FOLD.replace("ready", "absent");
        for (path, wanted) in [
            ("overview", OVERVIEW.to_owned()),
            (
                "tree",
                format!("{{groups:[{FOLD},{FOLD},{FOLD},{absent},{absent},{absent}]}}"),
            ),
            (
                "tree?unfold=/fleet/dispatch",
                "{path:\"\",children:[],more:0}".to_owned(),
            ),
            (
                "actors?under=/fleet&limit=1",
                format!("{{data:[{ACTOR}],matched:0}}"),
            ),
            ("status", STATUS.to_owned()),
            (
                "installations",
                format!("{{data:[{INSTALLATION}}}],next:null,total:0}}"),
            ),
            ("installations/a", format!("{INSTALLATION},timeline:[]}}")),
        ] {
            let (status, text) = served
                .text(Method::GET, &format!("/admin/v1/{path}"), None)
                .await;
            assert_eq!((status, shape(&text)), (200, wanted), "{path}: {text}");
        }
    });
}

async fn until_observed(served: &Served) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while served.get("/admin/v1/installations/a").await.1["lights"].is_null() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the fleet never notices it"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn what_actors_say_of_themselves_keeps_its_shape() {
    with_scene(|scene| async move {
        let scene = &scene;
        let (_, detail) = scene.served.get("/admin/v1/installations/w").await;
        let bot = format!(
            "/fleet/bots/{}",
            detail["id"].as_str().expect("it has an id")
        );
        for (path, words) in [
            (
                "/fleet".to_owned(),
                "{arbiters:0,attempts_under_way:0,draining:?,installations:0,running:0,waiting_for_a_turn:0}",
            ),
            (
                "/fleet/dispatch".to_owned(),
                "{batch_rows_high_water:0,commits:0,queue:0,writer:\"\"}",
            ),
            (
                bot.clone(),
                "{attempts_exceeded:?,generation:0,next_due_ms:0,ping_interval_s:0,reconnect_interval_s:0,\
                 reconnect_nonce_s:0,reconnects:0,state:\"\"}",
            ),
            (
                format!("{bot}/socket"),
                "{arbiter:0,awaiting_application:0,generation:0,phase:\"\",reading:?,shedding:?,unanswered:0,unanswered_bytes:0,unread_bytes:0,\
                 unsent_bytes:0,waiting_for_predecessors:?,waiting_for_the_writer:0}",
            ),
            (
                format!("{bot}/pinger"),
                "{generation:0,next_due_ms:0,round_trip_us:0}",
            ),
        ] {
            let path = format!("/admin/v1/actors/inspect?path={path}");
            let (status, text) = scene.served.text(Method::POST, &path, None).await;
            let wanted = format!("{{outcome:\"\",words:{words}}}");
            // A time that is not set yet is a number soon.
            let shape = shape(&text).replace(":null", ":0");
            assert_eq!((status, shape), (200, wanted), "{path}: {text}");
            assert!(text.starts_with("{\"outcome\":\"answered\","), "{text}");
        }
    });
}

#[test]
fn what_the_platform_answers_keeps_its_shape() {
    with_scene(|scene| async move {
        let scene = &scene;
        let send = json!({
            "cmd": "aibot_send_msg",
            "body": {"chatid": "c", "msgtype": "markdown", "markdown": {"content": "x"}},
        });
        let begin = json!({
            "cmd": "aibot_upload_media_init",
            "body": {"type": "file", "filename": "f", "total_size": 5, "total_chunks": 1, "md5": "0".repeat(32)},
        });
        for (request, wanted) in [
            (send, "{\"code\":0,\"message\":\"ok\"}"),
            (
                begin,
                "{\"code\":0,\"message\":\"ok\",\"body\":{\"upload_id\":",
            ),
        ] {
            let path = "/admin/v1/installations/w/requests";
            let (status, text) = scene.served.text(Method::POST, path, Some(request)).await;
            assert_eq!(status, 200, "{text}");
            assert!(text.starts_with(wanted), "{text}");
        }
    });
}

#[test]
fn an_actor_that_ended_and_was_rebuilt_is_written_whole() {
    let actor = ActorView {
        id: "act_1".to_owned(),
        path: "/fleet/bots/ins_1/socket".to_owned(),
        kind: "socket",
        arbiter: 1,
        parent: Some("/fleet/bots/ins_1".to_owned()),
        children: 2,
        state: "rebuilding",
        state_since_ms: 3,
        doing: "waits".to_owned(),
        uptime_ms: Some(4),
        generation: Some(5),
        mailbox: MailboxView {
            depth: 6,
            high_water: 7,
            capacity: 8,
        },
        handled: 9,
        rate_1m: 0.5,
        handle_ms: HandleTimes {
            p50: 0.25,
            p99: 1.0,
            max: 2.5,
        },
        last: Some(LastMessage {
            message: "Recorded",
            at_ms: 10,
        }),
        supervision: SupervisionView {
            strategy: "rebuild",
            restarts: 11,
            limit: "8 in 10 minutes",
            last_exit: Some(LastExit {
                reason: "panic",
                detail: "\"odd\"".to_owned(),
                at_ms: 12,
            }),
        },
        warnings: vec![Warning {
            code: "stuck",
            hint: "look",
        }],
    };
    let text = serde_json::to_string(&ActorDocument(actor)).expect("it has a JSON form");
    assert_eq!(
        text,
        "{\"id\":\"act_1\",\"path\":\"/fleet/bots/ins_1/socket\",\"kind\":\"socket\",\"arbiter\":1,\
         \"parent\":\"/fleet/bots/ins_1\",\"children\":2,\"state\":\"rebuilding\",\"state_since\":\"1970-01-01T00:00:00.003Z\",\
         \"doing\":\"waits\",\"uptime_ms\":4,\"generation\":5,\
         \"mailbox\":{\"depth\":6,\"high_water\":7,\"capacity\":8},\"handled\":9,\"rate_1m\":0.5,\
         \"handle_ms\":{\"p50\":0.25,\"p99\":1.0,\"max\":2.5},\"last\":{\"message\":\"Recorded\",\"at\":\"1970-01-01T00:00:00.010Z\"},\
         \"supervision\":{\"strategy\":\"rebuild\",\"restarts\":11,\"limit\":\"8 in 10 minutes\",\
         \"last_exit\":{\"reason\":\"panic\",\"detail\":\"\\\"odd\\\"\",\"at\":\"1970-01-01T00:00:00.012Z\"}},\
         \"warnings\":[{\"code\":\"stuck\",\"hint\":\"look\"}]}"
    );
}

#[test]
fn a_bot_in_trouble_is_written_whole() {
    let bot = InstallationView {
        id: "ins_1".to_owned(),
        name: "客服".to_owned(),
        space: Space::default(),
        platform: "feishu",
        app_id: "cli_1".to_owned(),
        desired: "run",
        state: "refused",
        legacy_state: "error",
        state_since_ms: 1,
        until_ms: Some(2),
        attempt: 3,
        reason: Some("r".to_owned()),
        reason_text: Some("t".to_owned()),
        next_step: Some("n".to_owned()),
        generation: 4,
        renewal: Some(RenewalView {
            at_ms: 27,
            outcome: RenewalOutcome::Refused,
            is_of_candidate: true,
            reason: Some("s".to_owned()),
            next_step: Some("u"),
            generation: 28,
            gap_ms: 29,
        }),
        lights: Lights {
            connected_ms: Some(5),
            last_heard_ms: Some(6),
            pong_round_trip_us: Some(7),
            last_event_ms: Some(8),
            never_heard_an_event: false,
            attempts_exceeded: true,
            failures: 9,
            alarm: true,
            restarts: 10,
            reconnects: 11,
            events: 12,
            repeats: 13,
            acked: 14,
            refused: 15,
            shed: 16,
            overloaded: false,
            unanswered: 17,
            unrecorded: 18,
            left_unread: 19,
            malformed: 20,
            unparsed: 21,
            unparsed_dropped: 22,
            cards: CardTotals {
                asked: 23,
                answered: 24,
                defaulted: 25,
                late: 26,
            },
        },
        callbacks: Some(CallbackView {
            last_ms: Some(27),
            last_recorded_ms: Some(28),
            verdicts: BTreeMap::from([("recorded", 29), ("stale", 30)]),
            last_refusal: Some(RefusedCallback {
                at_ms: 31,
                cause: "stale",
                hint: "h",
            }),
            unexpected: Some("u"),
        }),
    };
    with_admin(|served| async move {
        let (status, _) = served
            .post("/admin/v1/installations", wecom_bot("客服"))
            .await;
        assert_eq!(status, 201);
        let record = served.store.reader().installation("客服");
        let mut record = record.expect("the store reads").expect("it is kept");
        record.public_id = longwire_installation::PublicId::from_bytes([0; 16]);
        (record.created_ms, record.updated_ms) = (1, 2);
        record.displaced_ms = Some(32);
        record.taken_back_ms = Box::new([33]);
        let document = InstallationDocument::of(&record, Some(bot));
        let text = serde_json::to_string(&document).expect("it has a JSON form");
        let at = |ms: u8| format!("\"1970-01-01T00:00:00.{ms:03}Z\"");
        let wanted = format!(
            "{{\"id\":\"ins_00000000000000000000000000\",\"name\":\"客服\",\"platform\":\"wecom\",\"app_id\":\"aib1\",\
             \"base_url\":\"ws://127.0.0.1:1\",\"has_proxy\":false,\"mode\":\"long_connection\",\"callback_path\":null,\
             \"has_verification_token\":false,\"has_encrypt_key\":false,\"candidate\":null,\
             \"take_back_after\":\"10m\",\"take_back_per_day\":3,\"origin\":\"api\",\"desired\":\"stop\",\
             \"created\":{},\"updated\":{},\"guarantee\":\"from_first_byte\",\
             \"state\":\"refused\",\"state_since\":{},\"until\":{},\"attempt\":3,\
             \"reason\":\"r\",\"reason_text\":\"t\",\"next_step\":\"n\",\"generation\":4,\
             \"displaced_since\":{},\"taken_back\":[{}],\
             \"renewal\":{{\"at\":{},\"outcome\":\"refused\",\"new_secret\":true,\"reason\":\"s\",\"next_step\":\"u\",\
             \"generation\":28,\"gap_ms\":29}},\"last_event\":{},\
             \"lights\":{{\"connected\":{},\"last_heard\":{},\"pong_round_trip_us\":7,\
             \"never_heard_an_event\":false,\"attempts_exceeded\":true,\"failures\":9,\"alarm\":true,\"restarts\":10,\
             \"reconnects\":11,\"events\":12,\"repeats\":13,\"acked\":14,\"refused\":15,\"shed\":16,\
             \"overloaded\":false,\"unanswered\":17,\"unrecorded\":18,\"left_unread\":19,\"malformed\":20,\
             \"unparsed\":21,\"unparsed_dropped\":22,\
             \"cards\":{{\"asked\":23,\"answered\":24,\"defaulted\":25,\"late\":26}}}},\
             \"callbacks\":{{\"last\":{},\"last_recorded\":{},\"verdicts\":{{\"recorded\":29,\"stale\":30}},\
             \"last_refusal\":{{\"at\":{},\"cause\":\"stale\",\"next_step\":\"h\"}},\"unexpected\":\"u\"}}}}",
            at(1),
            at(2),
            at(1),
            at(2),
            at(32),
            at(33),
            at(27),
            at(8),
            at(5),
            at(6),
            at(27),
            at(28),
            at(31),
        );
        assert_eq!(text, wanted);
        // The command line reads it back as it was.
        let read: InstallationDocument = serde_json::from_str(&text).expect("it is read");
        let again = serde_json::to_string(&read).expect("it has a JSON form");
        assert_eq!(again, text);
    });
}

#[test]
fn an_actor_that_says_nothing_has_an_outcome_too() {
    for (inspection, wanted) in [
        (Inspection::NoAnswer, "{\"outcome\":\"no_answer\"}"),
        (Inspection::Absent, "{\"outcome\":\"absent\"}"),
    ] {
        let text =
            serde_json::to_string(&InspectionDocument(inspection)).expect("it has a JSON form");
        assert_eq!(text, wanted);
    }
}
