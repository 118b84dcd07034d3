//! Conformance: the official clients against the simulator.
//!
//! longwire's own tests are as true as the platform they run against. Here the platform's double proves
//! itself on clients that are known to work with the original: lark-oapi 1.7.5 (Python) and
//! `@larksuiteoapi/node-sdk` 1.74.0, installed by `tests/conformance/install`. Each test starts a
//! simulator and one client as a child process; what happened is read from both ends, from the client's
//! handlers and from the simulator's ledger.
//!
//! Without the clients the tests say so and pass; with `CI` set they fail.

mod client;
mod events;
mod sdk;
mod stage;
mod stories;
mod tap;

macro_rules! shown_by {
    ($module:ident, $sdk:expr, $($story:ident),+ $(,)?) => {
        mod $module {
            $(
                #[test]
                fn $story() {
                    crate::stories::$story($sdk);
                }
            )+
        }
    };
}

shown_by!(
    python,
    crate::sdk::Sdk::Python,
    connects_and_keeps_pinging,
    receives_whole_and_split_events,
    answers_a_card,
    gets_again_what_its_handler_refused,
    comes_back_after_a_drop,
    gives_up_on_a_wrong_secret,
    answers_in_its_dialect,
);

shown_by!(
    node,
    crate::sdk::Sdk::Node,
    connects_and_keeps_pinging,
    receives_whole_and_split_events,
    answers_a_card,
    gets_again_what_its_handler_refused,
    comes_back_after_a_drop,
    gives_up_on_a_wrong_secret,
    answers_in_its_dialect,
);
