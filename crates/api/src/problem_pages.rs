//! `/problems` and `/problems/{code}`: what each code of a problem means, and what to do. The `type` of a problem is the address
//! of its page.

use actix_web::HttpResponse;
use actix_web::web::Path;
use longwire_listener::Problem;

use crate::page_document::{self, escaped};
use crate::problem_code::ProblemCode;

/// All codes.
pub(crate) async fn list() -> HttpResponse {
    let mut rows = String::new();
    for code in ProblemCode::ALL {
        rows.push_str(&format!(
            "<tr><td>{}<td><a href=\"/problems/{1}\"><code>{1}</code></a><td>{2}\n",
            code.status().as_u16(),
            code.code(),
            escaped(code.title())
        ));
    }
    html(&format!(
        "<h1>Problems</h1>\n<p>Errors are problems as RFC 9457 has them. A <code>code</code> never changes.</p>\n<table>\n{rows}</table>\n"
    ))
}

/// One of them.
pub(crate) async fn show(code: Path<String>) -> Result<HttpResponse, Problem> {
    let code = ProblemCode::find(&code)
        .ok_or_else(|| ProblemCode::NotFound.problem("no problem has this code"))?;
    Ok(html(&page(code)))
}

/// The page of a code.
pub(crate) fn page(code: ProblemCode) -> String {
    format!(
        "<h1>{}</h1>\n<p><code>{}</code>, status {}</p>\n<h2>What it means</h2>\n<p>{}</p>\n<h2>What to do</h2>\n<p>{}</p>\n",
        escaped(code.title()),
        code.code(),
        code.status().as_u16(),
        escaped(code.meaning()),
        escaped(code.advice()),
    )
}

fn html(body: &str) -> HttpResponse {
    page_document::html("en", "longwire: problems", body)
}
