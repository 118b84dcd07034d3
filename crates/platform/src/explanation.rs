//! What the platform says for people, made fit for logs and timelines.
//!
//! It is somebody else's text: it may be of any length, and it may repeat what it was asked with.

use url::Url;

/// Longer texts are cut, in characters.
const MAX_CHARS: usize = 300;

/// What is shorter than this is no secret of the platform, whose secrets and tickets have 32 characters and more;
/// taking it out would only garble the text.
const MIN_SECRET_BYTES: usize = 6;

/// Stands for a secret that was taken out.
const HIDDEN: &str = "<redacted>";

/// `text` cut to 300 characters, and without `secret`.
#[must_use]
pub fn without(secret: &str, text: &str) -> String {
    // Cut last: half a secret is not found.
    hide(text.to_owned(), secret)
        .chars()
        .take(MAX_CHARS)
        .collect()
}

/// The same without the values of the query of `url`, written in either way.
pub(crate) fn without_query(url: &Url, text: &str) -> String {
    let raw = url.query().unwrap_or_default().split('&');
    let raw = raw.filter_map(|pair| Some(pair.split_once('=')?.1.to_owned()));
    let plain = url.query_pairs().map(|(_, value)| value.into_owned());
    let text = raw
        .chain(plain)
        .fold(text.to_owned(), |text, secret| hide(text, &secret));
    text.chars().take(MAX_CHARS).collect()
}

fn hide(text: String, secret: &str) -> String {
    if secret.len() < MIN_SECRET_BYTES {
        return text;
    }
    text.replace(secret, HIDDEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_not_told_back() {
        assert_eq!(
            without("s3cr3t/1", "app_secret s3cr3t/1 is wrong"),
            "app_secret <redacted> is wrong"
        );
        assert_eq!(without("a", "a bad app"), "a bad app");
        let long = format!("{}s3cr3t/1", "x".repeat(MAX_CHARS - 4));
        assert!(!without("s3cr3t/1", &long).contains("s3cr"));
        assert_eq!(without("s3cr3t/1", &long).len(), MAX_CHARS);
    }

    #[test]
    fn nor_is_the_address() {
        let url = "wss://host.invalid/ws?service_id=33&access_key=k%2F123456&ticket=t-123456";
        let url = Url::parse(url).expect("a url");
        let text = "33: ticket=t-123456, k/123456 or k%2F123456";
        assert_eq!(
            without_query(&url, text),
            "33: ticket=<redacted>, <redacted> or <redacted>"
        );
    }
}
