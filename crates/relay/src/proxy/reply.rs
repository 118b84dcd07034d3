//! What the proxy itself answers: always JSON with `code` and `msg`, because SDKs read nothing else.
//!
//! Where the platform has a code for it, that is used, so that SDKs and programs do what they do with the platform. Whatever
//! is ours alone has a code of 700,000,000 and more, where the platform has none, and the name of a problem.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use longwire_wire::open_api::{code, message_code};
use serde::Serialize;

use super::budgets::{BudgetOf, RateRefusal};

/// Codes of ours are this and the HTTP status.
const OWN_CODES: i64 = 700_000_000;

/// An answer of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnAnswer {
    pub(crate) status: StatusCode,
    pub(crate) code: i64,
    pub(crate) msg: String,
    /// The stable name of the problem.
    pub(crate) problem: &'static str,
    /// How much there is, and after how many seconds there is some again.
    rate: Option<(u16, u64)>,
}

#[derive(Serialize)]
struct Body<'a> {
    code: i64,
    msg: &'a str,
    error: Details<'a>,
}

#[derive(Serialize)]
struct Details<'a> {
    /// Which of ours it is.
    problem: &'a str,
    /// That it is ours.
    source: &'a str,
}

impl OwnAnswer {
    /// With a code of the platform, which answers such refusals with 400.
    pub(crate) fn platforms(code: i64, problem: &'static str, msg: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            msg: msg.into(),
            problem,
            rate: None,
        }
    }

    /// With a code of ours.
    pub(crate) fn own(status: StatusCode, problem: &'static str, msg: impl Into<String>) -> Self {
        Self {
            status,
            code: OWN_CODES + i64::from(status.as_u16()),
            msg: msg.into(),
            problem,
            rate: None,
        }
    }

    /// That calls come too often, as the platform says it.
    pub(crate) fn rate(refusal: &RateRefusal) -> Self {
        let seconds = whole_seconds(refusal.after);
        match refusal.of {
            BudgetOf::Chat(_) => Self::platforms(
                message_code::CHAT_RATE_LIMITED,
                "chat_rate",
                format!(
                    "too many messages to this chat, ext=chat rate limit; again in {seconds} s"
                ),
            ),
            BudgetOf::Api(_) | BudgetOf::Message(_) | BudgetOf::Card(_) => {
                Self::rate_of_api(refusal.limit.most, seconds)
            }
        }
    }

    /// The same, of a call of the Open API.
    pub(crate) fn rate_of_api(most: u16, seconds: u64) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: code::RATE_LIMITED,
            msg: "request trigger frequency limit".to_owned(),
            problem: "api_rate",
            rate: Some((most, seconds)),
        }
    }

    pub(crate) fn to_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some((most, seconds)) = self.rate {
            response.insert_header(("x-ogw-ratelimit-limit", most.to_string()));
            response.insert_header(("x-ogw-ratelimit-reset", seconds.to_string()));
        }
        response.json(Body {
            code: self.code,
            msg: &self.msg,
            error: Details {
                problem: self.problem,
                source: "longwire",
            },
        })
    }
}

fn whole_seconds(time: Duration) -> u64 {
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1)
}
