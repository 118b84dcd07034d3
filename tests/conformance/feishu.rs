//! Feishu's double, and the clients lark-oapi (Python) and `@larksuiteoapi/node-sdk`.

mod events;
mod news;
mod relayed;
mod slow;
mod speaks;
mod stage;
mod stories;

shown_by_both!(
    Nothing,
    stories:
    connects_and_keeps_pinging,
    receives_whole_and_split_events,
    answers_a_card,
    gets_again_what_its_handler_refused,
    comes_back_after_a_drop,
    gives_up_on_a_wrong_secret,
    answers_in_its_dialect,
);

/// Calls of the Open API.
mod calls {
    use super::speaks;

    shown_by_both!(Nothing, speaks: replies, carries_a_file);
}

/// Handlers that take longer than the platform waits.
mod thinks {
    use super::slow;

    shown_by_both!(Nothing, slow: is_called_again_while_it_thinks);
}

/// The same clients, given longwire's address and a token.
mod through_longwire {
    mod as_the_platform {
        use crate::feishu::stories;

        shown_by_both!(
            Longwire,
            stories:
            receives_whole_and_split_events,
            answers_a_card,
        );
    }

    mod calls {
        use crate::feishu::speaks;

        shown_by_both!(Longwire, speaks: replies, carries_a_file);
    }

    mod thinks {
        use crate::feishu::slow;

        shown_by_both!(Longwire, slow: is_called_once_while_it_thinks);
    }

    mod better_than_the_platform {
        use crate::feishu::relayed;

        shown_by_both!(
            Longwire,
            relayed:
            gets_again_what_its_handler_refused,
            gives_up_without_its_token,
            misses_nothing_while_longwire_restarts,
            never_meets_the_secret,
            shares_chats_with_another_instance,
        );
    }
}
