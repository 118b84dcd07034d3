//! Errors as RFC 9457 says, with a `code` that never changes.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError};
use actix_web::http::{Method, StatusCode, header};
use actix_web::web::{JsonConfig, PathConfig, QueryConfig, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::Value;

use crate::has_stalled;

/// The longest JSON body. The longest definitions and cards have some tens of KiB, and nothing of a body is read for a caller
/// that has no token.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// What went wrong with a request.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: String,
    /// In one allocation, so that a `Result` stays small.
    #[serde(flatten)]
    more: Box<Members>,
}

/// What a problem may say besides.
#[derive(Debug, Clone, Default, Serialize)]
struct Members {
    /// Of the request that this answers. The listener fills it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Box<str>>,
    /// What is wrong with single fields of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// What programs may want to know besides, as members of their own.
    #[serde(flatten)]
    facts: BTreeMap<&'static str, Value>,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, Serialize)]
pub struct FieldError {
    /// Where it is, as RFC 6901 says: `/filter/types/0`.
    pub pointer: String,
    /// A stable name for programs.
    pub code: &'static str,
    /// For people: what is wrong, and what would be right.
    pub detail: String,
}

/// The methods that the path takes.
const ALLOW: &str = "allow";
/// When the request may be sent again, in whole seconds.
const RETRY_AFTER: &str = "retry_after_s";

impl Problem {
    /// An error with this status, a stable code for programs, and a text for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{code}"),
            title: status.canonical_reason().unwrap_or("error"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            more: Box::default(),
        }
    }

    /// With this member besides.
    pub fn with(mut self, fact: &'static str, value: impl Into<Value>) -> Self {
        self.more.facts.insert(fact, value.into());
        self
    }

    /// With what is wrong with this field besides.
    pub fn with_error(mut self, error: FieldError) -> Self {
        self.more.errors.push(error);
        self
    }

    /// Of something that is possible again after this time: as the member `retry_after_s`, and as a header.
    pub fn retry_after(self, wait: Duration) -> Self {
        let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.with(RETRY_AFTER, whole.max(1))
    }

    /// The path takes other methods: these, as the member `allow`, and as a header.
    pub(crate) fn method_not_allowed(allowed: &[Method]) -> Self {
        let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
        let detail = format!("this path takes {}", names.join(", "));
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).with(ALLOW, names)
    }

    /// The methods of the header `Allow`, if it has one.
    pub(crate) fn allow(&self) -> Option<String> {
        let methods = self.more.facts.get(ALLOW)?.as_array()?;
        let methods: Vec<&str> = methods.iter().filter_map(Value::as_str).collect();
        Some(methods.join(", "))
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Its stable name for programs.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What went wrong, for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The same, as the answer to this request.
    pub(crate) fn of_request(mut self, id: &str) -> Self {
        self.more.request_id = Some(id.into());
        self
    }

    /// Its JSON.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        // What can be said of a struct of strings and a number can be said in JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What was asked for does not exist.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// Nothing has this path.
    pub(crate) fn no_such_resource() -> Self {
        Self::not_found("no such resource")
    }

    /// The request is not what it has to be.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
    }

    /// The request does not fit the state that the gateway is in.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// It was begun and not finished.
    pub fn interrupted() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "interrupted",
            "the request was not finished",
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        answer.content_type("application/problem+json");
        if self.status == StatusCode::UNAUTHORIZED.as_u16() {
            answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(wait) = self.more.facts.get(RETRY_AFTER).and_then(Value::as_u64) {
            answer.insert_header((header::RETRY_AFTER, wait));
        }
        if let Some(methods) = self.allow() {
            answer.insert_header((header::ALLOW, methods));
        }
        let mut answer = answer.body(self.to_json());
        // The listener adds the id of the request, which is not known here.
        answer.extensions_mut().insert(self.clone());
        answer
    }
}

impl actix_web::Responder for Problem {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}

/// Makes problems of what extractors refuse. No problem repeats the body, which may hold a secret.
pub(crate) fn refusals_of_extractors(config: &mut ServiceConfig) {
    config
        .app_data(
            JsonConfig::default()
                .limit(MAX_BODY_BYTES)
                .error_handler(|error, _| {
                    match &error {
                        JsonPayloadError::Overflow { .. }
                        | JsonPayloadError::OverflowKnownLength { .. } => Problem::new(
                            StatusCode::PAYLOAD_TOO_LARGE,
                            "body_too_large",
                            format!("a body has at most {MAX_BODY_BYTES} bytes"),
                        ),
                        JsonPayloadError::ContentType => Problem::new(
                            StatusCode::UNSUPPORTED_MEDIA_TYPE,
                            "not_json",
                            "the content type must be application/json",
                        ),
                        JsonPayloadError::Payload(error) if has_stalled(error) => Problem::new(
                            StatusCode::REQUEST_TIMEOUT,
                            "body_stalled",
                            "the body came too slowly",
                        ),
                        JsonPayloadError::Deserialize(error) => Problem::invalid(describe(error)),
                        _ => Problem::invalid("the body could not be read"),
                    }
                    .into()
                }),
        )
        .app_data(QueryConfig::default().error_handler(|error, _| {
            match &error {
                QueryPayloadError::Deserialize(error) => Problem::invalid(error.to_string()),
                _ => Problem::invalid("the query could not be read"),
            }
            .into()
        }))
        .app_data(PathConfig::default().error_handler(|error, _| {
            match &error {
                PathError::Deserialize(error) => Problem::not_found(error.to_string()),
                _ => Problem::no_such_resource(),
            }
            .into()
        }));
}

/// Where the mistake is and what is missing or unknown, but never a value.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let safe = ["missing field", "unknown field", "duplicate field"];
    if safe.iter().any(|start| text.starts_with(start)) {
        return text;
    }
    format!(
        "the body is not what is wanted (line {}, column {})",
        error.line(),
        error.column()
    )
}
