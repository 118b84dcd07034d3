//! Feishu's double, and the clients lark-oapi (Python) and `@larksuiteoapi/node-sdk`.

mod events;
mod news;
mod stage;
mod stories;
mod tap;

shown_by_both!(
    stories:
    connects_and_keeps_pinging,
    receives_whole_and_split_events,
    answers_a_card,
    gets_again_what_its_handler_refused,
    comes_back_after_a_drop,
    gives_up_on_a_wrong_secret,
    answers_in_its_dialect,
);
