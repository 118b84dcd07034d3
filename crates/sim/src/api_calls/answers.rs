//! The answers of the Open API.

use std::time::Duration;

use serde_json::{Value, json};

/// What a call gets.
#[derive(Debug)]
pub(super) enum ApiReply {
    /// An answer.
    Answer(Answer),
    /// An HTML page.
    Page { status: u16 },
    /// Nothing, on an open connection.
    Hang,
    /// The end of the connection.
    Reset,
    /// An answer, after a while.
    Late { answer: Answer, delay: Duration },
}

/// An answer with JSON.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Value,
}

impl ApiReply {
    /// Names the call, as the platform's support asks for it.
    pub(super) fn with_log_id(mut self, log_id: &str) -> Self {
        if let Self::Answer(answer) | Self::Late { answer, .. } = &mut self {
            answer.headers.push(("X-Tt-Logid", log_id.to_owned()));
            // The call for a person's tokens has a word there.
            if let Some(error) = answer.body.get_mut("error").and_then(Value::as_object_mut) {
                error.insert("log_id".to_owned(), json!(log_id));
            }
        }
        self
    }
}

pub(super) fn success(body: Value) -> ApiReply {
    ApiReply::Answer(Answer {
        status: 200,
        headers: Vec::new(),
        body,
    })
}

pub(super) fn refusal(status: u16, code: i64, msg: &str) -> ApiReply {
    ApiReply::Answer(Answer {
        status,
        headers: Vec::new(),
        body: json!({ "code": code, "msg": msg, "error": {} }),
    })
}

/// A refusal as a script says.
pub(super) fn scripted(
    status: u16,
    code: i64,
    msg: &str,
    reset_s: Option<u64>,
    scopes: &[String],
) -> ApiReply {
    let mut error = json!({});
    if !scopes.is_empty() {
        let violations = scopes
            .iter()
            .map(|scope| json!({ "type": "action_scope_required", "subject": scope }));
        error["permission_violations"] = violations.collect();
    }
    let reset = reset_s.map(|seconds| ("x-ogw-ratelimit-reset", seconds.to_string()));
    ApiReply::Answer(Answer {
        status,
        headers: reset.into_iter().collect(),
        body: json!({ "code": code, "msg": msg, "error": error }),
    })
}
