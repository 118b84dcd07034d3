//! The messages and events of WeCom's intelligent robots, as the official documents and SDKs have them.

use super::Payload::{Broken, Wecom};
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
        family: Family::Wecom,
        kind,
        english,
        chinese,
        payload,
    }
}

pub(super) static TYPES: [EventType; 13] = [
    entry(
        "wecom.message.text",
        EventKind::Message,
        "A text, in a group one that mentions the bot.",
        "文本消息；在群中为 @ 机器人的消息。",
        Wecom(
            r#"{"chatid":"$chat","chattype":"group","from":{"userid":"$user"},"response_url":"https://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=RC1","msgtype":"text","text":{"content":"@RobotA hello robot"},"quote":{"msgtype":"text","text":{"content":"an earlier message"}}}"#,
        ),
    ),
    entry(
        "wecom.message.image",
        EventKind::Message,
        "A picture in the direct chat. Its link is valid for 5 minutes.",
        "单聊中的图片消息，链接 5 分钟内有效。",
        Wecom(
            r#"{"chattype":"single","from":{"userid":"$user"},"msgtype":"image","image":{"url":"https://media.invalid/d?x=1","aeskey":"c3ludGhldGljLWtleS1zeW50aGV0aWMta2V5LTAwMDE"}}"#,
        ),
    ),
    entry(
        "wecom.message.mixed",
        EventKind::Message,
        "Text and pictures in one message.",
        "图文混排消息。",
        Wecom(
            r#"{"chatid":"$chat","chattype":"group","from":{"userid":"$user"},"msgtype":"mixed","mixed":{"msg_item":[{"msgtype":"text","text":{"content":"@RobotA what is this?"}},{"msgtype":"image","image":{"url":"https://media.invalid/d?x=1","aeskey":"c3ludGhldGljLWtleS1zeW50aGV0aWMta2V5LTAwMDE"}}]}}"#,
        ),
    ),
    entry(
        "wecom.message.voice",
        EventKind::Message,
        "A voice message in the direct chat, written down by the platform.",
        "单聊中的语音消息，已由平台转为文本。",
        Wecom(
            r#"{"chattype":"single","from":{"userid":"$user"},"msgtype":"voice","voice":{"content":"turn on the light"}}"#,
        ),
    ),
    entry(
        "wecom.message.file",
        EventKind::Message,
        "A file in the direct chat. Its link is valid for 5 minutes.",
        "单聊中的文件消息，链接 5 分钟内有效。",
        Wecom(
            r#"{"chattype":"single","from":{"userid":"$user"},"msgtype":"file","file":{"url":"https://media.invalid/d?x=1","aeskey":"c3ludGhldGljLWtleS1zeW50aGV0aWMta2V5LTAwMDE"}}"#,
        ),
    ),
    entry(
        "wecom.message.video",
        EventKind::Message,
        "A film in the direct chat. Its link is valid for 5 minutes.",
        "单聊中的视频消息，链接 5 分钟内有效。",
        Wecom(
            r#"{"chattype":"single","from":{"userid":"$user"},"msgtype":"video","video":{"url":"https://media.invalid/d?x=1","aeskey":"c3ludGhldGljLWtleS1zeW50aGV0aWMta2V5LTAwMDE"}}"#,
        ),
    ),
    entry(
        "wecom.event.enter_chat",
        EventKind::EnterChat,
        "A user opened the direct chat for the first time that day. It can be answered within 5 seconds.",
        "用户当天首次进入单聊，可在 5 秒内回复欢迎语。",
        Wecom(
            r#"{"chattype":"single","from":{"userid":"$user"},"msgtype":"event","event":{"eventtype":"enter_chat"}}"#,
        ),
    ),
    entry(
        "wecom.event.template_card_event",
        EventKind::CardAction,
        "A user clicked on a card. The card can be updated within 5 seconds.",
        "用户点击模板卡片，可在 5 秒内更新卡片。",
        Wecom(
            r#"{"chattype":"single","from":{"userid":"$user"},"response_url":"https://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=RC2","msgtype":"event","event":{"eventtype":"template_card_event","template_card_event":{"card_type":"vote_interaction","event_key":"submit","task_id":"task-1","selected_items":{"selected_item":[{"question_key":"q1","option_ids":{"option_id":["a","b"]}}]}}}}"#,
        ),
    ),
    entry(
        "wecom.event.feedback_event",
        EventKind::Feedback,
        "A user judged an answer of the bot.",
        "用户对机器人的回复进行反馈。",
        Wecom(
            r#"{"chattype":"single","from":{"userid":"$user"},"msgtype":"event","event":{"eventtype":"feedback_event","feedback_event":{"id":"fb-1","type":2,"content":"too short","inaccurate_reason_list":[2,4]}}}"#,
        ),
    ),
    entry(
        "wecom.event.disconnected_event",
        EventKind::Other,
        "Another connection subscribed for the bot, and this one gets no more events.",
        "机器人已在其他连接上订阅，当前连接不再接收事件。",
        Wecom(r#"{"msgtype":"event","event":{"eventtype":"disconnected_event"}}"#),
    ),
    entry(
        "wecom.event.auth_change_event",
        EventKind::Other,
        "The permissions of the bot were changed. Not documented by the platform.",
        "机器人权限变更（平台未公开说明）。",
        Wecom(
            r#"{"chattype":"single","from":{"userid":"$user"},"msgtype":"event","event":{"eventtype":"auth_change_event","auth_change_event":{"auth_list":[1,2]}}}"#,
        ),
    ),
    entry(
        "wecom.event.enter_check_update",
        EventKind::Other,
        "The client asks for news when a user opens the chat. Not documented by the platform.",
        "用户进入会话时的更新检查（平台未公开说明）。",
        Wecom(
            r#"{"chattype":"single","from":{"userid":"$user"},"msgtype":"event","event":{"eventtype":"enter_check_update"}}"#,
        ),
    ),
    entry(
        "wecom.unparsed",
        EventKind::Unparsed,
        "A frame that could not be read. Its bytes are in raw_base64.",
        "无法解析的数据帧，原始字节在 raw_base64 中。",
        Broken(
            "{\"cmd\":\"aibot_msg_callback\",\"headers\":{\"req_id\":\"t1\"},\"body\":{\"msgid\"",
        ),
    ),
];
