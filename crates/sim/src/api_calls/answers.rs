//! The answers of the Open API.

use std::time::Duration;

use bytes::Bytes;
use longwire_wire::open_api::code;
use serde_json::{Value, json};

use crate::open_api::TooOften;

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
    /// Half an answer, and the end of the connection.
    CutShort(Answer),
}

/// An answer with JSON or a file.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Body,
}

/// What an answer says.
#[derive(Debug)]
pub(super) enum Body {
    Json(Value),
    File {
        content_type: &'static str,
        bytes: Bytes,
    },
}

impl Answer {
    pub(super) fn content_type(&self) -> &'static str {
        match &self.body {
            Body::Json(_) => "application/json; charset=utf-8",
            Body::File { content_type, .. } => content_type,
        }
    }

    pub(super) fn bytes(&self) -> Bytes {
        match &self.body {
            Body::Json(value) => Bytes::from(value.to_string()),
            Body::File { bytes, .. } => bytes.clone(),
        }
    }
}

impl ApiReply {
    /// Names the call, as the platform's support asks for it.
    pub(super) fn with_log_id(mut self, log_id: &str) -> Self {
        if let Self::Answer(answer) | Self::Late { answer, .. } | Self::CutShort(answer) = &mut self
        {
            answer.headers.push(("X-Tt-Logid", log_id.to_owned()));
            answer.headers.push(("X-Request-Id", log_id.to_owned()));
            let Body::Json(body) = &mut answer.body else {
                return self;
            };
            let code = body.get("code").and_then(Value::as_i64).unwrap_or_default();
            // The call for a person's tokens has a word there.
            if let Some(error) = body.get_mut("error").and_then(Value::as_object_mut) {
                let search = "https://open.feishu.cn/search?from=openapi";
                let url = format!("{search}&log_id={log_id}&code={code}");
                error.insert("log_id".to_owned(), json!(log_id));
                error
                    .entry("troubleshooter")
                    .or_insert_with(|| Value::from(url));
            }
        }
        self
    }
}

pub(super) fn success(body: Value) -> ApiReply {
    answer(200, body)
}

/// Success with this `data`.
pub(super) fn done(data: Value) -> ApiReply {
    success(json!({ "code": 0, "msg": "success", "data": data }))
}

/// An answer with this JSON.
pub(super) fn answer(status: u16, body: Value) -> ApiReply {
    ApiReply::Answer(Answer {
        status,
        headers: Vec::new(),
        body: Body::Json(body),
    })
}

pub(super) fn refusal(status: u16, code: i64, msg: &str) -> ApiReply {
    answer(status, json!({ "code": code, "msg": msg, "error": {} }))
}

/// A refusal without details, as the calls for tokens have it.
pub(super) fn bare_refusal(status: u16, code: i64, msg: &str) -> ApiReply {
    answer(status, json!({ "code": code, "msg": msg }))
}

/// A field of the request is missing or wrong.
pub(super) fn bad_field(field: &str) -> ApiReply {
    let violation = json!({ "field": field, "description": format!("{field} is required") });
    let body = json!({
        "code": code::FIELD_INVALID,
        "msg": "field validation failed",
        "error": { "field_violations": [violation] },
    });
    answer(400, body)
}

/// The refusal of a token.
pub(super) fn token_refusal(refused: i64) -> ApiReply {
    let msg = match refused {
        code::NO_TOKEN => {
            "Missing access token for authorization. Please make a request with token attached."
        }
        code::TOKEN_MALFORMED => "Invalid token: must start with t-/u-",
        99_991_677 => "token expire",
        _ => "Invalid access token for authorization. Please make a request with token attached.",
    };
    let mut body = json!({ "code": refused, "msg": msg, "error": {} });
    if refused == code::NO_TOKEN {
        body["data"] = json!({});
    }
    answer(400, body)
}

/// The answer to an app that calls too often.
pub(super) fn too_often(reached: TooOften) -> ApiReply {
    let seconds = reached.wait.as_millis().div_ceil(1_000).max(1);
    rate_answer(429, Some(reached.limit as u64), Some(seconds as u64))
}

/// The same with these figures.
pub(super) fn rate_answer(status: u16, limit: Option<u64>, reset_s: Option<u64>) -> ApiReply {
    let limit = limit.map(|limit| ("x-ogw-ratelimit-limit", limit.to_string()));
    let reset = reset_s.map(|seconds| ("x-ogw-ratelimit-reset", seconds.to_string()));
    ApiReply::Answer(Answer {
        status,
        headers: limit.into_iter().chain(reset).collect(),
        body: Body::Json(json!({
            "code": code::RATE_LIMITED, "msg": "request trigger frequency limit",
        })),
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
        body: Body::Json(json!({ "code": code, "msg": msg, "error": error })),
    })
}
