//! The operational events of longwire itself. Their payload is an [`Operation`](crate::view::Operation).

use super::EventType;
use super::Payload::Whole;
use crate::view::{EventKind, Family};

const fn entry(
    name: &'static str,
    english: &'static str,
    chinese: &'static str,
    payload: &'static str,
) -> EventType {
    EventType {
        name,
        family: Family::Longwire,
        kind: EventKind::Operation,
        english,
        chinese,
        payload: Whole(payload),
    }
}

pub(super) static TYPES: [EventType; 15] = [
    entry(
        "longwire.installation.displaced",
        "Another program took the bot's connection.",
        "机器人的连接被其他程序占用。",
        r#"{"installation":"ins_01kbvt2n4ye8gswqcbmnrx5j7d","reason":"displaced","detail":"Displaced: another program connected with the same bot. Next step: Stop it, then start the installation."}"#,
    ),
    entry(
        "longwire.installation.refused",
        "The platform refuses the bot, for example its credentials.",
        "平台拒绝该机器人，例如凭证错误。",
        r#"{"installation":"ins_01kbvt2n4ye8gswqcbmnrx5j7d","reason":"auth_failed","detail":"Refused: the platform does not accept the app id and secret. Next step: Compare app id and app secret with the developer console under Credentials & Basic Info and store the secret again."}"#,
    ),
    entry(
        "longwire.installation.live",
        "The bot is connected again, after it was displaced, refused or deaf.",
        "机器人恢复连接。",
        r#"{"installation":"ins_01kbvt2n4ye8gswqcbmnrx5j7d","reason":"connected","detail":"The bot is connected, and its trouble is over."}"#,
    ),
    entry(
        "longwire.installation.deaf",
        "The bot has had no connection for long, or was added and never heard an event.",
        "机器人长时间没有连接，或添加后从未收到事件。",
        r#"{"installation":"ins_01kbvt2n4ye8gswqcbmnrx5j7d","reason":"unreachable","detail":"No connection: the platform cannot be reached. Next step: Look at the network of this host."}"#,
    ),
    entry(
        "longwire.consumer.paused",
        "Deliveries to a consumer stopped, and its backlog is kept.",
        "消费者暂停投递，积压保留。",
        r#"{"consumer":"orders","reason":"connection_refused","detail":"The endpoint refuses connections. It is probed, and deliveries resume by themselves.","lag_events":12,"lag_ms":61000}"#,
    ),
    entry(
        "longwire.consumer.resumed",
        "Deliveries to a consumer go on.",
        "消费者恢复投递。",
        r#"{"consumer":"orders","reason":"probe_succeeded","detail":"The endpoint answers again. The backlog is delivered in order.","lag_events":4200,"lag_ms":3600000}"#,
    ),
    entry(
        "longwire.consumer.stopped",
        "The endpoint of a consumer is gone, and nothing is sent until an operator resumes it.",
        "消费者的端点已失效，需人工恢复后才会继续投递。",
        r#"{"consumer":"orders","reason":"status_410","detail":"The endpoint answered 410. Resume the consumer to deliver again.","lag_events":3,"lag_ms":900}"#,
    ),
    entry(
        "longwire.consumer.lagging",
        "A consumer is behind by half, three quarters or all of its patience.",
        "消费者积压达到其容忍度的 50%、75% 或 100%。",
        r#"{"consumer":"orders","reason":"lag","detail":"The oldest event that waits was recorded 30 minutes ago.","lag_events":900,"lag_ms":1800000,"patience_percent":50}"#,
    ),
    entry(
        "longwire.consumer.expiring",
        "A consumer is so far behind that events it has not done go soon, by the bounds of retention.",
        "消费者严重积压，其未处理的事件即将因保留策略被清除。",
        r#"{"consumer":"orders","reason":"age","detail":"The consumer is so far behind that events it has not done go soon. Let it catch up, or raise the bound in [retention].","lag_events":90000,"lag_ms":2160000000,"patience_percent":83}"#,
    ),
    entry(
        "longwire.consumer.expired",
        "Events went before a consumer had done them, by the bounds of retention.",
        "消费者尚未处理的事件已因保留策略被清除。",
        r#"{"consumer":"orders","reason":"passed","detail":"Events went before the consumer had done them, because the bounds of retention were reached.","lag_events":1200}"#,
    ),
    entry(
        "longwire.store.degraded",
        "The store records nothing, and events are refused or wait.",
        "存储无法写入，事件被拒绝或等待。",
        r#"{"reason":"disk_full","detail":"Not recorded: the disk is full. Next step: free space where the database lies; recording resumes by itself within a second."}"#,
    ),
    entry(
        "longwire.store.recovered",
        "The store records again.",
        "存储恢复写入。",
        r#"{"reason":"disk_full","detail":"Events are recorded again, after 42 s."}"#,
    ),
    entry(
        "longwire.user.authorized",
        "A person let the app act for them, and a token can be asked for.",
        "用户已授权应用，可获取其令牌。",
        r#"{"installation":"ins_01kbvt2n4ye8gswqcbmnrx5j7d","person":"ou_7d8a6e6df7621556ce0d21922b676706","reason":"authorized","detail":"The person agreed. Ask for a token when you need one."}"#,
    ),
    entry(
        "longwire.user.authorization_failed",
        "A person's authorization did not come about.",
        "用户授权未完成。",
        r#"{"installation":"ins_01kbvt2n4ye8gswqcbmnrx5j7d","person":"ou_7d8a6e6df7621556ce0d21922b676706","reason":"denied","detail":"the person did not agree. Next step: begin a new authorization, and let the person agree."}"#,
    ),
    entry(
        "longwire.user.authorization_expired",
        "The tokens of a person hold no longer, and the person has to agree again.",
        "用户令牌已失效，需要重新授权。",
        r#"{"installation":"ins_01kbvt2n4ye8gswqcbmnrx5j7d","person":"ou_7d8a6e6df7621556ce0d21922b676706","reason":"authorization_ended","detail":"the authorization of this person has ended: authorization_ended. Next step: begin a new authorization, and let the person agree."}"#,
    ),
];
