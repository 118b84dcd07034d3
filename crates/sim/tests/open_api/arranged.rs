//! The state of the platform that each vector begins with.

use std::time::Duration;

use longwire_sim::{
    Behaviour, BotProfile, ChatMessage, ChatProfile, PersonProfile, PushedFile, PushedFileKind,
    Reach,
};
use serde_json::{Value, json};

use crate::caller::{Caller, MESSAGES, text};
use crate::stage::{
    APP, BOT, DIRECT, GROUP, IN_GROUP, OTHER_APP, PERSON, QUESTION, REDIRECT, SECRET, SENT,
    SENT_SECOND, Stage, question,
};

/// The state for a vector. What cannot be in the vector's request is changed in it.
pub(crate) fn stage(call: &mut Value) -> Stage {
    let mut stage = Stage::new();
    let name = call["name"].as_str().expect("a name").to_owned();
    stage.stand(DIRECT, DIRECT);
    if name != "get_message_merge_forward" {
        // There it is the chat that the forwarded messages come from.
        stage.stand(GROUP, GROUP);
    }
    let families = [tokens, messages, media, cards, people, errors];
    let is_arranged = families
        .into_iter()
        .any(|arrange| arrange(&name, &mut stage, call) == Arranged::Yes);
    assert!(
        is_arranged || NEEDS_NOTHING.contains(&&*name),
        "{name} is not arranged"
    );
    stage
}

/// Whether a family has the vector.
#[derive(PartialEq)]
enum Arranged {
    Yes,
    No,
}

/// Tokens of apps and of people.
fn tokens(name: &str, stage: &mut Stage, call: &mut Value) -> Arranged {
    let control = stage.control();
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
        _ => return Arranged::No,
    }
    Arranged::Yes
}

/// Messages and what was done to them.
fn messages(name: &str, stage: &mut Stage, call: &mut Value) -> Arranged {
    let control = stage.control();
    match name {
        "send_text_same_uuid_within_hour" => {
            let path = call["request"]["path"].as_str().expect("a path");
            let sent = stage.caller.data("POST", path, &call["request"]["body"]);
            let id = sent["message_id"].as_str().expect("an id");
            stage.stand(SENT_SECOND, id);
            let time = sent["create_time"].as_str().expect("a time");
            stage.stand("1767225602000", time);
            control.pass_time(seconds(10));
        }
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
        _ => return Arranged::No,
    }
    Arranged::Yes
}

/// Reactions, images and files.
fn media(name: &str, stage: &mut Stage, call: &mut Value) -> Arranged {
    let control = stage.control();
    match name {
        "send_image" => stage.upload_image(),
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
                attachment: Some(PushedFile {
                    kind: PushedFileKind::Image,
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
        _ => return Arranged::No,
    }
    Arranged::Yes
}

/// Cards that stream, and clicks.
fn cards(name: &str, stage: &mut Stage, _call: &mut Value) -> Arranged {
    let control = stage.control();
    match name {
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
        _ => return Arranged::No,
    }
    Arranged::Yes
}

/// Bots, people and what one of them sees.
fn people(name: &str, stage: &mut Stage, _call: &mut Value) -> Arranged {
    let control = stage.control();
    match name {
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
        _ => return Arranged::No,
    }
    Arranged::Yes
}

/// What is wrong, and what is scripted.
fn errors(name: &str, stage: &mut Stage, call: &mut Value) -> Arranged {
    let control = stage.control();
    match name {
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
        _ => return Arranged::No,
    }
    Arranged::Yes
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
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
