//! What `check --store` finds: every page of the database, and what the log holds.

use longwire_fleet::setback::chain;
use longwire_store::{OpenError, PagesChecked, StoreSettings, check_store};
use longwire_terminal::grouped;

use super::findings::Findings;
use crate::commands::backup::size;
use crate::moment;

pub(super) fn tell(settings: &StoreSettings, findings: &mut Findings) {
    let found = match check_store(settings) {
        Ok(found) => found,
        // Said before, with all that is said of a store that does not open.
        Err(OpenError::Missing { .. } | OpenError::OlderSchema { .. }) => return,
        Err(error) => return findings.bad("pages", chain(&error), error.advice()),
    };
    let of = format!(
        "{} of the database, {} of the write-ahead log, schema {}",
        size(found.database_bytes),
        size(found.wal_bytes),
        found.schema,
    );
    match found.pages {
        PagesChecked::EveryPage => findings.good("pages", format!("every page is sound: {of}")),
        PagesChecked::EveryRow => findings.note(
            "pages",
            format!("every row can be read: {of}"),
            "while a server uses a large database, its indexes are not checked: they are in a check of a restored backup",
        ),
        PagesChecked::Damaged(why) => findings.bad(
            "pages",
            format!("the database is damaged ({why}): {of}"),
            "stop the server, keep a copy of the files, and restore the newest backup with `longwire restore`",
        ),
    }
    match &found.ends {
        None => findings.good("events", "none yet".to_owned()),
        Some([(oldest, oldest_ms), (newest, newest_ms)]) => findings.good(
            "events",
            format!(
                "{}, from number {} ({}) to {} ({})",
                grouped(found.events),
                oldest.0,
                moment::rfc3339(*oldest_ms),
                newest.0,
                moment::rfc3339(*newest_ms),
            ),
        ),
    }
}
