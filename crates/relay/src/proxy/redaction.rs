//! Keeps the platform's token out of what the platform says: some of its texts repeat it.

use bytes::{Bytes, BytesMut};
use secrecy::{ExposeSecret as _, SecretString};

/// Overwrites a secret in a body that comes in parts, also where two parts divide it. Lengths stay.
pub(crate) struct Redaction {
    secret: SecretString,
    /// The end of what came, which may be the secret's beginning.
    held: BytesMut,
}

impl Redaction {
    pub(crate) fn of(secret: SecretString) -> Self {
        Self {
            secret,
            held: BytesMut::new(),
        }
    }

    /// The next part as it may go on. It may be empty.
    pub(crate) fn pass(&mut self, part: &[u8]) -> Bytes {
        let secret = self.secret.expose_secret().as_bytes();
        self.held.extend_from_slice(part);
        overwrite(&mut self.held, secret);
        // Only an end that the secret begins with has to wait.
        let longest = secret.len().saturating_sub(1).min(self.held.len());
        let waits = (1..=longest).rev();
        let begins = |length: &usize| secret.starts_with(&self.held[self.held.len() - length..]);
        let waits = waits.into_iter().find(begins).unwrap_or(0);
        self.held.split_to(self.held.len() - waits).freeze()
    }

    /// What was held back at the end.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.held.split().freeze()
    }
}

/// A whole body without the secret.
pub(crate) fn whole(body: Bytes, secret: &[u8]) -> Bytes {
    if !contains(&body, secret) {
        return body;
    }
    let mut body = BytesMut::from(&body[..]);
    overwrite(&mut body, secret);
    body.freeze()
}

/// Whether the secret is in there.
pub(crate) fn contains(text: &[u8], secret: &[u8]) -> bool {
    find(text, secret).is_some()
}

fn overwrite(text: &mut [u8], secret: &[u8]) {
    let mut from = 0;
    while let Some(at) = find(&text[from..], secret) {
        text[from + at..from + at + secret.len()].fill(b'*');
        from += at + secret.len();
    }
}

fn find(text: &[u8], secret: &[u8]) -> Option<usize> {
    let (first, rest) = secret.split_first()?;
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| byte == first) {
        if text[from + at + 1..].starts_with(rest) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn passed(text: &[u8], secret: &str, cuts: &[usize]) -> Vec<u8> {
        let mut redaction = Redaction::of(secret.into());
        let mut passed = Vec::new();
        let mut rest = text;
        for cut in cuts {
            let (part, after) = rest.split_at((*cut).min(rest.len()));
            passed.extend_from_slice(&redaction.pass(part));
            rest = after;
        }
        passed.extend_from_slice(&redaction.pass(rest));
        passed.extend_from_slice(&redaction.finish());
        passed
    }

    #[test]
    fn a_divided_secret_is_found() {
        let text = b"{\"msg\":\"token t-abc is wrong: t-abc\",\"t-ab\":1}";
        let expected = b"{\"msg\":\"token ***** is wrong: *****\",\"t-ab\":1}";
        for cut in 0..text.len() {
            assert_eq!(passed(text, "t-abc", &[cut]), expected, "{cut}");
        }
        assert_eq!(passed(text, "t-abc", &[1; 60]), expected);
        let body = Bytes::from_static(text);
        assert_eq!(&whole(body.clone(), b"t-abc")[..], expected);
        assert_eq!(whole(body.clone(), b"t-xyz"), body);
    }

    proptest! {
        #[test]
        fn nothing_else_changes(text in "[ab]{0,60}", cuts in proptest::collection::vec(0_usize..9, 0..9)) {
            let found = passed(text.as_bytes(), "aab", &cuts);
            prop_assert_eq!(found.len(), text.len());
            prop_assert!(!contains(&found, b"aab"));
            prop_assert_eq!(String::from_utf8(found).expect("text"), text.replace("aab", "***"));
        }
    }
}
