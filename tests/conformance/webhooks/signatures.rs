//! Signatures, as the official packages see them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longwire_wire::webhook::{ROTATION_OVERLAP_S, TOLERANCE_S, WebhookSecret, WebhookSecrets};
use serde_json::{Value, json};

use super::delivery::{WebhookDelivery, now_s, secret};
use crate::sdk::Sdk;

const MESSAGE: &str = "feishu.im.message.receive_v1";
/// A busy machine takes some seconds to start an interpreter: a time that is barely right when it is written is not when it
/// is read.
const MARGIN_S: i64 = 120;

/// What the receiver holds, and what it is sent.
struct Case {
    receiver: WebhookSecret,
    delivery: WebhookDelivery,
}

fn signed(secrets: &WebhookSecrets, at_s: i64) -> WebhookDelivery {
    WebhookDelivery::sign(MESSAGE, 41, false, secrets, at_s)
}

pub(super) fn what_longwire_signed(sdk: Sdk) {
    let now_s = now_s();
    let rotated = WebhookSecrets::new(secret(1)).rotate(secret(2), now_s);
    let over = WebhookSecrets::new(secret(1)).rotate(secret(2), now_s - ROTATION_OVERLAP_S);
    let alone = WebhookSecrets::new(secret(1));
    let late = TOLERANCE_S - MARGIN_S;
    let accepted = [
        (secret(1), signed(&alone, now_s)),
        // In a rotation the receiver may hold either secret, and after it only the new one.
        (secret(1), signed(&rotated, now_s)),
        (secret(2), signed(&rotated, now_s)),
        (secret(2), signed(&over, now_s)),
        (secret(1), signed(&alone, now_s - late)),
    ];
    let mut cases: Vec<Case> = accepted
        .map(|(receiver, delivery)| Case { receiver, delivery })
        .into();
    // An event of each platform, first and again.
    for event_type in ["feishu.card.action.trigger", "wecom.message.text"] {
        for redelivered in [false, true] {
            cases.push(Case {
                receiver: secret(1),
                delivery: WebhookDelivery::sign(event_type, 7, redelivered, &alone, now_s),
            });
        }
    }
    let expected: Vec<String> = cases
        .iter()
        .map(|case| format!("accepted: {}", case.delivery.id))
        .collect();
    if let Some(said) = ask(sdk, &cases) {
        assert_eq!(said, expected);
    }
}

pub(super) fn what_was_changed_or_is_old(sdk: Sdk) {
    let now_s = now_s();
    let secrets = WebhookSecrets::new(secret(1));
    let fresh = signed(&secrets, now_s);
    let changed = |change: fn(&mut WebhookDelivery)| {
        let mut delivery = fresh.clone();
        change(&mut delivery);
        delivery
    };
    let overheard = signed(&secrets, now_s - TOLERANCE_S - MARGIN_S);
    // Sent again with a time that would pass.
    let renewed = WebhookDelivery {
        timestamp: now_s.to_string(),
        ..overheard.clone()
    };
    let over = WebhookSecrets::new(secret(1)).rotate(secret(2), now_s - ROTATION_OVERLAP_S);
    let cases = [
        (secret(2), fresh.clone()),
        (secret(1), signed(&over, now_s)),
        (secret(1), changed(|it| it.body[20] ^= 1)),
        (secret(1), changed(|it| it.id.replace_range(29.., "z"))),
        (secret(1), changed(|it| it.signature = "v1,AAAA".to_owned())),
        (secret(1), renewed),
        (
            secret(1),
            changed(|it| it.signature = "v1a,AAAA".to_owned()),
        ),
        (secret(1), overheard),
        (secret(1), signed(&secrets, now_s + TOLERANCE_S + MARGIN_S)),
        (secret(1), changed(|it| it.signature.clear())),
    ]
    .map(|(receiver, delivery)| Case { receiver, delivery });
    let no_match = ["refused: No matching signature found"; 7];
    let expected = [
        &no_match[..],
        &[
            "refused: Message timestamp too old",
            "refused: Message timestamp too new",
            "refused: Missing required headers",
        ],
    ]
    .concat();
    if let Some(said) = ask(sdk, &cases) {
        assert_eq!(said, expected);
    }
}

/// What the package says of each case; `None` if it is not installed.
fn ask(sdk: Sdk, cases: &[Case]) -> Option<Vec<String>> {
    let cases: Vec<Value> = cases
        .iter()
        .map(|Case { receiver, delivery }| {
            json!({
                "secret": &*receiver.expose(),
                "headers": BTreeMap::from(delivery.headers()),
                "body": STANDARD.encode(&delivery.body),
            })
        })
        .collect();
    let program = match sdk {
        Sdk::Python => "webhooks/verify.py",
        Sdk::Node => "webhooks/verify.cjs",
    };
    sdk.ask(program, &cases)
}
