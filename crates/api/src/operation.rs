//! An operation of the interface: its route, and what OpenAPI says of it.
//!
//! Both come from one value, so a route is in the document, and the document has each problem that the route can answer.

use actix_web::http::Method;
use longwire_access::Scope;
use longwire_listener::{RouteAccess, RouteClass};
use serde_json::{Map, Value, json};

use crate::problem_code::ProblemCode;
use ProblemCode::*;

/// One operation.
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) access: RouteAccess,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    description: &'static str,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Map<String, Value>,
    problems: Vec<ProblemCode>,
}

impl Operation {
    fn new(method: Method, path: &'static str, access: RouteAccess, id: &'static str) -> Self {
        let mut operation = Self {
            method,
            path,
            access,
            id,
            tag: "gateway",
            summary: "",
            description: "",
            parameters: Vec::new(),
            body: None,
            answers: Map::new(),
            problems: Vec::new(),
        };
        if let RouteAccess::Scope { scope, .. } = access {
            operation.problems = vec![TokenMissing, TokenRefused, ScopeMissing, RateLimited];
            if scope.is_gateway_wide() {
                operation.problems.push(TokenNarrowed);
            }
        }
        operation
    }

    /// `GET` of something that anybody may see.
    pub(crate) fn open(path: &'static str, id: &'static str) -> Self {
        Self::new(Method::GET, path, RouteAccess::Open, id)
    }

    /// `POST` that anybody may send.
    pub(crate) fn open_post(path: &'static str, id: &'static str) -> Self {
        Self::new(Method::POST, path, RouteAccess::Open, id)
    }

    /// `POST` of a callback by the platform.
    pub(crate) fn callback(path: &'static str, id: &'static str) -> Self {
        let challenge =
            json!({"challenge": "ajls384kdjx98XX", "token": "xxxxxx", "type": "url_verification"});
        Self::open_post(path, id)
            .body("application/json", true, json!({"type": "object"}), challenge)
            .may_fail(&[
                CallbackUnreadable,
                CallbackUnproven,
                SourceRefused,
                ForeignApp,
                NotFound,
                CallbackNotRecorded,
                CallbacksPaused,
            ])
            .json(
                200,
                "It is recorded; of a card event the body is its result, of a challenge the challenge.",
                json!({"type": "object"}),
            )
    }

    /// `GET` of something.
    pub(crate) fn get(path: &'static str, scope: Scope, id: &'static str) -> Self {
        let class = RouteClass::Read;
        let operation = Self::new(Method::GET, path, RouteAccess::Scope { scope, class }, id);
        operation.may_fail(&[InvalidRequest])
    }

    /// `GET` of a stream.
    pub(crate) fn stream(path: &'static str, scope: Scope, id: &'static str) -> Self {
        let class = RouteClass::Stream;
        let operation = Self::new(Method::GET, path, RouteAccess::Scope { scope, class }, id);
        operation.may_fail(&[InvalidRequest, CursorInvalid, TooManyStreams, Draining])
    }

    /// Something that changes or sends something.
    pub(crate) fn write(
        method: Method,
        path: &'static str,
        scope: Scope,
        id: &'static str,
    ) -> Self {
        let class = RouteClass::Write;
        let operation = Self::new(method, path, RouteAccess::Scope { scope, class }, id);
        operation.may_fail(&[Draining, Interrupted, StoreUnavailable])
    }

    /// What it is for, in a few words and in some sentences.
    pub(crate) fn about(
        mut self,
        tag: &'static str,
        summary: &'static str,
        description: &'static str,
    ) -> Self {
        (self.tag, self.summary, self.description) = (tag, summary, description);
        self
    }

    /// With a part of the path that is named in braces.
    pub(crate) fn path_part(mut self, name: &str, description: &str, example: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "path", "required": true, "description": description,
            "schema": {"type": "string"}, "example": example,
        }));
        self.may_fail(&[NotFound])
    }

    /// With a parameter of the query.
    pub(crate) fn query(mut self, name: &str, description: &str, schema: Value) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "query", "description": description, "schema": schema,
        }));
        self
    }

    /// With `limit` and `after`.
    pub(crate) fn paged(self) -> Self {
        self.limited()
            .query(
                "after",
                "`next` of the page before.",
                json!({"type": "string"}),
            )
            .may_fail(&[CursorInvalid])
    }

    /// With `limit`.
    pub(crate) fn limited(self) -> Self {
        let schema = json!({"type": "integer", "minimum": 1, "maximum": 500, "default": 50});
        self.query("limit", "The most elements of the answer.", schema)
    }

    /// With `wait`.
    pub(crate) fn waiting(self) -> Self {
        let about = "How long to wait for the first event, 60s at most. Not at all unless given.";
        let schema = json!({"type": "string", "pattern": "^[0-9]+(ms|s|m)$", "examples": ["30s"]});
        self.query("wait", about, schema)
            .may_fail(&[TooManyStreams, Draining])
    }

    /// With the parameter that says what is looked up.
    pub(crate) fn expanding(self) -> Self {
        self.query(
            "expand",
            "What is looked up at the platform, through the bot that received the event: `quoted`, the message that it answers or the bundle of forwarded messages that it is, `sender`, the name of whoever did it, or both with a comma between. It stands under `data.expanded`. That takes two seconds at most; what is not known by then has a placeholder, `{\"unavailable\": \"timeout\"}`.",
            json!({"type": "string", "examples": ["quoted,sender"]}),
        )
    }

    /// With a header.
    pub(crate) fn header(mut self, name: &str, description: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "header", "description": description, "schema": {"type": "string"},
        }));
        self
    }

    /// With a JSON body.
    pub(crate) fn body(self, media: &str, required: bool, schema: Value, example: Value) -> Self {
        let content = json!({media: {"schema": schema, "example": example}});
        let body = json!({"required": required, "content": content});
        Self {
            body: Some(body),
            ..self
        }
        .may_fail(&[InvalidRequest, BodyStalled, BodyTooLarge, NotJson])
    }

    /// With an answer that is no problem.
    pub(crate) fn answers(
        mut self,
        status: u16,
        description: &str,
        media: &str,
        schema: Value,
    ) -> Self {
        let answer = match media {
            "" => json!({"description": description}),
            media => json!({"description": description, "content": {media: {"schema": schema}}}),
        };
        self.answers.insert(status.to_string(), answer);
        self
    }

    /// The same with JSON.
    pub(crate) fn json(self, status: u16, description: &str, schema: Value) -> Self {
        self.answers(status, description, "application/json", schema)
    }

    /// With these problems besides.
    pub(crate) fn may_fail(mut self, problems: &[ProblemCode]) -> Self {
        for problem in problems {
            if !self.problems.contains(problem) {
                self.problems.push(*problem);
            }
        }
        self
    }

    /// With the problems of a question to the store.
    pub(crate) fn reads(self) -> Self {
        self.may_fail(&[Interrupted, StoreUnavailable, DiskStalled, DeliveryEnded])
    }

    /// As OpenAPI has it.
    pub(crate) fn to_json(&self) -> Value {
        let mut responses = self.answers.clone();
        for problem in &self.problems {
            let status = problem.status().as_u16().to_string();
            let response = responses.entry(status).or_insert_with(|| {
                json!({
                    "description": "",
                    "content": {"application/problem+json": {
                        "schema": {"$ref": "#/components/schemas/Problem"},
                        "examples": {},
                    }},
                })
            });
            let described = response["description"].as_str().unwrap_or_default();
            let line = format!("`{}`: {}.", problem.code(), problem.title());
            response["description"] = match described {
                "" => json!(line),
                described => json!(format!("{described}\n{line}")),
            };
            response["content"]["application/problem+json"]["examples"][problem.code()] = json!({
                "value": {
                    "type": format!("/problems/{}", problem.code()),
                    "title": problem.status().canonical_reason().unwrap_or("error"),
                    "status": problem.status().as_u16(),
                    "code": problem.code(),
                    "detail": problem.title(),
                },
            });
        }
        let mut operation = json!({
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "parameters": self.parameters,
            "responses": responses,
        });
        if !self.description.is_empty() {
            operation["description"] = json!(self.description);
        }
        if let Some(body) = &self.body {
            operation["requestBody"] = body.clone();
        }
        operation["security"] = match self.access {
            RouteAccess::Open => json!([]),
            RouteAccess::Scope { scope, .. } => {
                operation["x-scope"] = json!(scope.label());
                json!([{"token": [scope.label()]}])
            }
        };
        operation
    }
}
