//! Timeline notes into rows and back; the newest thousand of each installation stay.

use std::collections::HashMap;

use diesel::SqliteConnection;
use diesel::prelude::*;

use super::schema::timeline;
use crate::cause::{Cause, Failure};
use crate::timeline::{TimelineEntry, TimelineKind, TimelineRecord};
use longwire_installation::InstallationId;

/// Notes kept per installation: some days of a bot that reconnects every ten minutes.
pub(crate) const KEPT: i64 = 1_000;

/// An installation is pruned at its first note of the process and at every so-many-th after it,
/// so a table may for a while hold as many more.
const PRUNE_EVERY: u32 = 64;

/// Writes notes and remembers when to prune.
#[derive(Debug, Default)]
pub(crate) struct TimelineBuffer {
    written: HashMap<InstallationId, u32>,
}

impl TimelineBuffer {
    /// Writes a note within the caller's transaction. One of an unknown installation is left out.
    pub(crate) fn write(
        &mut self,
        connection: &mut SqliteConnection,
        note: &TimelineEntry,
    ) -> Result<(), Failure> {
        let inserted = diesel::insert_into(timeline::table)
            .values((
                timeline::installation_id.eq(note.installation.0),
                timeline::at_ms.eq(note.at_ms),
                timeline::generation.eq(i64::try_from(note.generation).unwrap_or(i64::MAX)),
                timeline::kind.eq(note.kind.label()),
                timeline::detail.eq(&note.detail),
            ))
            .execute(connection);
        match inserted.map_err(Failure::from) {
            Ok(_) => Ok(self.prune(connection, note.installation)?),
            Err(Failure {
                cause: Cause::Poison,
                ..
            }) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    fn prune(
        &mut self,
        connection: &mut SqliteConnection,
        installation: InstallationId,
    ) -> QueryResult<()> {
        let written = self.written.entry(installation).or_default();
        let due = written.is_multiple_of(PRUNE_EVERY);
        *written = written.wrapping_add(1);
        if !due {
            return Ok(());
        }
        let oldest_kept: Option<i64> = timeline::table
            .filter(timeline::installation_id.eq(installation.0))
            .order(timeline::id.desc())
            .select(timeline::id)
            .offset(KEPT - 1)
            .first(connection)
            .optional()?;
        if let Some(oldest_kept) = oldest_kept {
            let older = timeline::table
                .filter(timeline::installation_id.eq(installation.0))
                .filter(timeline::id.lt(oldest_kept));
            diesel::delete(older).execute(connection)?;
        }
        Ok(())
    }
}

/// The newest notes of an installation, newest first.
pub(crate) fn newest(
    connection: &mut SqliteConnection,
    installation: InstallationId,
    limit: usize,
) -> QueryResult<Vec<TimelineRecord>> {
    let rows: Vec<(i64, i64, i64, String, String)> = timeline::table
        .filter(timeline::installation_id.eq(installation.0))
        .order(timeline::id.desc())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((
            timeline::id,
            timeline::at_ms,
            timeline::generation,
            timeline::kind,
            timeline::detail,
        ))
        .load(connection)?;
    Ok(rows
        .into_iter()
        .map(|(id, at_ms, generation, kind, detail)| TimelineRecord {
            id,
            entry: TimelineEntry {
                installation,
                at_ms,
                generation: generation.cast_unsigned(),
                kind: TimelineKind::parse(&kind),
                detail,
            },
        })
        .collect())
}
