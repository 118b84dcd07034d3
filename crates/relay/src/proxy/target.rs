//! What a call is about: the path and query as they are sent on, and what is known of the path.
//!
//! A path goes on byte for byte or not at all. So one that servers read in different ways is refused here: a dot segment, an
//! empty segment, a separator that is encoded, an address of another host.

use actix_web::http::Uri;

use super::words;

/// What every call's path begins with.
const ROOT: &str = "/open-apis/";
/// The longest path and query that goes on. The longest real ones have page tokens of some hundred letters.
const MOST_BYTES: usize = 8 * 1024;
/// A path of more parts is nobody's: the longest of the platform's have nine.
const MOST_SEGMENTS: usize = 12;

/// Where a call goes, within the bot's own platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Path and query, as they came.
    text: String,
    path_bytes: usize,
}

/// Why a path does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    /// It names a host.
    #[error("the address of a call is a path, without a host")]
    NamesHost,
    /// It is not below the root.
    #[error("a call's path begins with /open-apis/")]
    Elsewhere,
    /// It has an empty part, `.` or `..`, or one that decodes to such a part or to more than one.
    #[error(
        "the path has a part that is empty, `.` or `..`, or that holds a separator or a control character"
    )]
    Ambiguous,
    /// It is too long.
    #[error("the path and query are longer than {MOST_BYTES} bytes, or have too many parts")]
    TooLong,
}

impl Target {
    /// Reads the address of a request.
    pub(crate) fn of(uri: &Uri) -> Result<Self, TargetError> {
        if uri.scheme().is_some() || uri.authority().is_some() {
            return Err(TargetError::NamesHost);
        }
        let text = uri.path_and_query().ok_or(TargetError::Elsewhere)?;
        Self::parse(text.as_str(), uri.path().len())
    }

    fn parse(text: &str, path_bytes: usize) -> Result<Self, TargetError> {
        if text.len() > MOST_BYTES {
            return Err(TargetError::TooLong);
        }
        let (path, _) = text.split_at(path_bytes);
        let below = path.strip_prefix(ROOT).ok_or(TargetError::Elsewhere)?;
        if below.split('/').count() > MOST_SEGMENTS {
            return Err(TargetError::TooLong);
        }
        if !below.split('/').all(is_plain) {
            return Err(TargetError::Ambiguous);
        }
        Ok(Self {
            text: text.to_owned(),
            path_bytes,
        })
    }

    /// Path and query, as they came.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The parts of the path below `/open-apis/`, as they came.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &str> {
        self.text[ROOT.len()..self.path_bytes].split('/')
    }

    /// The path below `/open-apis/`.
    pub(crate) fn below_root(&self) -> &str {
        &self.text[ROOT.len()..self.path_bytes]
    }

    /// What the path is called where calls are counted: its words as they are, `{}` for each id. There are few such texts,
    /// because a word that is not known counts as an id, and a path of an unknown service as `other`.
    pub(crate) fn template(&self) -> String {
        let mut segments = self.segments();
        let service = segments.next().unwrap_or_default();
        if !words::SERVICES.contains(&service) {
            return words::OTHER.to_owned();
        }
        let mut template = service.to_owned();
        for segment in segments {
            template.push('/');
            let is_word = words::is_version(segment) || words::WORDS.contains(&segment);
            template.push_str(if is_word { segment } else { "{}" });
        }
        template
    }
}

/// Whether every server reads this part of a path as one part with this text.
fn is_plain(segment: &str) -> bool {
    let mut text = segment.as_bytes().to_vec();
    // What a server decodes twice is decoded here as often.
    for _ in 0..3 {
        if matches!(&*text, b"" | b"." | b"..") {
            return false;
        }
        let has_separator = |byte: &u8| matches!(byte, b'/' | b'\\') || byte.is_ascii_control();
        if text.iter().any(has_separator) {
            return false;
        }
        // `..;x` is `..` to servers that know parameters of a path.
        let before_parameter = text.split(|&byte| byte == b';').next().unwrap_or_default();
        if matches!(before_parameter, b"." | b"..") {
            return false;
        }
        match decoded(&text) {
            None => return false,
            Some(next) if next == text => return true,
            Some(next) => text = next,
        }
    }
    false
}

/// With every `%XX` decoded; `None` if one is none.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        if *first != b'%' {
            decoded.push(*first);
            rest = after;
            continue;
        }
        let [high, low, after @ ..] = after else {
            return None;
        };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let byte = digit(*high)? * 16 + digit(*low)?;
        decoded.push(u8::try_from(byte).ok()?);
        rest = after;
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Target, TargetError> {
        Target::of(&text.parse().expect("a uri"))
    }

    #[test]
    fn what_goes_on_is_what_came() {
        for text in [
            "/open-apis/im/v1/messages?receive_id_type=chat_id",
            "/open-apis/im/v1/messages/om_x/reply",
            "/open-apis/contact/v3/users/a%40b.example?x=../..&y=//%2e%2e'%27&u=https://evil.example/",
            "/open-apis/contact/v3/users/a@b.example",
            "/open-apis/x/...",
        ] {
            assert_eq!(of(text).expect(text).as_str(), text);
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_does_not_go_on() {
        use TargetError::{Ambiguous, Elsewhere, NamesHost, TooLong};
        let long = format!("/open-apis/im?{}", "x".repeat(MOST_BYTES));
        let deep = format!("/open-apis/{}", ["x"; MOST_SEGMENTS + 1].join("/"));
        for (text, error) in [
            ("http://evil.example/open-apis/im/v1/messages", NamesHost),
            ("//evil.example/open-apis/im", Elsewhere),
            ("/open-apis", Elsewhere),
            ("/open-apis@evil.example/im", Elsewhere),
            ("/callback/ws/endpoint", Elsewhere),
            ("/open-apis/", Ambiguous),
            ("/open-apis/../callback/ws/endpoint", Ambiguous),
            ("/open-apis/im/..", Ambiguous),
            ("/open-apis/./im", Ambiguous),
            ("/open-apis//im", Ambiguous),
            ("/open-apis/im/", Ambiguous),
            ("/open-apis/%2e%2e/callback", Ambiguous),
            ("/open-apis/%2E./callback", Ambiguous),
            ("/open-apis/%252e%252e/callback", Ambiguous),
            ("/open-apis/..;x=y/callback", Ambiguous),
            ("/open-apis/im%2f..%2f..", Ambiguous),
            ("/open-apis/im%5c..", Ambiguous),
            ("/open-apis/im%00", Ambiguous),
            ("/open-apis/im%0d%0aHost:evil", Ambiguous),
            ("/open-apis/im%zz", Ambiguous),
            ("/open-apis/im%2", Ambiguous),
            (&long, TooLong),
            (&deep, TooLong),
        ] {
            assert_eq!(of(text), Err(error), "{text}");
        }
        // What is no address at all never gets here.
        assert!("/open-apis/im\\..".parse::<Uri>().is_err() || of("/open-apis/im\\..").is_err());
    }

    #[test]
    fn templates_have_no_ids() {
        for (text, template) in [
            ("im/v1/messages/om_1/reply?x=1", "im/v1/messages/{}/reply"),
            ("im/v1/messages", "im/v1/messages"),
            (
                "cardkit/v1/cards/7/elements/md_1/content",
                "cardkit/v1/cards/{}/elements/{}/content",
            ),
            ("im/v1/messages/om_secret/zzz", "im/v1/messages/{}/{}"),
            ("nosuch/v1/om_1", "other"),
        ] {
            let target = of(&format!("/open-apis/{text}")).expect(text);
            assert_eq!(target.template(), template);
        }
    }
}
