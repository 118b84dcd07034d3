//! Answers with a list: `{"data": […], "next": cursor or null}`, and `Link` to the next page.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value;

use longwire_listener::{Caller, Problem};

use crate::Api;
use crate::cursor::{CursorList, Cursors};
use crate::events::{cursors, link_to};
use crate::query::QueryReader;

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

/// Which page of a list in memory is asked for.
pub(crate) struct PageQuery<'a> {
    cursors: Cursors<'a>,
    list: CursorList,
    limit: usize,
    after: u128,
}

impl<'a> PageQuery<'a> {
    pub(crate) fn read(
        api: &Api,
        caller: &'a Caller,
        request: &HttpRequest,
        list: CursorList,
    ) -> Result<Self, Problem> {
        let query = QueryReader::of(request.query_string());
        Self::read_from(query, api, caller, list)
    }

    /// Of a query whose other parameters were read.
    pub(crate) fn read_from(
        mut query: QueryReader<'_>,
        api: &Api,
        caller: &'a Caller,
        list: CursorList,
    ) -> Result<Self, Problem> {
        let (limit, after) = (query.limit(), query.text("after"));
        query.finish()?;
        let cursors = cursors(api, caller);
        let after = match after {
            Some(text) => cursors.read(list, &text)?,
            None => 0,
        };
        Ok(Self {
            cursors,
            list,
            limit,
            after,
        })
    }

    /// Whether a row at this place was not on an earlier page.
    pub(crate) fn is_to_come(&self, place: u128) -> bool {
        place > self.after
    }

    /// Leaves the rows of this page, and returns the cursor of the next one if there is any.
    pub(crate) fn cut<T>(
        &self,
        rows: &mut Vec<T>,
        place: impl FnOnce(&T) -> u128,
    ) -> Option<String> {
        let more = rows.len() > self.limit;
        let last = rows.get(self.limit.checked_sub(1)?).filter(|_| more);
        let next = last.map(|last| self.cursors.write(self.list, place(last)));
        rows.truncate(self.limit);
        next
    }
}
