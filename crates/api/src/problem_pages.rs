//! `/problems` and `/problems/{code}`: what each code of a problem means, and what to do. The `type` of a problem is the address
//! of its page.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Path;
use longwire_listener::Problem;

use crate::problem_code::ProblemCode;

/// A page has no script and loads nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:42em;margin:3em auto;padding:0 1em}\
code{background:#8882;padding:.1em .3em}table{border-collapse:collapse}td{padding:.2em 1em .2em 0;vertical-align:top}";

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
    html(format!(
        "<h1>Problems</h1>\n<p>Errors are problems as RFC 9457 has them. A <code>code</code> never changes.</p>\n<table>\n{rows}</table>\n"
    ))
}

/// One of them.
pub(crate) async fn show(code: Path<String>) -> Result<HttpResponse, Problem> {
    let code = ProblemCode::find(&code)
        .ok_or_else(|| ProblemCode::NotFound.problem("no problem has this code"))?;
    Ok(html(page(code)))
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

/// As HTML has it, with what stands between backticks as code.
pub(crate) fn escaped(text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let mut parts = text.split('`');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (nth, part) in parts.enumerate() {
        out.push_str(if nth % 2 == 0 { "<code>" } else { "</code>" });
        out.push_str(part);
    }
    out
}

fn html(body: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>longwire: problems</title><style>{STYLE}</style>\n{body}</html>\n"
        ))
}
