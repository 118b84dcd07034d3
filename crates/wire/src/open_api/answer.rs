//! The answer to a call of the Open API, whether it succeeded or not.

use serde_json::Value;

use super::message::SaidMessage;
use crate::repair;

/// An answer. Only `code` is required; every other member may be absent, null or of another type than documented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiAnswer {
    /// 0, or why the call was refused.
    pub code: i64,
    /// A text for people. Its wording changes.
    pub msg: String,
    /// The id that the platform's support asks for. The header `X-Tt-Logid` has it too.
    pub log_id: Option<String>,
    /// The scopes of which the app lacks at least one.
    pub missing_scopes: Vec<String>,
    /// The message that was sent, if the call sends one.
    pub message: Option<SaidMessage>,
}

impl ApiAnswer {
    /// Reads an answer.
    pub fn parse(body: &[u8]) -> Result<Self, NoApiAnswer> {
        let value: Value = repair::from_slice(body).map_err(|_| NoApiAnswer)?;
        let code = value
            .get("code")
            .and_then(Value::as_i64)
            .ok_or(NoApiAnswer)?;
        let text = |pointer: &str| value.pointer(pointer)?.as_str().map(str::to_owned);
        let violations = value
            .pointer("/error/permission_violations")
            .and_then(Value::as_array);
        let missing_scopes = violations.into_iter().flatten().filter_map(|violation| {
            // The general page of the documentation shows `scope`, the answers have `subject`.
            let named = violation.get("subject").or_else(|| violation.get("scope"));
            named?.as_str().map(str::to_owned)
        });
        Ok(Self {
            code,
            msg: text("/msg").unwrap_or_default(),
            log_id: text("/error/log_id").or_else(|| text("/error/logid")),
            missing_scopes: missing_scopes.collect(),
            message: value.get("data").and_then(SaidMessage::of),
        })
    }
}

/// The body is no answer of the Open API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is no answer of the open api")]
pub struct NoApiAnswer;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_refusal_says() {
        let check = |json: &str, code, log_id: Option<&str>, scopes: &[&str]| {
            let answer = ApiAnswer::parse(json.as_bytes()).expect(json);
            let found = (answer.code, answer.log_id.as_deref());
            assert_eq!(found, (code, log_id), "{json}");
            assert_eq!(answer.missing_scopes, scopes, "{json}");
            assert_eq!(answer.message, None, "{json}");
        };
        check(r#"{"code":230002}"#, 230_002, None, &[]);
        check(r#"{"code":1,"msg":null,"error":7,"data":[]}"#, 1, None, &[]);
        check(
            r#"{"code":2,"error":{"logid":"L"},"data":null}"#,
            2,
            Some("L"),
            &[],
        );
        let scopes = r#"{"code":99991672,"msg":"no","error":{"log_id":"L","permission_violations":[
            {"type":"action_scope_required","subject":"im:message:send_as_bot"},{"scope":"im:message"},{}]}}"#;
        check(
            scopes,
            99_991_672,
            Some("L"),
            &["im:message:send_as_bot", "im:message"],
        );
    }

    #[test]
    fn what_is_no_answer() {
        for body in ["", "<html>", "null", "[]", "{}", r#"{"code":"0"}"#] {
            assert_eq!(
                ApiAnswer::parse(body.as_bytes()),
                Err(NoApiAnswer),
                "{body}"
            );
        }
    }

    #[test]
    fn a_message_that_was_sent() {
        let body = br#"{"code":0,"msg":"success","data":{"message_id":"om_1","chat_id":"oc_1","root_id":"om_0","create_time":"1767225602000"}}"#;
        let said = ApiAnswer::parse(body)
            .expect("an answer")
            .message
            .expect("a message");
        assert_eq!(
            (&*said.message_id, said.chat_id.as_deref()),
            ("om_1", Some("oc_1"))
        );
        assert_eq!(
            (said.thread_id, said.created_ms),
            (None, Some(1_767_225_602_000))
        );
    }
}
