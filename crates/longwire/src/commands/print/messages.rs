//! `longwire print messages`: the table of texts in both languages. For people it is a page of the documentation,
//! `docs/messages.md`, which a test compares with it.

use longwire_language::{Catalog, CatalogEntry};
use serde_json::json;

use crate::cli::Form;

/// What stands above the tables of the page.
const PAGE: &str = "\
# Messages

Every text that longwire says to people, in English and in Chinese: errors, next steps, findings, help, headings and
states. Braces hold the place of a value. Choose the language with `--lang zh`, with `LONGWIRE_LANG`, or with the
locale (`LC_ALL`, `LC_MESSAGES`, `LANG`). The log, JSON output and the HTTP interfaces are English in any case, so an
error that a colleague reports in Chinese is found here.

`longwire print messages` prints this page, and `longwire print messages -o json` the same for programs.
";

/// All texts in this form.
pub(super) fn text(form: Form) -> String {
    let table = Catalog::built_in();
    let document = |message: &CatalogEntry| json!({"area": message.area, "en": message.english, "zh": message.chinese});
    match form {
        Form::Table => page(&table),
        Form::Json => {
            let data: Vec<_> = table.messages().iter().map(document).collect();
            format!("{}\n", json!({ "data": data }))
        }
        Form::Ndjson => {
            let lines = table
                .messages()
                .iter()
                .map(|message| format!("{}\n", document(message)));
            lines.collect()
        }
    }
}

fn page(table: &Catalog) -> String {
    let mut page = PAGE.to_owned();
    let mut area = "";
    for message in table.messages() {
        if message.area != area {
            area = message.area;
            page.push_str(&format!(
                "\n## {}\n\n| English | 中文 |\n|---|---|\n",
                title(area)
            ));
        }
        page.push_str(&format!(
            "| {} | {} |\n",
            cell(&message.english),
            cell(&message.chinese)
        ));
    }
    page
}

/// What an area holds, in the words of whoever runs longwire.
fn title(area: &str) -> &str {
    match area {
        "access" => "Tokens",
        "admin" => "Admin interface",
        "api" => "HTTP interface",
        "bench" => "Demo and measurements",
        "consumer" => "Definitions of consumers",
        "delivery" => "Delivery",
        "egress" => "Network",
        "endpoint-check" => "Check of a webhook",
        "fleet" => "Bots",
        "installation" => "Settings of a bot",
        "janitor" => "Retention",
        "link" => "Connections to the platforms",
        "listener" => "Requests",
        "longwire" => "Commands and configuration",
        "platform" => "Calls to the platforms",
        "relay" => "Relay",
        "sim" => "Simulated platforms",
        "store" => "Store",
        "takeover" => "Takeover",
        "wire" => "Callbacks and events",
        "words" => "Headings and states",
        _ => "Operating system",
    }
}

/// A text as the cell of a table in Markdown.
fn cell(text: &str) -> String {
    let text = text
        .replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;");
    text.trim_matches('\n').replace('\n', "<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_the_documentation_is_what_is_printed() {
        let page = include_str!("../../../docs/messages.md");
        assert!(
            page == text(Form::Table),
            "docs/messages.md is old: longwire print messages > crates/longwire/docs/messages.md"
        );
    }

    #[test]
    fn a_cell_is_one_line() {
        assert_eq!(cell("\na | b\n<c>\n"), "a \\| b<br>&lt;c>");
    }
}
