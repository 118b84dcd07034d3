//! The frames that carry callbacks.

use serde_json::Value;

/// `cmd` of a frame that carries a message.
pub const MESSAGE_CALLBACK: &str = "aibot_msg_callback";
/// `cmd` of a frame that carries an event.
pub const EVENT_CALLBACK: &str = "aibot_event_callback";

/// The text of a callback's frame. `body_json` is inserted as it is.
#[must_use]
pub fn callback_frame(cmd: &str, req_id: &str, body_json: &str) -> String {
    let (cmd, req_id) = (Value::from(cmd), Value::from(req_id));
    format!(r#"{{"cmd":{cmd},"headers":{{"req_id":{req_id}}},"body":{body_json}}}"#)
}

#[cfg(test)]
mod tests {
    use longwire_wire::wecom::Incoming;

    use super::*;

    #[test]
    fn clients_read_it_and_get_the_body_untouched() {
        let body = r#"{"msgid":"m1",  "aibotid":"b","chattype":"single","from":{"userid":"u"},"msgtype":"text","text":{"content":"a"}}"#;
        let text = callback_frame(MESSAGE_CALLBACK, "r\"1", body);
        assert!(text.contains(body));
        let incoming = Incoming::parse(text.into()).expect("a frame");
        let Incoming::Callback(callback) = incoming else {
            panic!("{incoming:?}")
        };
        assert_eq!(callback.req_id.as_deref(), Some("r\"1"));
    }
}
