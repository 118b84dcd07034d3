//! The state of the platform that a vector begins with.

use std::time::Duration;

use longwire_sim::{
    Apps, Attachment, AttachmentKind, Behaviour, BotProfile, CallBudgets, CallOutcome, ChatMessage,
    ChatProfile, ChatSender, ClickedCard, Control, PersonProfile, Push, Reach, Sim, SimSettings,
};
use serde_json::{Value, json};

use crate::caller::{Caller, MESSAGES, text};
use crate::support::{Client, bootstrap_as, wait};

pub(crate) const APP: &str = "cli_a000000000000001";
const SECRET: &str = "synthetic-app-secret-00000000001";
const OTHER_APP: &str = "cli_a000000000000002";
const BOT: &str = "ou_0000000000000000000000000000b0b0";
const PERSON: &str = "ou_0000000000000000000000000000a001";
const SECOND_PERSON: &str = "ou_0000000000000000000000000000a002";
const STRANGER: &str = "ou_0000000000000000000000000000dead";
const DIRECT: &str = "oc_0000000000000000000000000000c001";
const GROUP: &str = "oc_0000000000000000000000000000c002";
/// The message of a person in the direct chat, one in the group, and two that the bot sent.
pub(crate) const QUESTION: &str = "om_0000000000000000000000000000d001";
const IN_GROUP: &str = "om_0000000000000000000000000000d002";
const SENT: &str = "om_0000000000000000000000000000e001";
const SENT_SECOND: &str = "om_0000000000000000000000000000e002";
const CARD: &str = "7300000000000000001";
const REDIRECT: &str = "https://bot.example.com/oauth/callback";
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
    fn new() -> Self {
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

    fn control(&self) -> Control {
        self.sim.control()
    }

    fn stand(&mut self, placeholder: &str, real: &str) {
        let pair = (placeholder.to_owned(), real.to_owned());
        self.stands_for.push(pair);
    }

    fn push(&mut self, message: ChatMessage) {
        if let Some(id) = message.message_id.clone() {
            self.stand(&id, &id);
        }
        self.control().push(APP, Push::message(message));
    }

    fn write(&mut self, message_id: &str, text: &str) {
        self.push(question(message_id, text));
    }

    /// The bot sends a message, which stands for [`SENT`].
    fn bot_sends(&mut self, msg_type: &str, content: &Value) -> String {
        let body =
            json!({ "receive_id": DIRECT, "msg_type": msg_type, "content": content.to_string() });
        let path = format!("{MESSAGES}?receive_id_type=chat_id");
        let sent = self.caller.data("POST", &path, &body);
        let id = sent["message_id"].as_str().expect("an id").to_owned();
        self.stand(SENT, &id);
        id
    }

    fn upload_image(&mut self) {
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
    fn card(&mut self, streaming: bool, texts: u32) {
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
    fn click(&mut self) {
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

    fn update_later(&self) {
        let token = &self.stands_for.last().expect("a click").1;
        let card = json!({ "elements": [{ "tag": "markdown", "content": "later" }] });
        let path = "/open-apis/interactive/v1/card/update";
        let code = self
            .caller
            .code("POST", path, &json!({ "token": token, "card": card }));
        assert_eq!(code, 0);
    }

    /// A person agrees. The code stands for that of the vectors.
    fn agree(&mut self, redirect: &str) -> String {
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
    fn person_tokens(&mut self) -> Value {
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
    fn script(&self, call: &Value) {
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

fn question(message_id: &str, text: &str) -> ChatMessage {
    ChatMessage {
        chat: DIRECT.to_owned(),
        sender: ChatSender::Human(PERSON.to_owned()),
        message_id: Some(message_id.to_owned()),
        text: text.to_owned(),
        ..ChatMessage::default()
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The state for a vector. What cannot be in the vector's request is changed in it.
pub(crate) fn stage(call: &mut Value) -> Stage {
    let mut stage = Stage::new();
    let control = stage.control();
    let name = call["name"].as_str().expect("a name");
    stage.stand(DIRECT, DIRECT);
    if name != "get_message_merge_forward" {
        // There it is the chat that the forwarded messages come from.
        stage.stand(GROUP, GROUP);
    }
    match name {
        "token_tenant_internal_ok" | "token_app_internal_ok" => {
            control.expire_tokens(None);
        }
        "token_tenant_internal_cached_over_30min" => {
            let token = stage.caller.token.clone().expect("a token");
            stage.stand("t-0000000000000000000000000000000000000001", &token);
            control.pass_time(Duration::from_millis(7_200_000 - 1_801_900));
        }
        "token_tenant_internal_renewed_under_30min" => control.pass_time(seconds(7_200 - 1_799)),
        "token_store_tenant_ok" => {
            control.expire_tokens(None);
            let asked = json!({ "app_id": APP, "app_secret": SECRET, "app_ticket": "ticket" });
            let path = "/open-apis/auth/v3/app_access_token";
            let (_, answer) = stage.caller.json("POST", path, &asked);
            let token = answer["app_access_token"].as_str().expect("a token");
            stage.stand("a-0000000000000000000000000000000000000001", token);
        }
        "send_text_same_uuid_within_hour" => {
            let path = call["request"]["path"].as_str().expect("a path");
            let sent = stage.caller.data("POST", path, &call["request"]["body"]);
            let id = sent["message_id"].as_str().expect("an id");
            stage.stand(SENT_SECOND, id);
            let time = sent["create_time"].as_str().expect("a time");
            stage.stand("1767225602000", time);
            control.pass_time(seconds(10));
        }
        "send_image" => stage.upload_image(),
        "reply_text" => stage.write(QUESTION, "hello"),
        "reply_text_in_thread" => stage.push(ChatMessage {
            chat: GROUP.to_owned(),
            group: true,
            ..question(IN_GROUP, "hello")
        }),
        "reply_to_recalled" | "get_message_recalled" => {
            stage.write(QUESTION, "hello");
            control.recall(QUESTION);
        }
        "get_message_text" => stage.push(ChatMessage {
            mentions: vec![BOT.to_owned()],
            ..question(QUESTION, "@_user_1 quoted")
        }),
        "get_message_merge_forward" => stage.push(ChatMessage {
            forwarded: vec!["first".to_owned()],
            forwarded_within: vec!["nested".to_owned()],
            ..question(QUESTION, "")
        }),
        "list_messages" => {
            stage.write(QUESTION, "hi there");
            stage.write(IN_GROUP, "hi there");
        }
        "forward_message" => stage.write(QUESTION, "hi there"),
        "patch_card" => {
            let element = json!({ "tag": "markdown", "content": "before" });
            stage.bot_sends("interactive", &json!({ "elements": [element] }));
        }
        "put_edit_text" | "recall_message" => {
            stage.bot_sends("text", &json!({ "text": "before" }));
        }
        "put_edit_too_many" => {
            let id = stage.bot_sends("text", &json!({ "text": "before" }));
            for edit in 0..20 {
                let path = format!("{MESSAGES}/{id}");
                stage
                    .caller
                    .data("PUT", &path, &text(&format!("edit {edit}")));
            }
        }
        "reaction_create_typing" => stage.write(QUESTION, "hello"),
        "reaction_delete" => {
            stage.write(QUESTION, "hello");
            let path = format!("{MESSAGES}/{QUESTION}/reactions");
            let body = json!({ "reaction_type": { "emoji_type": "Typing" } });
            let added = stage.caller.data("POST", &path, &body);
            let id = added["reaction_id"].as_str().expect("an id");
            stage.stand("synthetic-reaction-id-0001", id);
        }
        "resource_download_image" => {
            let bytes = [b"\x89PNG\r\n\x1a\n".as_slice(), b"synthetic"].concat();
            stage.push(ChatMessage {
                attachment: Some(Attachment {
                    kind: AttachmentKind::Image,
                    name: "image.png".to_owned(),
                    bytes: bytes.into(),
                }),
                ..question(QUESTION, "")
            });
            let transcript = control.transcript(DIRECT);
            let file = transcript
                .message(QUESTION)
                .and_then(|line| line.file.clone());
            stage.stand("img_v2_synthetic0001", &file.expect("a file").key);
        }
        "resource_download_wrong_pair" => stage.write(QUESTION, "hello"),
        other => return arranged_later(other.to_owned(), stage, call),
    }
    stage
}

/// Cards, people, tokens of people, and what is scripted.
fn arranged_later(name: String, mut stage: Stage, call: &mut Value) -> Stage {
    let control = stage.control();
    match &*name {
        "cardkit_send" | "cardkit_stream_1" => stage.card(true, 0),
        "cardkit_stream_2" => stage.card(true, 1),
        "cardkit_stream_sequence_not_increasing" | "cardkit_settings_finish" => {
            stage.card(true, 2);
        }
        "cardkit_stream_closed" => stage.card(false, 0),
        "cardkit_stream_timeout" => {
            stage.card(true, 0);
            control.pass_time(seconds(601));
        }
        "cardkit_update_whole_card" => stage.card(true, 3),
        "cardkit_batch_update" => stage.card(true, 4),
        "cardkit_other_app_card" => {
            stage.card(true, 0);
            stage.caller = Caller::new(&stage.sim).logged_in(OTHER_APP, SECRET);
        }
        "delayed_card_update_ok" => stage.click(),
        "delayed_card_update_expired" => {
            stage.click();
            control.pass_time(seconds(1_801));
        }
        "delayed_card_update_used_twice" => {
            stage.click();
            stage.update_later();
            stage.update_later();
        }
        "ephemeral_delete" => {
            let card = json!({ "elements": [] });
            let body = json!({ "chat_id": GROUP, "open_id": PERSON, "msg_type": "interactive", "card": card });
            let sent = stage
                .caller
                .data("POST", "/open-apis/ephemeral/v1/send", &body);
            stage.stand(SENT, sent["message_id"].as_str().expect("an id"));
        }
        "bot_info_disabled" => {
            let bot = BotProfile {
                name: "AuraK".to_owned(),
                open_id: Some(BOT.to_owned()),
                activate_status: 1,
                ..BotProfile::default()
            };
            control.describe_bot(APP, bot);
        }
        "contact_user_get_without_name_scope" => {
            control.behaviour(None, Behaviour::LookupNameless.times(1));
        }
        "contact_user_get_out_of_range" | "error_230013_user_not_in_range" => {
            let outside = PersonProfile {
                reach: Reach::Outside,
                ..PersonProfile::default()
            };
            control.describe_person(PERSON, outside);
        }
        "oauth_code_exchange" => drop(stage.agree(REDIRECT)),
        "oauth_code_expired" => {
            stage.agree(REDIRECT);
            control.pass_time(seconds(301));
        }
        "oauth_redirect_uri_mismatch" => drop(stage.agree("https://other.example.com/")),
        "oauth_code_used" | "oauth_refresh" => drop(stage.person_tokens()),
        "oauth_user_info" => {
            stage.person_tokens();
        }
        "oauth_bad_client_secret" => call["request"]["body"]["client_secret"] = json!("wrong"),
        "oauth_refresh_token_reused" => {
            stage.person_tokens();
            let refresh = stage.stands_for.last().expect("a token").1.clone();
            let body = json!({ "grant_type": "refresh_token", "client_id": APP, "client_secret": SECRET,
                "refresh_token": refresh });
            let path = "/open-apis/authen/v2/oauth/token";
            assert_eq!(stage.caller.code("POST", path, &body), 0);
        }
        "oauth_refresh_token_revoked" => {
            let code = 20_064;
            control.behaviour(
                None,
                Behaviour::UserTokenRefuse { http: 400, code }.times(1),
            );
        }
        "oauth_refresh_token_expired" => {
            stage.person_tokens();
            control.pass_time(seconds(7 * 24 * 60 * 60 + 1));
        }
        "error_99991661_no_token" => stage.caller.token = None,
        "error_99991663_tenant_token_invalid" => control.pass_time(seconds(7_201)),
        "error_99991671_token_malformed" => stage.caller.token = Some("nonsense".to_owned()),
        "error_99991668_user_token_invalid" => stage.caller.token = Some("u-unknown".to_owned()),
        "error_99991677_user_token_expired" => {
            stage.person_tokens();
            control.pass_time(seconds(7_201));
        }
        "error_230002_bot_not_in_chat" => {
            let nobodys = ChatProfile {
                apps: Some(Vec::new()),
                ..ChatProfile::default()
            };
            control.describe_chat(DIRECT, nobodys);
        }
        "error_230025_too_long" => {
            let long = text(&"x".repeat(153_601));
            call["request"]["body"]["content"] = long["content"].clone();
        }
        "error_99992402_field_validation" => {
            call["request"]["body"]["receive_id"] = json!("");
        }
        "resource_download_unauthorised"
        | "error_99991664_app_token_invalid"
        | "error_99991665_tenant_token_invalid"
        | "error_99991672_app_scope_missing"
        | "error_99991679_user_scope_missing"
        | "error_99991662_app_disabled"
        | "error_99991400_rate_limited_429"
        | "error_99991400_rate_limited_400"
        | "error_99991400_rate_limited_no_reset_header"
        | "error_230020_chat_rate_limit"
        | "error_230099_card_content"
        | "error_5xx" => stage.script(call),
        other => assert!(NEEDS_NOTHING.contains(&other), "{other} is not arranged"),
    }
    stage
}

/// Vectors whose calls need nothing but the apps, the people and the chats.
const NEEDS_NOTHING: [&str; 27] = [
    "oauth_code_unknown",
    "error_99991201_unknown_path",
    "token_tenant_internal_ok",
    "token_tenant_internal_unknown_app",
    "token_tenant_internal_wrong_secret",
    "token_tenant_internal_bad_param",
    "token_app_internal_ok",
    "token_store_app_ok",
    "token_store_ticket_resend",
    "send_text_open_id",
    "send_text_chat_id_with_mention_and_uuid",
    "send_card_json",
    "send_post",
    "get_message_deleted_error",
    "image_upload",
    "file_upload",
    "file_upload_opus",
    "cardkit_create",
    "delayed_card_update_bad_token",
    "ephemeral_send",
    "batch_send",
    "bot_info",
    "contact_user_get",
    "contact_users_batch",
    "contact_users_basic_batch",
    "chat_get",
    "outbound_ip_list",
];
