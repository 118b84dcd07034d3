//! The events that stories push.

use serde_json::json;

/// A text message to the bot, as `im.message.receive_v1` of schema 2.0.
#[must_use]
pub fn message(event_id: &str, message_id: &str) -> String {
    message_of(event_id, message_id, "hello")
}

/// A text message with this text, for events of a given size.
#[must_use]
pub fn message_of(event_id: &str, message_id: &str, text: &str) -> String {
    json!({
        "schema": "2.0",
        "header": {
            "event_id": event_id,
            "event_type": "im.message.receive_v1",
            "create_time": "1767225601000",
            "token": "",
            "app_id": "cli_0000000000000000",
            "tenant_key": "2ed263bf32cf1651",
        },
        "event": {
            "sender": { "sender_id": { "open_id": "ou_7d8a6e6df7621556ce0d21922b676706" }, "sender_type": "user" },
            "message": {
                "message_id": message_id,
                "create_time": "1767225600500",
                "update_time": "1767225600500",
                "chat_id": "oc_5ce6d572455d361153b7cb51da133945",
                "chat_type": "p2p",
                "message_type": "text",
                "content": json!({ "text": text }).to_string(),
            },
        },
    })
    .to_string()
}
