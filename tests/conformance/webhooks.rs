//! Deliveries to webhooks, held against the official packages `standardwebhooks` of Python and Node, and against the bots of
//! `examples`.

mod bots;
mod delivery;
mod signatures;

/// What longwire signs is accepted; what somebody changed, or sends again later, is not.
mod verifies {
    use super::signatures;

    shown_by_both!(
        signatures:
        what_longwire_signed,
        what_was_changed_or_is_old,
    );
}

/// A program of a few lines answers messages.
mod answers {
    use super::bots;

    shown_by_both!(
        bots:
        a_message_once,
        nothing_without_a_signature,
        a_person_in_a_chat,
    );
}
