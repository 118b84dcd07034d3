//! Metrics of the store.

use std::fmt;

use longwire_store::{COMMIT_EDGES_US, Figures};

use super::families::Families;

pub(super) fn write(figures: &Figures, is_up: bool, families: &mut Families<'_>) -> fmt::Result {
    for (name, help, value) in [
        (
            "store_up",
            "1 while events are recorded",
            Some(u64::from(is_up)),
        ),
        (
            "store_queue_events",
            "Events waiting for the writer",
            Some(figures.queue_events),
        ),
        (
            "store_queue_bytes",
            "Bytes they hold",
            Some(figures.queue_bytes),
        ),
        (
            "store_wal_bytes",
            "Length of the write-ahead log; above 16 MiB somebody keeps it from being cut",
            Some(figures.wal_bytes),
        ),
        // Unknown where the file system does not tell.
        (
            "store_free_bytes",
            "Free space on the disk of the database",
            figures.free_bytes,
        ),
        (
            "store_disk_bytes",
            "Size of the disk of the database",
            figures.disk_bytes,
        ),
        (
            "store_batch_rows_max",
            "Most events in one transaction",
            Some(figures.batch_max),
        ),
    ] {
        families.gauge(name, help, value.map(|value| value as f64))?;
    }
    families.counters(&[
        ("store_rows", "Events written", figures.rows),
        (
            "store_failed_transactions",
            "Transactions that failed",
            figures.failed_commits,
        ),
        (
            "store_rejected_groups",
            "Groups given back because the queue was full",
            figures.rejected_groups,
        ),
        (
            "store_notes_dropped",
            "Timeline notes that were not kept",
            figures.notes_dropped,
        ),
    ])?;
    let edges = COMMIT_EDGES_US.iter().map(|&us| us as f64 / 1e6);
    let edges = edges.chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = edges.zip(figures.commit_us).collect();
    families.histogram(
        "store_txn_seconds",
        "Duration of transactions",
        figures.commit_sum_us as f64 / 1e6,
        &buckets,
    )
}
