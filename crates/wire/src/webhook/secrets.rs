//! The secrets of one webhook while one of them replaces the other.

use super::WebhookSecret;

/// How long the replaced secret still signs, in seconds: 24 hours, in which the receiver learns the new one.
pub const ROTATION_OVERLAP_S: i64 = 24 * 3600;

/// The secrets that sign the deliveries of one webhook: the newest one, and for 24 hours the one it replaced.
#[derive(Debug, Clone)]
pub struct WebhookSecrets {
    newest: WebhookSecret,
    replaced: Option<ReplacedSecret>,
}

#[derive(Debug, Clone)]
struct ReplacedSecret {
    secret: WebhookSecret,
    until_s: i64,
}

impl WebhookSecrets {
    /// One secret, which replaced none.
    #[must_use]
    pub fn new(newest: WebhookSecret) -> Self {
        Self {
            newest,
            replaced: None,
        }
    }

    /// A secret that replaced another one, which signs too before `until_s` (seconds since 1970).
    #[must_use]
    pub fn with_replaced(newest: WebhookSecret, replaced: WebhookSecret, until_s: i64) -> Self {
        Self {
            newest,
            replaced: Some(ReplacedSecret {
                secret: replaced,
                until_s,
            }),
        }
    }

    /// Replaces the newest secret at `now_s`. A secret that was replaced before ends to sign at once, so that there are
    /// two at most.
    #[must_use]
    pub fn rotate(self, newest: WebhookSecret, now_s: i64) -> Self {
        Self::with_replaced(newest, self.newest, now_s + ROTATION_OVERLAP_S)
    }

    /// The newest secret.
    #[must_use]
    pub fn newest(&self) -> &WebhookSecret {
        &self.newest
    }

    /// The replaced secret and the time until which it signs (seconds since 1970), if there is one, also an expired one.
    #[must_use]
    pub fn replaced(&self) -> Option<(&WebhookSecret, i64)> {
        let replaced = self.replaced.as_ref()?;
        Some((&replaced.secret, replaced.until_s))
    }

    /// Writes the value of `webhook-signature` to `out`, which is cleared first: one signature per secret in force,
    /// the newest secret's first.
    ///
    /// `timestamp` is the value of `webhook-timestamp`, the decimal number of `now_s`. The body comes in parts, which are
    /// neither joined nor copied.
    pub fn sign(&self, id: &str, now_s: i64, timestamp: &str, body: &[&[u8]], out: &mut String) {
        out.clear();
        self.newest.sign(id, timestamp, body, out);
        if let Some(replaced) = &self.replaced
            && now_s < replaced.until_s
        {
            out.push(' ');
            replaced.secret.sign(id, timestamp, body, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_S: i64 = 1_614_265_330;

    fn signed(secrets: &WebhookSecrets, now_s: i64) -> String {
        let mut out = "left from before".to_owned();
        secrets.sign("msg_1", now_s, &now_s.to_string(), &[b"{", b"}"], &mut out);
        out
    }

    #[test]
    fn the_specifications_example() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let secrets = WebhookSecrets::new(secret.expect("a secret"));
        let mut out = String::new();
        for body in [
            &[br#"{"test": 2432232314}"#.as_slice()][..],
            &[br#"{"test": "#, b"", b"2432232314}"],
        ] {
            let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
            secrets.sign(id, NOW_S, "1614265330", body, &mut out);
            assert_eq!(out, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        }
    }

    #[test]
    fn both_sign_for_a_day() {
        let (old, new) = (
            WebhookSecret::generate([1; 32]),
            WebhookSecret::generate([2; 32]),
        );
        let by_old = signed(&WebhookSecrets::new(old.clone()), NOW_S);
        let by_new = signed(&WebhookSecrets::new(new.clone()), NOW_S);
        let rotated = |at_s| WebhookSecrets::new(old.clone()).rotate(new.clone(), at_s);
        let both = format!("{by_new} {by_old}");
        assert_eq!(signed(&rotated(NOW_S), NOW_S), both);
        assert_eq!(
            signed(&rotated(NOW_S - ROTATION_OVERLAP_S + 1), NOW_S),
            both
        );
        assert_eq!(signed(&rotated(NOW_S - ROTATION_OVERLAP_S), NOW_S), by_new);
        // A third one replaces the second, and the first is gone.
        let third = rotated(NOW_S).rotate(WebhookSecret::generate([3; 32]), NOW_S);
        assert!(signed(&third, NOW_S).ends_with(&format!(" {by_new}")));
        assert!(!signed(&third, NOW_S).contains(&by_old));
    }
}
