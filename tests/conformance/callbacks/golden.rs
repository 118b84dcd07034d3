//! The golden requests of `wire`.

use serde::Deserialize;

use super::differences::GOLDEN;
use super::posted::{Handler, Headers, Keys, Posted, theirs};
use crate::sdk::Sdk;

#[derive(Deserialize)]
struct File {
    requests: Vec<Request>,
}

#[derive(Deserialize)]
struct Request {
    name: String,
    kind: String,
    keys: Keys,
    now_s: i64,
    headers: Given,
    body: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Given {
    x_lark_request_timestamp: Option<String>,
    x_lark_request_nonce: Option<String>,
    x_lark_signature: Option<String>,
}

/// Each request for the handlers that it is meant for.
fn requests(sdk: Sdk) -> Vec<(String, Posted)> {
    let file = include_str!("../../../crates/wire/vectors/feishu-callbacks.json");
    let file: File = serde_json::from_str(file).expect("the vectors are readable");
    let mut requests = Vec::new();
    for request in file.requests {
        let posted = Posted {
            handler: Handler::Event,
            keys: request.keys,
            headers: Headers {
                timestamp: request.headers.x_lark_request_timestamp,
                nonce: request.headers.x_lark_request_nonce,
                signature: request.headers.x_lark_signature,
            },
            body: request.body.into_bytes(),
            now_s: request.now_s,
        };
        let by_card_handler = Posted {
            handler: Handler::Card,
            ..posted.clone()
        };
        let name = request.name;
        match (request.kind.as_str(), sdk) {
            ("card_callback_v1", _) => requests.push((name, by_card_handler)),
            // The card handler for Node takes both generations.
            ("card_callback", Sdk::Node) => {
                requests.extend([(name.clone(), posted), (name, by_card_handler)]);
            }
            _ => requests.push((name, posted)),
        }
    }
    requests
}

pub(super) fn are_received_alike(sdk: Sdk) {
    let requests = requests(sdk);
    let posted: Vec<&Posted> = requests.iter().map(|(_, posted)| posted).collect();
    let Some(theirs) = theirs(sdk, &posted) else {
        return;
    };
    for ((name, posted), theirs) in requests.iter().zip(theirs) {
        let known = GOLDEN
            .iter()
            .find(|(of, by, _)| of == name && *by == sdk)
            .map(|(_, _, difference)| difference);
        let ours = posted.ours();
        assert_eq!(
            ours != theirs,
            known.is_some(),
            "{name}: ours is {ours:?}, that of {sdk:?} {theirs:?}, known is {known:?}"
        );
    }
}
