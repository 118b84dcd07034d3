//! WeCom's double, and the clients wecom-aibot-sdk (Python) and `@wecom/aibot-node-sdk`.
//!
//! Of the rules that the double holds bots to, the clients show those that they meet; `sim/tests/wecom`
//! shows all.

mod connection;
mod inbound;
mod media;
mod news;
mod order;
mod outbound;
mod stage;

/// Subscription, heartbeat, loss.
mod holds_its_bot {
    use super::connection;

    shown_by_both!(
        connection:
        subscribes,
        keeps_pinging,
        notices_that_nobody_answers,
        comes_back_after_a_drop,
        yields_to_a_newer_client,
        reports_a_wrong_secret,
    );
}

/// Callbacks.
mod hears {
    use super::inbound;

    shown_by_both!(
        inbound:
        messages_of_every_kind,
        quotes,
        events,
        what_it_has_no_name_for,
    );
}

/// Replies and proactive messages.
mod speaks {
    use super::outbound;

    shown_by_both!(
        outbound:
        in_streams,
        unasked,
        in_cards,
        and_is_refused,
    );
}

/// Files.
mod carries {
    use super::media;

    shown_by_both!(media: downloads, uploads);
}
