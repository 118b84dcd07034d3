//! What a client of a bot sees, whatever it and others do.

use std::collections::BTreeMap;

use longwire_fleet::{Reply, RequestError};
use longwire_installation::InstallationId;
use longwire_store::ConsumerId;
use longwire_wire::wecom::CommandName;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::wecom::hand_over::HandOver;

const HANDLER_LIMIT: Duration = Duration::from_secs(600);

/// One client, with what it was told and what is asked for it.
struct Client {
    session: Session,
    id: ClientId,
    told: Vec<Value>,
    pings: Vec<[u8; 8]>,
    admit: usize,
    passed_on: VecDeque<Start>,
    done: Vec<DeliveryId>,
    dropped: Option<DropReason>,
}

impl Client {
    fn new(consumer: i64, connection: u64, now: Instant) -> Self {
        Self {
            session: Session::new(now),
            id: ClientId {
                bot: InstallationId(1),
                consumer: ConsumerId(consumer),
                connection,
            },
            told: Vec::new(),
            pings: Vec::new(),
            admit: 0,
            passed_on: VecDeque::new(),
            done: Vec::new(),
            dropped: None,
        }
    }

    fn subscribed(consumer: i64, connection: u64, clients: &mut BotClients, now: Instant) -> Self {
        let mut client = Self::new(consumer, connection, now);
        clients.came(client.id, now).expect("there is room");
        client.say(&subscribe("s"), clients, now);
        client.admitted(clients, now);
        assert_eq!(client.told.len(), 1);
        assert_eq!(client.code("s"), Some(0));
        client
    }

    fn say(&mut self, frame: &Value, clients: &mut BotClients, now: Instant) {
        (self.session).handle_message(frame.to_string().into(), clients, now);
        self.drive(now);
    }

    fn admitted(&mut self, clients: &mut BotClients, now: Instant) {
        let admission = Admission::Admitted(Some((self.id, HANDLER_LIMIT)));
        self.session.handle_admitted(admission, clients, now);
        self.drive(now);
    }

    fn event(&mut self, delivery: u64, frame: &Value, clients: &mut BotClients, now: Instant) {
        let payload = Bytes::from(frame.to_string());
        (self.session).handle_event(DeliveryId(delivery), payload, clients, now);
        self.drive(now);
    }

    fn drive(&mut self, now: Instant) {
        while let Some(action) = self.session.poll_action() {
            assert!(self.dropped.is_none(), "nothing follows the end");
            match action {
                Action::Text(text) => {
                    self.told.push(serde_json::from_slice(&text).expect("json"));
                }
                Action::Admit(_) => self.admit += 1,
                Action::PassOn(start) => self.passed_on.push_back(start),
                Action::Done(delivery) => self.done.push(delivery),
                Action::Drop(reason) => self.dropped = Some(reason),
            }
        }
        self.pings.extend(self.session.poll_ping(now));
    }

    /// The platform's answer to the oldest request.
    fn answer(&mut self, reply: Result<Reply, RequestError>, now: Instant) {
        let start = self.passed_on.pop_front().expect("a request was passed on");
        self.session.handle_answer(start.number, &reply, now);
        self.drive(now);
    }

    /// The `errcode` of the last answer to this id.
    fn code(&self, req_id: &str) -> Option<i64> {
        let answers = self.told.iter().rev();
        let mut of_id = answers.filter(|told| told["headers"]["req_id"] == req_id);
        of_id.find(|told| told.get("cmd").is_none())?["errcode"].as_i64()
    }
}

fn frame(cmd: &str, req_id: &str, body: Value) -> Value {
    json!({"cmd": cmd, "headers": {"req_id": req_id}, "body": body})
}

fn subscribe(req_id: &str) -> Value {
    frame(
        "aibot_subscribe",
        req_id,
        json!({"bot_id": "b", "secret": "lw_x", "scene": 1}),
    )
}

fn respond(req_id: &str, serial: u64) -> Value {
    frame("aibot_respond_msg", req_id, json!({"serial": serial}))
}

fn callback(req_id: &str) -> Value {
    let body = json!({"msgid": req_id, "msgtype": "text", "from": {"userid": "u"}});
    frame("aibot_msg_callback", req_id, body)
}

fn displaced() -> Value {
    let body = json!({"msgtype": "event", "event": {"eventtype": "disconnected_event"}});
    frame("aibot_event_callback", "d", body)
}

fn ok() -> Reply {
    Reply::new(Some(0), "ok", None)
}

#[test]
fn the_first_frame_is_the_answer_to_the_subscribe() {
    let (mut clients, now) = (BotClients::default(), Instant::now());
    let mut client = Client::new(1, 1, now);
    client.say(&subscribe("s"), &mut clients, now);
    client.say(&frame("ping", "p", json!({})), &mut clients, now);
    client.say(&respond("r", 1), &mut clients, now);
    assert!(client.told.is_empty(), "it waits for the answer");
    client.admitted(&mut clients, now);
    let ids: Vec<_> = (client.told.iter())
        .map(|told| told["headers"]["req_id"].clone())
        .collect();
    assert_eq!(ids, ["s", "p"]);
    assert_eq!(
        client.passed_on.len(),
        1,
        "and what it said meanwhile is done"
    );
}

#[test]
fn a_passing_cause_is_waited_for_and_never_told() {
    let (mut clients, start) = (BotClients::default(), Instant::now());
    let mut now = start;
    let mut client = Client::new(1, 1, now);
    client.say(&subscribe("s"), &mut clients, now);
    while client.dropped.is_none() {
        assert_eq!(client.admit, 1, "asked once at a time");
        client.admit = 0;
        (client.session).handle_admitted(Admission::NotYet, &mut clients, now);
        now = client.session.poll_timeout().expect("it looks again");
        client.session.handle_timeout(now);
        client.drive(now);
    }
    assert_eq!(client.dropped, Some(DropReason::NotReady));
    assert_eq!(now, start + PASSING);
    assert!(client.told.is_empty());
}

#[test]
fn wrong_credentials_are_told_in_the_platforms_words_and_the_socket_stays() {
    let (mut clients, now) = (BotClients::default(), Instant::now());
    let mut client = Client::new(1, 1, now);
    client.say(&subscribe("s"), &mut clients, now);
    (client.session).handle_admitted(Admission::Wrong, &mut clients, now);
    client.drive(now);
    assert_eq!(client.code("s"), Some(code::BAD_CREDENTIALS));
    client.say(&frame("ping", "p", json!({})), &mut clients, now);
    assert_eq!(client.code("p"), Some(0));
    client.say(&respond("r", 1), &mut clients, now);
    assert_eq!(client.code("r"), Some(code::NOT_SUBSCRIBED));
    assert_eq!(client.dropped, None);
    client.session.handle_timeout(now + REFUSED);
    client.drive(now);
    assert_eq!(client.dropped, Some(DropReason::Refused));
}

#[test]
fn a_subscribe_may_be_repeated_on_the_same_connection() {
    let (mut clients, now) = (BotClients::default(), Instant::now());
    let mut client = Client::subscribed(1, 1, &mut clients, now);
    client.say(&subscribe("again"), &mut clients, now);
    let same = Admission::Admitted(None);
    (client.session).handle_admitted(same, &mut clients, now);
    client.drive(now);
    assert_eq!(client.code("again"), Some(0));
    client.say(&subscribe("other"), &mut clients, now);
    (client.session).handle_admitted(Admission::Other, &mut clients, now);
    client.drive(now);
    assert_eq!(client.dropped, Some(DropReason::OtherCredentials));
}

#[test]
fn a_callback_goes_out_as_it_was_recorded_and_a_pong_says_it_is_there() {
    let (mut clients, now) = (BotClients::default(), Instant::now());
    let mut client = Client::subscribed(1, 1, &mut clients, now);
    let payload = Bytes::from_static(
        br#"{"body":{"msgtype" : "text","from":{"userid":"u"}},"cmd":"aibot_msg_callback","headers":{"req_id":"r\/1"}}"#,
    );
    (client.session).handle_event(DeliveryId(7), payload.clone(), &mut clients, now);
    let Some(Action::Text(text)) = client.session.poll_action() else {
        panic!("it is sent");
    };
    assert_eq!(text, payload);
    let ping = client.session.poll_ping(now).expect("a ping is behind it");
    client.session.handle_pong(b"", now);
    client.drive(now);
    assert_eq!(client.done, []);
    client.session.handle_pong(&ping, now);
    client.drive(now);
    assert_eq!(client.done, [DeliveryId(7)]);
}

#[test]
fn nobody_hears_of_a_displacement_or_of_what_is_no_callback() {
    let (mut clients, now) = (BotClients::default(), Instant::now());
    let mut client = Client::subscribed(1, 1, &mut clients, now);
    client.event(1, &displaced(), &mut clients, now);
    client.event(
        2,
        &json!({"type": "longwire.bot.displaced"}),
        &mut clients,
        now,
    );
    client.event(3, &json!(null), &mut clients, now);
    assert_eq!(client.done, [1, 2, 3].map(DeliveryId));
    assert_eq!(client.told.len(), 1, "the answer to its subscribe");
    assert!(client.pings.is_empty());
}

#[test]
fn a_request_goes_through_and_its_answer_comes_back_under_the_clients_id() {
    let (mut clients, now) = (BotClients::default(), Instant::now());
    let mut client = Client::subscribed(1, 1, &mut clients, now);
    let unknown = frame("aibot_get_mcp_config", "aibot_subscribe_1", json!({"a": 1}));
    client.say(&unknown, &mut clients, now);
    let start = client.passed_on.front().expect("it is passed on");
    let name = CommandName::parse("aibot_get_mcp_config");
    assert_eq!(Some(&start.request.command), name.as_ref());
    assert_eq!(start.request.req_id, None, "it gets an id of ours");
    let body = serde_json::value::to_raw_value(&json!({"url": "u"})).expect("json");
    client.answer(Ok(Reply::new(Some(0), "ok", Some(body))), now);
    let told = client.told.last().expect("an answer");
    assert_eq!(told["headers"]["req_id"], "aibot_subscribe_1");
    assert_eq!(told["body"]["url"], "u");
}

#[test]
fn an_unknown_command_that_answers_a_callback_keeps_its_id() {
    let (mut clients, now) = (BotClients::default(), Instant::now());
    let mut client = Client::subscribed(1, 1, &mut clients, now);
    client.event(1, &callback("r"), &mut clients, now);
    let answer = frame("ww_ai_robot_enter_event", "r", json!({"version": "1"}));
    client.say(&answer, &mut clients, now);
    let start = client.passed_on.front().expect("it is passed on");
    assert_eq!(start.request.req_id.as_deref(), Some("r"));
}

#[test]
fn an_answer_that_comes_too_late_is_not_told() {
    let (mut clients, now) = (BotClients::default(), Instant::now());
    let mut client = Client::subscribed(1, 1, &mut clients, now);
    client.say(&respond("r", 1), &mut clients, now);
    client.answer(Ok(ok()), now + Duration::from_secs(5));
    assert_eq!(client.code("r"), None, "it would settle the next frame");
    client.say(&respond("r", 2), &mut clients, now);
    client.answer(Err(RequestError::NotSent), now);
    assert_eq!(client.code("r"), Some(-1));
    client.say(&respond("r", 3), &mut clients, now);
    client.answer(Err(RequestError::TimedOut), now);
    assert_eq!(client.told.len(), 2, "as the platform, which says nothing");
}

#[test]
fn a_client_that_answers_no_ping_is_dropped_and_a_silent_one_too() {
    let (mut clients, now) = (BotClients::default(), Instant::now());
    let mut client = Client::subscribed(1, 1, &mut clients, now);
    client.event(1, &callback("r"), &mut clients, now);
    client.session.handle_timeout(now + SILENCE);
    client.drive(now);
    assert_eq!(client.dropped, None, "it may be busy with the event");
    client.session.handle_timeout(now + HANDLER_LIMIT);
    client.drive(now);
    assert_eq!(client.dropped, Some(DropReason::NoPongs));
    let mut idle = Client::subscribed(1, 2, &mut clients, now);
    let due = idle.session.poll_timeout().expect("it is watched");
    assert_eq!(due, now + SILENCE);
    idle.session.handle_timeout(due);
    idle.drive(now);
    assert_eq!(idle.dropped, Some(DropReason::Silent));
}

#[test]
fn nonsense_is_harmless_up_to_a_bound() {
    let (mut clients, now) = (BotClients::default(), Instant::now());
    let mut client = Client::subscribed(1, 1, &mut clients, now);
    for text in ["", "null", "[1]", "{", "\u{0}", r#"{"cmd":null}"#, "{}"] {
        (client.session).handle_message(Bytes::from(text), &mut clients, now);
    }
    client.drive(now);
    assert_eq!((client.told.len(), client.dropped), (1, None));
    for _ in 0..=NONSENSE {
        (client.session).handle_message(Bytes::from_static(b"?"), &mut clients, now);
    }
    client.drive(now);
    assert_eq!(client.dropped, Some(DropReason::Nonsense));
}

#[derive(Clone, Debug)]
enum Step {
    Callback(u8),
    Displaced,
    Respond(u8, u8),
    Send(u8),
    Reply(u8, bool),
    Pongs(u8),
    Later(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_u8..4).prop_map(Step::Callback),
        Just(Step::Displaced),
        (0_u8..5, 0_u8..4).prop_map(|(client, id)| Step::Respond(client, id)),
        (0_u8..5).prop_map(Step::Send),
        (0_u8..5, any::<bool>()).prop_map(|(client, lost)| Step::Reply(client, lost)),
        (0_u8..5).prop_map(Step::Pongs),
        (0_u16..2_000).prop_map(Step::Later),
    ]
}

proptest! {
    /// Five programs on one bot, whatever order they answer in: each callback has the answers of one of them, the others are
    /// told what an expired id is told, and nobody hears that somebody took the bot.
    #[test]
    fn one_answer_wins(steps in prop::collection::vec(step(), 1..150)) {
        let (mut clients, mut now) = (BotClients::default(), Instant::now());
        let mut programs: Vec<_> = (0..5)
            .map(|n| Client::subscribed(n, n as u64, &mut clients, now))
            .collect();
        let mut owners: BTreeMap<String, usize> = BTreeMap::new();
        let (mut delivery, mut serial) = (0, 0);
        for step in steps {
            match step {
                Step::Callback(id) => for program in &mut programs {
                    delivery += 1;
                    program.event(delivery, &callback(&id.to_string()), &mut clients, now);
                },
                Step::Displaced => for program in &mut programs {
                    delivery += 1;
                    program.event(delivery, &displaced(), &mut clients, now);
                },
                Step::Respond(which, id) => {
                    serial += 1;
                    let (which, id) = (usize::from(which), id.to_string());
                    let owner = *owners.entry(id.clone()).or_insert(which);
                    let program = &mut programs[which];
                    let told = program.told.len();
                    program.say(&respond(&id, serial), &mut clients, now);
                    if owner != which {
                        prop_assert_eq!(program.told.len(), told + 1);
                        prop_assert_eq!(program.code(&id), Some(code::INVALID_REQ_ID));
                    }
                }
                Step::Send(which) => {
                    serial += 1;
                    let body = json!({"chatid": "c", "serial": serial});
                    let send = frame("aibot_send_msg", &format!("send{serial}"), body);
                    programs[usize::from(which)].say(&send, &mut clients, now);
                }
                Step::Reply(which, is_lost) => {
                    let program = &mut programs[usize::from(which)];
                    if !program.passed_on.is_empty() {
                        let reply = if is_lost { Err(RequestError::TimedOut) } else { Ok(ok()) };
                        program.answer(reply, now);
                    }
                }
                Step::Pongs(which) => {
                    let program = &mut programs[usize::from(which)];
                    for ping in std::mem::take(&mut program.pings) {
                        program.session.handle_pong(&ping, now);
                    }
                    program.drive(now);
                }
                Step::Later(ms) => {
                    now += Duration::from_millis(ms.into());
                    for program in &mut programs {
                        program.session.handle_timeout(now);
                        program.drive(now);
                    }
                }
            }
        }
        for (which, program) in programs.iter_mut().enumerate() {
            for ping in std::mem::take(&mut program.pings) {
                program.session.handle_pong(&ping, now);
            }
            program.drive(now);
            let told = program.told.iter().map(Value::to_string);
            prop_assert!(!told.into_iter().any(|text| text.contains("disconnected_event")));
            for start in &program.passed_on {
                if let Some(req_id) = &start.request.req_id {
                    prop_assert_eq!(owners.get(&**req_id), Some(&which));
                }
            }
        }
        let done: usize = programs.iter().map(|program| program.done.len()).sum();
        prop_assert_eq!(done as u64, delivery, "each event was handed over once");
    }
}

/// The session keeps little of an idle client.
#[test]
fn an_idle_client_is_small() {
    assert!(size_of::<Session>() <= 160, "{}", size_of::<Session>());
    let subscribed = size_of::<Subscribed>() + size_of::<HandOver>();
    assert!(subscribed <= 640, "{subscribed}");
}
