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
mod relayed;
mod stage;

/// Subscription, heartbeat, loss.
mod holds_its_bot {
    use super::connection;

    shown_by_both!(
        Nothing,
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
        Nothing,
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
        Nothing,
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

    shown_by_both!(Nothing, media: downloads, uploads);
}

/// The same clients, given longwire's address and a token.
mod through_longwire {
    mod hears {
        use crate::wecom::inbound;

        shown_by_both!(
            Longwire,
            inbound:
            messages_of_every_kind,
            quotes,
            events,
            what_it_has_no_name_for,
        );
    }

    mod speaks {
        use crate::wecom::outbound;

        shown_by_both!(
            Longwire,
            outbound:
            in_streams,
            unasked,
            in_cards,
            and_is_refused,
        );
    }

    mod carries {
        use crate::wecom::media;

        shown_by_both!(Longwire, media: downloads, uploads);
    }

    mod shares {
        use crate::wecom::relayed;

        shown_by_both!(
            Longwire,
            relayed:
            five_programs_share_a_bot,
            two_instances_share_the_chats,
        );
    }
}
