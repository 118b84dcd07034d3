//! Conformance: clients that are known to work with the platforms against their doubles.
//!
//! longwire's own tests are as true as the platforms they run against. Here the doubles prove themselves on
//! clients that were written for the originals, installed by `tests/conformance/install`:
//!
//! | | Python | Node |
//! |---|---|---|
//! | [`feishu`] | lark-oapi 1.7.5 | `@larksuiteoapi/node-sdk` 1.74.0 |
//! | [`wecom`] | wecom-aibot-sdk 1.0.8 | `@wecom/aibot-node-sdk` 1.0.7 |
//!
//! All but WeCom's Python one are the platforms' own; that one is the community's port of the Node client,
//! chosen because it speaks without TLS and uploads, which the platform's own does not.
//!
//! Each test starts a simulator and a client as a child process; what happened is read from both ends, from
//! the client's handlers and from the simulator's ledger.
//!
//! The stories that begin with [`scene::Between::Longwire`] have the real binary between client and simulator: the same
//! programs, given longwire's address and a token in place of the platform's and a secret.
//!
//! [`programs`] are whole programs of others, set as their documents say.
//!
//! [`schemas`] holds the schemas of the event types against the `jsonschema` package of Python.
//!
//! [`webhooks`] holds the signatures of deliveries against the official packages `standardwebhooks`, and runs the bots of
//! `examples`, which are shown to users.
//!
//! [`callbacks`] holds what `wire` makes of the platform's HTTP requests against the handlers of the Feishu clients.
//!
//! [`interface`] holds the public interface against Schemathesis, which makes requests out of the OpenAPI document.
//!
//! Without the clients the tests say so and pass; with `CI` set they fail.

/// A test for each client of a platform from each of its `stories`; of stories that are told with something between client
/// and platform, that comes first.
macro_rules! shown_by_both {
    ($stories:ident: $($story:ident),+ $(,)?) => {
        shown_by_both!(@each sdk => sdk, $stories: $($story),+);
    };
    ($between:ident, $stories:ident: $($story:ident),+ $(,)?) => {
        shown_by_both!(
            @each sdk => crate::scene::Scene { sdk, between: crate::scene::Between::$between },
            $stories: $($story),+
        );
    };
    (@each $sdk:ident => $cast:expr, $stories:ident: $($story:ident),+) => {
        mod python {
            $(
                #[test]
                fn $story() {
                    let $sdk = crate::sdk::Sdk::Python;
                    super::$stories::$story($cast);
                }
            )+
        }

        mod node {
            $(
                #[test]
                fn $story() {
                    let $sdk = crate::sdk::Sdk::Node;
                    super::$stories::$story($cast);
                }
            )+
        }
    };
}

mod callbacks;
mod client;
mod feishu;
mod interface;
mod programs;
mod scene;
mod schemas;
mod sdk;
mod text;
mod webhooks;
mod wecom;
