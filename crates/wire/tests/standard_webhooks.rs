//! Signatures compared with those of the official library of Standard Webhooks.

use longwire_wire::webhook::{SignedHeaders, WebhookSecret, WebhookSecrets};
use proptest::prelude::*;

proptest! {
    #[test]
    fn both_libraries_sign_alike(
        key in any::<[u8; 32]>(),
        id in "evt_[0-9A-Z]{26}",
        at_s in 0_i64..10_000_000_000,
        // The official library signs text only.
        parts in prop::collection::vec(".{0,30}", 0..4),
    ) {
        let secret = WebhookSecret::generate(key);
        let official = standardwebhooks::Webhook::new(&secret.expose()).expect("a secret");
        let body = parts.concat();
        let theirs = official.sign(&id, at_s, body.as_bytes()).expect("text");
        let timestamp = at_s.to_string();
        let slices: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
        let mut ours = String::new();
        WebhookSecrets::new(secret.clone()).sign(&id, at_s, &timestamp, &slices, &mut ours);
        prop_assert_eq!(&ours, &theirs);
        let headers = SignedHeaders {
            id: &id,
            timestamp: &timestamp,
            signature: &theirs,
        };
        prop_assert_eq!(headers.verify(&[body.as_bytes()], &[&secret], at_s), Ok(()));
    }
}
