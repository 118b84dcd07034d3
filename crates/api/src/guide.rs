//! `/docs/guide.md` and the pages beside it: the project's pages for users, as HTML.
//!
//! They are the files of `crates/longwire/docs`. A link from one to another is a file name, so it works here as it does in the
//! source.

use actix_web::HttpResponse;
use longwire_listener::Problem;
use pulldown_cmark::{Options, Parser, html};

use crate::page_document;
use crate::problem_code::ProblemCode;

/// The list of all pages.
const INDEX: &str = "guide.md";

/// A page of the guide.
struct Page {
    /// Its file name.
    name: &'static str,
    /// Its Markdown. The first line is its title.
    text: &'static str,
}

macro_rules! pages {
    ($($name:literal),+ $(,)?) => {
        /// All pages, in the order of the list.
        const PAGES: &[Page] = &[$(Page {
            name: $name,
            text: include_str!(concat!("../../longwire/docs/", $name)),
        }),+];
    };
}

pages! {
    "15-minutes.zh-CN.md",
    "consumers.md",
    "webhooks.md",
    "pull-and-stream.md",
    "cards.md",
    "callbacks.md",
    "expand.md",
    "user-authorization.md",
    "tokens.md",
    "wecom.md",
    "relay-calls.md",
    "relay-wecom.md",
    "relay-nonebot.md",
    "relay-koishi.md",
    "relay-astrbot.md",
    "relay-hermes.md",
    "coming-from-an-sdk.md",
    "coming-from-aurak.md",
    "coming-from-lark-callback-server.md",
    "coming-from-openclacky.md",
    "install.md",
    "adding-a-bot.md",
    "changing-bots.md",
    "checking.md",
    "status.md",
    "takeover.md",
    "operating.md",
    "backup.md",
    "retention.md",
    "capacity.md",
    "upgrade.md",
    "messages.md",
    "service.md",
    "tls.md",
    "reverse-proxy.md",
    "tunnel.md",
    "simulator.md",
    "bench.md",
    "figures.md",
}

impl Page {
    fn title(&self) -> &'static str {
        let first = self.text.lines().next().unwrap_or_default();
        first.trim_start_matches(['#', ' '])
    }

    /// `name.zh-CN.md` is a Chinese page.
    fn language(&self) -> &'static str {
        if self.name.ends_with(".zh-CN.md") {
            "zh-CN"
        } else {
            "en"
        }
    }
}

/// Whether a file below `/docs/` is a page of the guide. All other files belong to the interface's own page.
pub(crate) fn has(name: &str) -> bool {
    name.ends_with(".md")
}

/// The page of this name, or the list of all.
pub(crate) fn show(name: &str) -> Result<HttpResponse, Problem> {
    if name == INDEX {
        return Ok(page_document::html("en", "longwire: guide", &index()));
    }
    let page = PAGES.iter().find(|page| page.name == name);
    let page = page.ok_or_else(|| {
        ProblemCode::NotFound.problem("the guide has no such page: see /docs/guide.md")
    })?;
    Ok(page_document::html(
        page.language(),
        page.title(),
        &rendered(page.text),
    ))
}

fn index() -> String {
    let mut rows = String::new();
    for page in PAGES {
        let title = page_document::escaped(page.title());
        rows.push_str(&format!("<li><a href=\"{}\">{title}</a>\n", page.name));
    }
    format!(
        "<h1>Guide</h1>\n<p>The HTTP interface: <a href=\"./\">all operations</a>, <a href=\"../openapi.json\">OpenAPI</a>, <a href=\"../problems\">problems</a>.</p>\n<ul>\n{rows}</ul>\n"
    )
}

fn rendered(text: &str) -> String {
    let back = "<p><a href=\"guide.md\">Guide</a></p>\n";
    let mut out = String::with_capacity(text.len() * 2);
    out.push_str(back);
    html::push_html(&mut out, Parser::new_ext(text, Options::ENABLE_TABLES));
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn folder() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../longwire/docs")
    }

    #[test]
    fn every_file_is_a_page() {
        let files = std::fs::read_dir(folder()).expect("the folder of pages");
        let files: BTreeSet<String> = files
            .map(|file| {
                file.expect("a file")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        let pages: BTreeSet<String> = PAGES.iter().map(|page| page.name.to_owned()).collect();
        assert_eq!(pages, files);
    }

    #[test]
    fn every_page_has_a_title_and_links_to_pages_that_exist() {
        for page in PAGES {
            assert!(page.text.starts_with("# "), "{} has no title", page.name);
            for link in page.text.split("](").skip(1) {
                let link = link.split(')').next().unwrap_or_default();
                let target = link.split('#').next().unwrap_or_default();
                if target.is_empty() || target.contains("://") {
                    continue;
                }
                assert!(
                    PAGES.iter().any(|page| page.name == target),
                    "{} links to {link}, which is no page of the guide",
                    page.name
                );
            }
        }
    }

    #[test]
    fn a_page_is_rendered_with_its_tables_and_links() {
        let page = rendered(
            "# A & B\n\n| a | b |\n|---|---|\n| `x` | <i> |\n\n[more](tls.md)\n\n```sh\na > b\n```\n",
        );
        for part in [
            "<h1>A &amp; B</h1>",
            "<table>",
            "<td><code>x</code></td>",
            "<a href=\"tls.md\">more</a>",
            "a &gt; b",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
    }
}
