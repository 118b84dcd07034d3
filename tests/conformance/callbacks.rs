//! Requests that the platform posts: the HTTP handlers of the official SDKs and `wire::callback` accept and refuse alike, and
//! see the same in them. Where they differ, [`differences`] says why, and any other difference fails.

mod differences;
mod golden;
mod made;
mod posted;

/// The requests of the golden vectors.
mod golden_requests {
    use super::golden;

    shown_by_both!(golden: are_received_alike);
}

/// Requests of each kind, as they are sent and as somebody changed them, to bots with and without each secret.
mod changed_requests {
    use super::made;

    shown_by_both!(made: are_received_alike);
}
