//! The HTML around a page for people: no script, and nothing that is loaded.

use actix_web::HttpResponse;
use actix_web::http::header;

/// A page has no script and loads nothing.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:48em;margin:3em auto;padding:0 1em}\
code{background:#8882;padding:.1em .3em}pre{background:#8882;padding:.8em;overflow-x:auto}pre code{background:none;padding:0}\
table{border-collapse:collapse;display:block;overflow-x:auto}th{text-align:left}\
td,th{padding:.2em 1em .2em 0;vertical-align:top}";

/// Answers with a page. `title` is text, `body` is HTML.
pub(crate) fn html(language: &'static str, title: &str, body: &str) -> HttpResponse {
    let title = escaped(title);
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(format!(
            "<!doctype html>\n<html lang=\"{language}\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style>\n{body}</html>\n"
        ))
}

/// Text as HTML has it, with what stands between backticks as code.
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
