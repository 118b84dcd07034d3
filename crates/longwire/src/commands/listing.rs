//! A part of a list, fetched page by page or cut out of what is in memory; and that there is more of it is said.

use longwire_admin::document::ListPage;
use longwire_terminal::say;
use serde::de::DeserializeOwned;

use crate::cli::PageArgs;
use crate::client::{Client, ClientError};
use crate::exit::Failure;

/// Elements that the server gives at once at most.
const MOST_AT_ONCE: usize = 500;

/// The part that is wanted of a list of the server.
pub(super) async fn fetch<T: DeserializeOwned>(
    client: &Client,
    path: &str,
    query: &[(&str, &str)],
    wanted: &PageArgs,
) -> Result<ListPage<T>, ClientError> {
    let mut part = ListPage {
        data: Vec::new(),
        next: wanted.cursor.clone(),
        total: None,
    };
    loop {
        let missing = (wanted.most() - part.data.len()).min(MOST_AT_ONCE);
        let limit = missing.to_string();
        let after = part.next.take().unwrap_or_default();
        let mut query = query.to_vec();
        query.extend([("limit", limit.as_str()), ("after", after.as_str())]);
        let page: ListPage<T> = client.get(path, &query).await?;
        let is_last = page.next.is_none() || page.data.is_empty();
        part.data.extend(page.data);
        part.next = page.next;
        part.total = page.total;
        if is_last || part.data.len() >= wanted.most() {
            return Ok(part);
        }
    }
}

/// The part that is wanted of a list in memory, whose elements have this cursor.
pub(super) fn cut<T>(
    mut rows: Vec<T>,
    wanted: &PageArgs,
    cursor: impl Fn(&T) -> String,
) -> Result<ListPage<T>, Failure> {
    let total = rows.len();
    if let Some(after) = &wanted.cursor {
        let place = rows.iter().position(|row| cursor(row) == *after);
        let place = place.ok_or_else(|| {
            Failure::Usage(format!(
                "`{after}` is no cursor of this list: use the one that the output before named"
            ))
        })?;
        rows.drain(..=place);
    }
    let has_more = rows.len() > wanted.most();
    rows.truncate(wanted.most());
    let next = rows.last().filter(|_| has_more).map(cursor);
    Ok(ListPage {
        data: rows,
        next,
        total: Some(total),
    })
}

/// Says on standard error that a list goes on, if it does.
pub(super) fn say_more<T>(part: &ListPage<T>, wanted: &PageArgs) {
    if let Some(more) = more(part.data.len(), part, wanted) {
        say(more);
    }
}

/// That a list goes on behind these elements.
fn more<T>(shown: usize, part: &ListPage<T>, wanted: &PageArgs) -> Option<String> {
    let next = part.next.as_deref()?;
    // With a cursor it is not known how many stand before the first one.
    let total = part.total.filter(|_| wanted.cursor.is_none());
    Some(match total {
        Some(total) => format!(
            "{} more: --all prints all, --cursor {next} those behind",
            total.saturating_sub(shown)
        ),
        None => format!("there are more: --all prints all, --cursor {next} those behind"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(limit: usize, cursor: Option<&str>, all: bool) -> PageArgs {
        PageArgs {
            limit,
            cursor: cursor.map(str::to_owned),
            all,
        }
    }

    #[test]
    fn a_list_in_memory_is_cut_and_says_how_many_are_left() {
        let rows = || (1..=5).collect::<Vec<u32>>();
        let cases = [
            (
                args(2, None, false),
                vec![1, 2],
                Some("3 more: --all prints all, --cursor 2 those behind"),
            ),
            (
                args(2, Some("2"), false),
                vec![3, 4],
                Some("there are more: --all prints all, --cursor 4 those behind"),
            ),
            (args(2, Some("4"), false), vec![5], None),
            (args(5, None, false), vec![1, 2, 3, 4, 5], None),
            (args(100, None, true), vec![1, 2, 3, 4, 5], None),
        ];
        for (wanted, data, told) in cases {
            let part = cut(rows(), &wanted, u32::to_string).expect("the cursor is one");
            assert_eq!(part.data, data, "{wanted:?}");
            assert_eq!(
                more(data.len(), &part, &wanted).as_deref(),
                told,
                "{wanted:?}"
            );
        }
        let foreign = cut(rows(), &args(2, Some("9"), false), u32::to_string);
        let refused = foreign.expect_err("no row has it").to_string();
        assert!(refused.contains("no cursor of this list"), "{refused}");
    }
}
