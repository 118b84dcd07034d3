//! Makes the platform's texts safe for logs and timelines.
//!
//! Such a text may have any length and may repeat a secret of the request. It is cut, and secrets are replaced.

use url::Url;

/// The longest text, in characters.
const MAX_CHARS: usize = 300;

/// The shortest secret that is replaced. The platform's secrets and tickets have 32 characters and more, and replacing a
/// very short one would make the text unreadable.
const MIN_SECRET_BYTES: usize = 6;

/// Replaces a secret.
const HIDDEN: &str = "<redacted>";

/// `text` without `secret`, cut to 300 characters.
#[must_use]
pub fn without(secret: &str, text: &str) -> String {
    // The text is cut last, because a secret that was cut in half would not be found.
    hide(text.to_owned(), secret)
        .chars()
        .take(MAX_CHARS)
        .collect()
}

/// `text` without the values of the query of `url`, percent-encoded or plain, cut to 300 characters.
#[must_use]
pub fn without_query(url: &Url, text: &str) -> String {
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
