//! Answers with a list: `{"data": […], "next": cursor or null}`, and `Link` to the next page.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value;

use crate::events::link_to;

#[derive(Serialize)]
struct Page<'a> {
    data: &'a [Value],
    next: Option<&'a str>,
}

/// One page of a list.
pub(crate) fn answer(data: &[Value], next: Option<&str>, request: &HttpRequest) -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    if let Some(next) = next {
        answer.insert_header((header::LINK, link_to(request, next)));
    }
    answer.json(Page { data, next })
}
