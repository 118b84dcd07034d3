//! The query of a list, and which of its rows are on a page.

use longwire_api::QueryReader;
use longwire_listener::Problem;

use crate::document::ListPage;

/// `limit` and `after` of a list.
pub(crate) struct PageQuery {
    /// The most rows of the page.
    pub(crate) limit: usize,
    after: Option<String>,
}

impl PageQuery {
    /// Reads both. The other parameters of the route are read before.
    ///
    /// # Errors
    /// 400 with all mistakes of the query.
    pub(crate) fn read(mut query: QueryReader<'_>) -> Result<Self, Problem> {
        let (limit, after) = (query.limit(), query.text("after"));
        query.finish()?;
        Ok(Self { limit, after })
    }

    /// The place behind which the page begins, read by `place`.
    ///
    /// # Errors
    /// 400 if the cursor is none of this list.
    pub(crate) fn after<P>(
        &self,
        place: impl FnOnce(&str) -> Option<P>,
    ) -> Result<Option<P>, Problem> {
        let Some(text) = self.after.as_deref() else {
            return Ok(None);
        };
        let Some(place) = place(text) else {
            return Err(Problem::invalid(format!(
                "`{text}` is no cursor of this list: use `next` of an answer as `after`, or begin without one"
            )));
        };
        Ok(Some(place))
    }

    /// The page that begins with the first of `rows`. `rows` may be more than those of the page; then the place of the last one of
    /// the page, as `name` writes it, is the cursor of the next page.
    pub(crate) fn cut<T>(
        &self,
        mut rows: Vec<T>,
        total: Option<usize>,
        name: impl FnOnce(&T) -> String,
    ) -> ListPage<T> {
        let has_more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = rows.last().filter(|_| has_more).map(name);
        ListPage {
            data: rows,
            next,
            total,
        }
    }
}

impl<T> ListPage<T> {
    /// The same page of other elements.
    pub(crate) fn map<U>(self, element: impl FnMut(T) -> U) -> ListPage<U> {
        ListPage {
            data: self.data.into_iter().map(element).collect(),
            next: self.next,
            total: self.total,
        }
    }
}
