//! A platform with the apps, people and chats of the vectors, and what can be done to it before a call.

use longwire_sim::{
    Apps, Behaviour, BotProfile, CallBudgets, CallOutcome, ChatMessage, ChatProfile, ChatSender,
    ClickedCard, Control, PersonProfile, Push, Reach, Sim, SimSettings,
};
use serde_json::{Value, json};

use crate::caller::{Caller, MESSAGES};
use crate::support::{Client, bootstrap_as, wait};

pub(crate) const APP: &str = "cli_a000000000000001";
pub(crate) const SECRET: &str = "synthetic-app-secret-00000000001";
pub(crate) const OTHER_APP: &str = "cli_a000000000000002";
pub(crate) const BOT: &str = "ou_0000000000000000000000000000b0b0";
pub(crate) const PERSON: &str = "ou_0000000000000000000000000000a001";
const SECOND_PERSON: &str = "ou_0000000000000000000000000000a002";
const STRANGER: &str = "ou_0000000000000000000000000000dead";
pub(crate) const DIRECT: &str = "oc_0000000000000000000000000000c001";
pub(crate) const GROUP: &str = "oc_0000000000000000000000000000c002";
/// The message of a person in the direct chat, one in the group, and two that the bot sent.
pub(crate) const QUESTION: &str = "om_0000000000000000000000000000d001";
pub(crate) const IN_GROUP: &str = "om_0000000000000000000000000000d002";
pub(crate) const SENT: &str = "om_0000000000000000000000000000e001";
pub(crate) const SENT_SECOND: &str = "om_0000000000000000000000000000e002";
const CARD: &str = "7300000000000000001";
pub(crate) const REDIRECT: &str = "https://bot.example.com/oauth/callback";
/// What the page is asked with for the verifier of the vectors.
const VERIFIER_SHA256: &str = "dFDVBvKtzcWiPnflU2IbaAfyBsva4os3X0aKaTSYkPg";

/// A platform in the state that a vector needs.
pub(crate) struct Stage {
    pub(crate) sim: Sim,
    pub(crate) caller: Caller,
    /// What stands in the vector, and what it is here.
    pub(crate) stands_for: Vec<(String, String)>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let sim = Sim::start(SimSettings {
            apps: Apps::Known(
                [APP, OTHER_APP]
                    .map(|app| (app.to_owned(), SECRET.to_owned()))
                    .to_vec(),
            ),
            call_budgets: CallBudgets::none(),
            chat_messages_per_second: 0,
            person: PERSON.to_owned(),
            ..SimSettings::default()
        });
        let sim = sim.expect("the simulator starts");
        let control = sim.control();
        let bot = BotProfile {
            name: "AuraK".to_owned(),
            open_id: Some(BOT.to_owned()),
            ..BotProfile::default()
        };
        control.describe_bot(APP, bot);
        let person = PersonProfile {
            name: Some("测试用户".to_owned()),
            en_name: Some("Test User".to_owned()),
            union_id: Some("on_0000000000000000000000000000b001".to_owned()),
            ..PersonProfile::default()
        };
        control.describe_person(PERSON, person);
        let outside = PersonProfile {
            reach: Reach::Outside,
            ..PersonProfile::default()
        };
        control.describe_person(SECOND_PERSON, outside.clone());
        control.describe_person(STRANGER, outside);
        let group = ChatProfile {
            name: "Test group".to_owned(),
            ..ChatProfile::default()
        };
        control.describe_chat(GROUP, group);
        let caller = Caller::new(&sim).logged_in(APP, SECRET);
        let mut stage = Self {
            sim,
            caller,
            stands_for: Vec::new(),
        };
        // The person has written in the direct chat before.
        stage.write("om_0000000000000000000000000000d000", "earlier");
        stage
    }

    pub(crate) fn control(&self) -> Control {
        self.sim.control()
    }

    pub(crate) fn stand(&mut self, placeholder: &str, real: &str) {
        let pair = (placeholder.to_owned(), real.to_owned());
        self.stands_for.push(pair);
    }

    pub(crate) fn push(&mut self, message: ChatMessage) {
        if let Some(id) = message.message_id.clone() {
            self.stand(&id, &id);
        }
        self.control().push(APP, Push::message(message));
    }

    pub(crate) fn write(&mut self, message_id: &str, text: &str) {
        self.push(question(message_id, text));
    }

    /// The bot sends a message, which stands for [`SENT`].
    pub(crate) fn bot_sends(&mut self, msg_type: &str, content: &Value) -> String {
        let body =
            json!({ "receive_id": DIRECT, "msg_type": msg_type, "content": content.to_string() });
        let path = format!("{MESSAGES}?receive_id_type=chat_id");
        let sent = self.caller.data("POST", &path, &body);
        let id = sent["message_id"].as_str().expect("an id").to_owned();
        self.stand(SENT, &id);
        id
    }

    pub(crate) fn upload_image(&mut self) {
        let bytes = [b"\x89PNG\r\n\x1a\n".as_slice(), b"synthetic"].concat();
        let parts = [
            ("image_type", None, b"message".as_slice()),
            ("image", Some("a"), &bytes),
        ];
        let reply = self.caller.form("/open-apis/im/v1/images", &parts).json();
        let key = reply["data"]["image_key"]
            .as_str()
            .expect("a key")
            .to_owned();
        self.stand("img_v2_synthetic0001", &key);
    }

    /// The bot makes a card entity and sends it, and streams so many texts into it.
    pub(crate) fn card(&mut self, streaming: bool, texts: u32) {
        let card = json!({
            "schema": "2.0",
            "config": { "streaming_mode": streaming, "update_multi": true },
            "body": { "elements": [{ "tag": "markdown", "element_id": "answer", "content": "" }] },
        });
        let body = json!({ "type": "card_json", "data": card.to_string() });
        let made = self
            .caller
            .data("POST", "/open-apis/cardkit/v1/cards", &body);
        let id = made["card_id"].as_str().expect("an id").to_owned();
        self.stand(CARD, &id);
        for sequence in 1..=texts {
            let path = format!("/open-apis/cardkit/v1/cards/{id}/elements/answer/content");
            let body = json!({ "content": format!("text {sequence}"), "sequence": sequence });
            self.caller.data("PUT", &path, &body);
        }
    }

    /// A person clicks, and the app answers. The credential stands for that of the vectors.
    pub(crate) fn click(&mut self) {
        let url = bootstrap_as(&self.sim, APP, SECRET);
        let url = url["data"]["URL"].as_str().expect("a url");
        let mut client = Client::dial(&url.parse().expect("a url")).expect("101");
        let control = self.control();
        wait(&control, |ledger| ledger.connections_opened == 1);
        control.push(APP, Push::card_click(ClickedCard::default()));
        // The person's earlier message waited for a connection.
        let credential = loop {
            let (payload, frame) = client.event();
            client.ack(&frame);
            let event: Value = serde_json::from_slice(&payload).expect("json");
            if let Some(token) = event["event"]["token"].as_str() {
                break token.to_owned();
            }
        };
        wait(&control, |ledger| ledger.acked == 2);
        self.stand("c-0000000000000000000000000000000000000001", &credential);
    }

    pub(crate) fn update_later(&self) {
        let token = &self.stands_for.last().expect("a click").1;
        let card = json!({ "elements": [{ "tag": "markdown", "content": "later" }] });
        let path = "/open-apis/interactive/v1/card/update";
        let code = self
            .caller
            .code("POST", path, &json!({ "token": token, "card": card }));
        assert_eq!(code, 0);
    }

    /// A person agrees. The code stands for that of the vectors.
    pub(crate) fn agree(&mut self, redirect: &str) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", APP)
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", "auth:user.id:read offline_access")
            .append_pair("code_challenge", VERIFIER_SHA256)
            .append_pair("code_challenge_method", "S256")
            .append_pair("state", "s")
            .finish();
        let path = format!("/open-apis/authen/v1/authorize?{query}");
        let reply = self.caller.send("GET", &path, "text/plain", b"");
        let back = url::Url::parse(reply.header("location").expect("a redirect")).expect("a url");
        let mut pairs = back.query_pairs();
        let code = pairs.find(|(name, _)| name == "code").expect("a code").1;
        self.stand("synthetic-code-0001", &code);
        code.into_owned()
    }

    /// The tokens of a person who agreed. They stand for those of the vectors.
    pub(crate) fn person_tokens(&mut self) -> Value {
        let code = self.agree(REDIRECT);
        let body = json!({
            "grant_type": "authorization_code", "client_id": APP, "client_secret": SECRET, "code": code,
            "redirect_uri": REDIRECT, "code_verifier": "synthetic-verifier-0000000000000000000000000000000",
        });
        let (status, tokens) = self
            .caller
            .json("POST", "/open-apis/authen/v2/oauth/token", &body);
        assert_eq!(status, 200, "{tokens}");
        let token = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        let (access, refresh) = (token("access_token"), token("refresh_token"));
        self.stand("eyJhbGciOiJFUzI1NiJ9.c3ludGhldGlj.c2lnbmF0dXJlr", &refresh);
        self.caller.token = Some(access);
        tokens
    }

    /// The next call is refused as the answer of the vector says.
    pub(crate) fn script(&self, call: &Value) {
        let answer = &call["answer"];
        let mut error = answer["json"]["error"].clone();
        if let Some(members) = error.as_object_mut() {
            members.remove("log_id");
            members.remove("troubleshooter");
        }
        let number = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
        let http = u16::try_from(answer["status"].as_u64().expect("a status")).expect("a status");
        let with = match answer["json"]["code"].as_i64().expect("a code") {
            99_991_400 => CallOutcome::Rate {
                http,
                limit: number(&answer["headers"]["x-ogw-ratelimit-limit"]),
                reset_s: number(&answer["headers"]["x-ogw-ratelimit-reset"]),
            },
            code => CallOutcome::Refuse {
                http,
                code,
                msg: answer["json"]["msg"].as_str().expect("a text").to_owned(),
                error: Some(error).filter(Value::is_object),
            },
        };
        let script = Behaviour::Call { to: None, with }.times(1);
        self.control().behaviour(Some(APP), script);
    }
}

pub(crate) fn question(message_id: &str, text: &str) -> ChatMessage {
    ChatMessage {
        chat: DIRECT.to_owned(),
        sender: ChatSender::Human(PERSON.to_owned()),
        message_id: Some(message_id.to_owned()),
        text: text.to_owned(),
        ..ChatMessage::default()
    }
}
