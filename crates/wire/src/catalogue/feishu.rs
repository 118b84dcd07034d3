//! The event types of Feishu and Lark. Their fields are those of the official documentation.

use super::Payload::{Broken, FeishuFlat, FeishuV1, FeishuV2};
use super::{EventType, Payload};
use crate::view::{EventKind, Family};

const fn entry(
    name: &'static str,
    kind: EventKind,
    english: &'static str,
    chinese: &'static str,
    payload: Payload,
) -> EventType {
    EventType {
        name,
        family: Family::Feishu,
        kind,
        english,
        chinese,
        payload,
    }
}

pub(super) static TYPES: [EventType; 28] = [
    entry(
        "feishu.im.message.receive_v1",
        EventKind::Message,
        "Somebody wrote a message to the bot, or in a group that the bot may read.",
        "用户向机器人发送消息，或在机器人可读取的群中发送消息。",
        FeishuV2(
            r#"{"sender":{"sender_id":{"open_id":"$user","union_id":"on_24794c8e861449ae547d7ca66ca16522","user_id":"b205df0b"},"sender_type":"user","tenant_key":"166a5f39d4c7c0d0"},"message":{"message_id":"$message","create_time":"$ms","update_time":"$ms","chat_id":"$chat","chat_type":"group","message_type":"text","content":"{\"text\":\"@_user_1 what is the weather today?\"}","mentions":[{"key":"@_user_1","id":{"open_id":"ou_e1fa7ce0bdd92b741808019fc5633aea","union_id":"on_b452a1c611bc65c0eacd604ddc582722"},"mentioned_type":"bot","name":"Echo Bot","tenant_key":"166a5f39d4c7c0d0"}]}}"#,
        ),
    ),
    entry(
        "feishu.im.message.recalled_v1",
        EventKind::MessageRecalled,
        "A message was withdrawn.",
        "消息被撤回。",
        FeishuV2(
            r#"{"message_id":"$message","chat_id":"$chat","recall_time":"$ms","recall_type":"message_owner"}"#,
        ),
    ),
    entry(
        "feishu.im.message.message_read_v1",
        EventKind::MessageRead,
        "A user read messages of the bot in the direct chat.",
        "用户在单聊中阅读了机器人发送的消息。",
        FeishuV2(
            r#"{"reader":{"reader_id":{"open_id":"$user","union_id":"on_24794c8e861449ae547d7ca66ca16522"},"read_time":"$ms","tenant_key":"166a5f39d4c7c0d0"},"message_id_list":["$message"]}"#,
        ),
    ),
    entry(
        "feishu.im.message.reaction.created_v1",
        EventKind::Reaction,
        "An emoji was put on a message.",
        "消息被添加表情回复。",
        FeishuV2(
            r#"{"message_id":"$message","reaction_type":{"emoji_type":"THUMBSUP"},"operator_type":"user","user_id":{"open_id":"$user","union_id":"on_24794c8e861449ae547d7ca66ca16522"},"action_time":"$ms"}"#,
        ),
    ),
    entry(
        "feishu.im.message.reaction.deleted_v1",
        EventKind::Reaction,
        "An emoji was taken off a message.",
        "消息的表情回复被删除。",
        FeishuV2(
            r#"{"message_id":"$message","reaction_type":{"emoji_type":"THUMBSUP"},"operator_type":"app","app_id":"$app","action_time":"$ms"}"#,
        ),
    ),
    entry(
        "feishu.im.chat.member.bot.added_v1",
        EventKind::Membership,
        "The bot was added to a group.",
        "机器人被添加进群。",
        FeishuV2(
            r#"{"chat_id":"$chat","operator_id":{"open_id":"$user"},"external":false,"operator_tenant_key":"166a5f39d4c7c0d0","name":"Weekly report","i18n_names":{"zh_cn":"周报群","en_us":"Weekly report"}}"#,
        ),
    ),
    entry(
        "feishu.im.chat.member.bot.deleted_v1",
        EventKind::Membership,
        "The bot was removed from a group.",
        "机器人被移出群。",
        FeishuV2(
            r#"{"chat_id":"$chat","operator_id":{"open_id":"$user"},"external":false,"operator_tenant_key":"166a5f39d4c7c0d0","name":"Weekly report"}"#,
        ),
    ),
    entry(
        "feishu.im.chat.member.user.added_v1",
        EventKind::Membership,
        "Users came into a group of the bot.",
        "用户进入机器人所在的群。",
        FeishuV2(MEMBERS),
    ),
    entry(
        "feishu.im.chat.member.user.deleted_v1",
        EventKind::Membership,
        "Users left a group of the bot, or were removed from it.",
        "用户退出机器人所在的群，或被移出群。",
        FeishuV2(MEMBERS),
    ),
    entry(
        "feishu.im.chat.member.user.withdrawn_v1",
        EventKind::Membership,
        "An invitation into a group of the bot was taken back.",
        "拉用户进群的邀请被撤销。",
        FeishuV2(MEMBERS),
    ),
    entry(
        "feishu.im.chat.access_event.bot_p2p_chat_entered_v1",
        EventKind::EnterChat,
        "A user opened the direct chat with the bot.",
        "用户进入与机器人的单聊。",
        FeishuV2(
            r#"{"chat_id":"$chat","operator_id":{"open_id":"$user"},"last_message_id":"$message","last_message_create_time":"$ms"}"#,
        ),
    ),
    entry(
        "feishu.im.chat.updated_v1",
        EventKind::Chat,
        "The settings of a group of the bot were changed.",
        "机器人所在群的配置被修改。",
        FeishuV2(
            r#"{"chat_id":"$chat","operator_id":{"open_id":"$user"},"external":false,"operator_tenant_key":"166a5f39d4c7c0d0","before_change":{"name":"Report"},"after_change":{"name":"Weekly report"}}"#,
        ),
    ),
    entry(
        "feishu.im.chat.disbanded_v1",
        EventKind::Chat,
        "A group of the bot was disbanded.",
        "机器人所在的群被解散。",
        FeishuV2(
            r#"{"chat_id":"$chat","operator_id":{"open_id":"$user"},"external":false,"operator_tenant_key":"166a5f39d4c7c0d0","name":"Weekly report"}"#,
        ),
    ),
    entry(
        "feishu.application.bot.menu_v6",
        EventKind::Menu,
        "A user chose an entry of the bot's menu.",
        "用户点击机器人菜单。",
        FeishuV2(
            r#"{"operator":{"operator_name":"Test User","operator_id":{"open_id":"$user"}},"event_key":"today","timestamp":"$unix"}"#,
        ),
    ),
    entry(
        "feishu.card.action.trigger",
        EventKind::CardAction,
        "A user clicked on a card, or chose or typed something in it. It can be answered with a toast or a new card.",
        "用户与卡片交互。可返回弹窗提示或新卡片。",
        FeishuV2(
            r#"{"operator":{"tenant_key":"166a5f39d4c7c0d0","open_id":"$user","union_id":"on_24794c8e861449ae547d7ca66ca16522"},"token":"c-4e7433ba817acec0f384b3880ebb51a3f8575242","action":{"value":{"act":"approve","request":"r-42"},"tag":"button","timezone":"Asia/Shanghai"},"host":"im_message","context":{"open_message_id":"$message","open_chat_id":"$chat"}}"#,
        ),
    ),
    entry(
        "feishu.card.action.trigger_v1",
        EventKind::CardAction,
        "A user clicked on a card whose callbacks are of the old generation. It comes over HTTP alone and is answered like a new one.",
        "用户与使用旧版回调的卡片交互，仅通过 HTTP 推送。返回方式与新版相同。",
        FeishuFlat(
            r#"{"open_id":"$user","user_id":"b205df0b","open_message_id":"$message","open_chat_id":"$chat","tenant_key":"166a5f39d4c7c0d0","token":"c-4e7433ba817acec0f384b3880ebb51a3f8575242","action":{"value":{"act":"approve"},"tag":"button","timezone":"Asia/Shanghai"}}"#,
        ),
    ),
    entry(
        "feishu.url.preview.get",
        EventKind::UrlPreview,
        "The platform asks for the preview of a link in a message. It can be answered.",
        "拉取消息中链接的预览数据。可返回预览内容。",
        FeishuV2(
            r#"{"operator":{"tenant_key":"166a5f39d4c7c0d0","open_id":"$user"},"host":"im_message","context":{"url":"https://example.com/doc/1","preview_token":"synthetic-preview-token","open_message_id":"$message","open_chat_id":"$chat"}}"#,
        ),
    ),
    entry(
        "feishu.message",
        EventKind::Message,
        "Somebody wrote a message to the bot (schema 1.0).",
        "用户向机器人发送消息（1.0 版本事件）。",
        FeishuV1(
            r#"{"root_id":"","parent_id":"","open_chat_id":"$chat","chat_type":"private","msg_type":"text","open_id":"$user","employee_id":"b205df0b","union_id":"on_24794c8e861449ae547d7ca66ca16522","open_message_id":"$message","is_mention":false,"text":"hello","text_without_at_bot":"hello"}"#,
        ),
    ),
    entry(
        "feishu.message_read",
        EventKind::MessageRead,
        "A user read messages of the bot (schema 1.0).",
        "用户阅读了机器人发送的消息（1.0 版本事件）。",
        FeishuV1(r#"{"open_chat_id":"$chat","open_id":"$user","open_message_ids":["$message"]}"#),
    ),
    entry(
        "feishu.p2p_chat_create",
        EventKind::EnterChat,
        "A user opened the direct chat with the bot for the first time (schema 1.0).",
        "用户首次打开与机器人的单聊（1.0 版本事件）。",
        FeishuV1(
            r#"{"chat_id":"$chat","operator":{"open_id":"$user","user_id":"b205df0b"},"user":{"open_id":"$user","user_id":"b205df0b","name":"Test User"}}"#,
        ),
    ),
    entry(
        "feishu.add_bot",
        EventKind::Membership,
        "The bot was added to a group (schema 1.0).",
        "机器人被添加进群（1.0 版本事件）。",
        FeishuV1(BOT_V1),
    ),
    entry(
        "feishu.remove_bot",
        EventKind::Membership,
        "The bot was removed from a group (schema 1.0).",
        "机器人被移出群（1.0 版本事件）。",
        FeishuV1(BOT_V1),
    ),
    entry(
        "feishu.add_user_to_chat",
        EventKind::Membership,
        "Users came into a group of the bot (schema 1.0).",
        "用户进入机器人所在的群（1.0 版本事件）。",
        FeishuV1(MEMBERS_V1),
    ),
    entry(
        "feishu.remove_user_from_chat",
        EventKind::Membership,
        "Users left a group of the bot (schema 1.0).",
        "用户退出机器人所在的群（1.0 版本事件）。",
        FeishuV1(MEMBERS_V1),
    ),
    entry(
        "feishu.revoke_add_user_from_chat",
        EventKind::Membership,
        "An invitation into a group of the bot was taken back (schema 1.0).",
        "拉用户进群的邀请被撤销（1.0 版本事件）。",
        FeishuV1(MEMBERS_V1),
    ),
    entry(
        "feishu.chat_disband",
        EventKind::Chat,
        "A group of the bot was disbanded (schema 1.0).",
        "机器人所在的群被解散（1.0 版本事件）。",
        FeishuV1(r#"{"chat_id":"$chat","operator":{"open_id":"$user","user_id":"b205df0b"}}"#),
    ),
    entry(
        "feishu.app_ticket",
        EventKind::Other,
        "The ticket of a store app, once an hour (schema 1.0, webhooks alone).",
        "应用商店应用的 app_ticket，每小时推送（1.0 版本事件，仅 Webhook）。",
        FeishuV1(r#"{"app_ticket":"synthetic-app-ticket"}"#),
    ),
    entry(
        "feishu.unparsed",
        EventKind::Unparsed,
        "A payload that could not be read. Its bytes are in raw_base64.",
        "无法解析的内容，原始字节在 raw_base64 中。",
        Broken("{\"schema\":\"2.0\",\"header\":"),
    ),
];

const MEMBERS: &str = r#"{"chat_id":"$chat","operator_id":{"open_id":"$user"},"external":false,"operator_tenant_key":"166a5f39d4c7c0d0","name":"Weekly report","users":[{"name":"Test User B","tenant_key":"166a5f39d4c7c0d0","user_id":{"open_id":"ou_d78fab1e511a68ffd1b22d136cfd3a69","union_id":"on_d768d66c5f06cea485c150a2d23ba333"}}]}"#;

const MEMBERS_V1: &str = r#"{"chat_id":"$chat","operator":{"open_id":"$user","user_id":"b205df0b"},"users":[{"name":"Test User B","open_id":"ou_d78fab1e511a68ffd1b22d136cfd3a69","user_id":"6aac933b"}]}"#;

const BOT_V1: &str = r#"{"open_chat_id":"$chat","chat_name":"Weekly report","operator_open_id":"$user","operator_employee_id":"b205df0b","operator_name":"Test User"}"#;
