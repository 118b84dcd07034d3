//! The revision of something that can be changed, as `ETag` and `If-Match` have it.

use actix_web::HttpRequest;
use actix_web::http::header;
use longwire_installation::Revision;
use longwire_listener::Problem;

use crate::problem_code::ProblemCode;

/// The revision as `ETag` has it.
pub(crate) fn etag(revision: Revision) -> String {
    format!("\"{}\"", revision.0)
}

/// The revision that a change is for; any if there is no `If-Match`, or `*`.
pub(crate) fn expected(request: &HttpRequest) -> Result<Option<Revision>, Problem> {
    let Some(value) = request.headers().get(header::IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    if text == "*" {
        return Ok(None);
    }
    let number = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let number = number.and_then(|text| text.parse().ok());
    number.map(|number| Some(Revision(number))).ok_or_else(|| {
        ProblemCode::Outdated.problem("`If-Match` is no `ETag` of this path: nothing was changed")
    })
}
