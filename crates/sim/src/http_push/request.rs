//! Writes the HTTP request of one try, byte for byte as the platform's.

use rand::Rng as _;
use rand::rngs::SmallRng;

use super::console::Console;
use super::push::{HttpPushFlaw, HttpPushScheme};
use super::sealed::{SignatureHash, cipher_key, write_encrypted, write_signature};
use super::target::Target;

/// The key that stands for a wrong one.
const OTHER_KEY: &str = "another-encrypt-key";
/// The token that stands for a wrong one.
const OTHER_TOKEN: &str = "WrongVerificationToken0000000000";

/// How a body is sealed and signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dressing<'a> {
    pub(crate) console: &'a Console,
    pub(crate) scheme: HttpPushScheme,
    pub(crate) flaw: Option<&'a HttpPushFlaw>,
    pub(crate) headers: SignatureHeaders,
    /// Seconds since 1970 of the signature.
    pub(crate) signed_at_s: u64,
}

/// Whether the three headers of the signature are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureHeaders {
    Sent,
    /// As with the challenge, which receivers must not expect to be signed.
    Left,
}

/// Buffers of requests, used again and again.
#[derive(Debug, Default)]
pub(crate) struct RequestBuffers {
    /// The request as it is sent.
    pub(crate) request: Vec<u8>,
    body: Vec<u8>,
    scratch: Vec<u8>,
}

impl RequestBuffers {
    /// Writes the request that carries `payload`.
    pub(crate) fn write(
        &mut self,
        target: &Target,
        dressing: &Dressing<'_>,
        payload: &[u8],
        rng: &mut SmallRng,
    ) {
        self.write_body(dressing, payload, rng);
        let mut nonce = [0; 9];
        nonce.fill_with(|| rng.random_range(b'0'..=b'9'));
        let nonce = std::str::from_utf8(&nonce).expect("digits are text");
        let timestamp = timestamp(dressing);
        let request = &mut self.request;
        request.clear();
        for part in [
            "POST ",
            &target.path,
            " HTTP/1.1\r\nHost: ",
            &target.authority,
        ] {
            request.extend_from_slice(part.as_bytes());
        }
        // As captured from the platform; see the protocol notes on what it sends.
        request.extend_from_slice(
            b"\r\nUser-Agent: Go-http-client/1.1\r\nContent-Type: application/json;charset=utf-8\r\n\
              Accept-Encoding: gzip\r\nX-Request-Id: ",
        );
        let id = uuid::Builder::from_random_bytes(rng.random()).into_uuid();
        let mut text = uuid::Uuid::encode_buffer();
        request.extend_from_slice(id.hyphenated().encode_lower(&mut text).as_bytes());
        if dressing.headers == SignatureHeaders::Sent
            && dressing.flaw != Some(&HttpPushFlaw::NoSignature)
        {
            for part in [
                "\r\nX-Lark-Request-Timestamp: ",
                &timestamp,
                "\r\nX-Lark-Request-Nonce: ",
                nonce,
                "\r\nX-Lark-Signature: ",
            ] {
                request.extend_from_slice(part.as_bytes());
            }
            let (hash, key) = signing(dressing);
            write_signature(request, hash, &timestamp, nonce, key, &self.body);
        }
        if dressing.scheme == HttpPushScheme::OldCard {
            request.extend_from_slice(b"\r\nX-Refresh-Token: ");
            request.extend_from_slice(text.as_ref());
        }
        spoil(&mut self.body, dressing.flaw);
        request.extend_from_slice(b"\r\nContent-Length: ");
        request.extend_from_slice(self.body.len().to_string().as_bytes());
        request.extend_from_slice(b"\r\n\r\n");
        request.extend_from_slice(&self.body);
    }

    fn write_body(&mut self, dressing: &Dressing<'_>, payload: &[u8], rng: &mut SmallRng) {
        let other;
        let payload = match dressing.flaw {
            Some(HttpPushFlaw::WrongToken) => {
                other = with_other_token(payload, &dressing.console.verification_token);
                &other
            }
            _ => payload,
        };
        self.body.clear();
        let key = match (&dressing.console.cipher_key, dressing.scheme) {
            (Some(key), HttpPushScheme::Event) => *key,
            (None, _) | (_, HttpPushScheme::OldCard) => {
                self.body.extend_from_slice(payload);
                return;
            }
        };
        let key = match dressing.flaw {
            Some(HttpPushFlaw::InClear) => {
                self.body.extend_from_slice(payload);
                return;
            }
            Some(HttpPushFlaw::WrongCipherKey | HttpPushFlaw::WrongKey) => cipher_key(OTHER_KEY),
            _ => key,
        };
        let (body, scratch) = (&mut self.body, &mut self.scratch);
        write_encrypted(body, scratch, &key, rng.random(), payload);
    }
}

fn timestamp(dressing: &Dressing<'_>) -> String {
    match dressing.flaw {
        Some(HttpPushFlaw::Timestamp { text }) => text.clone(),
        Some(HttpPushFlaw::StaleTimestamp { seconds }) => dressing
            .signed_at_s
            .saturating_add_signed(-seconds)
            .to_string(),
        _ => dressing.signed_at_s.to_string(),
    }
}

/// The hash and the key of a signature.
fn signing<'a>(dressing: &Dressing<'a>) -> (SignatureHash, &'a str) {
    let console = dressing.console;
    let encrypt_key = console.encrypt_key.as_deref().unwrap_or_default();
    let by_event = (SignatureHash::Sha256, encrypt_key);
    let by_card = (SignatureHash::Sha1, console.verification_token.as_str());
    let (right, other) = match dressing.scheme {
        HttpPushScheme::Event => (by_event, by_card),
        HttpPushScheme::OldCard => (by_card, by_event),
    };
    match dressing.flaw {
        Some(HttpPushFlaw::WrongSignature | HttpPushFlaw::WrongKey) => (right.0, OTHER_KEY),
        Some(HttpPushFlaw::OtherScheme) => other,
        _ => right,
    }
}

/// What happens to a body after it was signed.
fn spoil(body: &mut Vec<u8>, flaw: Option<&HttpPushFlaw>) {
    match flaw {
        Some(HttpPushFlaw::Tampered) => {
            // Between two quotes in the middle, so that the JSON stays whole.
            let middle = body.len() / 2;
            let letter = body[middle..].iter().position(u8::is_ascii_alphanumeric);
            if let Some(at) = letter {
                let byte = &mut body[middle + at];
                *byte = if *byte == b'7' { b'8' } else { b'7' };
            }
        }
        Some(HttpPushFlaw::Truncated) => body.truncate(body.len() / 2),
        _ => {}
    }
}

fn with_other_token(payload: &[u8], token: &str) -> Vec<u8> {
    let (wanted, other) = (format!(r#""{token}""#), format!(r#""{OTHER_TOKEN}""#));
    let text = String::from_utf8_lossy(payload);
    text.replacen(&wanted, &other, 1).into_bytes()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::super::console::RequestUrls;
    use super::*;

    fn console(encrypt_key: Option<&str>) -> Console {
        let urls = RequestUrls::at("http://h:1/cb").with_secrets("vt", encrypt_key);
        Console::of(&urls).expect("a good URL")
    }

    fn request(console: &Console, scheme: HttpPushScheme, flaw: Option<&HttpPushFlaw>) -> String {
        let dressing = Dressing {
            console,
            scheme,
            flaw,
            headers: SignatureHeaders::Sent,
            signed_at_s: 1_767_225_600,
        };
        let mut buffers = RequestBuffers::default();
        let target = console.events.as_ref().expect("a target");
        let mut rng = SmallRng::seed_from_u64(7);
        buffers.write(target, &dressing, br#"{"token":"vt"}"#, &mut rng);
        String::from_utf8(buffers.request).expect("text")
    }

    fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
        let lines = request.split("\r\n\r\n").next()?.split("\r\n").skip(1);
        let mut pairs = lines.filter_map(|line| line.split_once(": "));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    #[test]
    fn a_request_looks_like_the_platforms() {
        let text = request(&console(None), HttpPushScheme::Event, None);
        assert!(
            text.starts_with("POST /cb HTTP/1.1\r\nHost: h:1\r\n"),
            "{text}"
        );
        assert!(
            text.ends_with("\r\nContent-Length: 14\r\n\r\n{\"token\":\"vt\"}"),
            "{text}"
        );
        assert_eq!(header(&text, "User-Agent"), Some("Go-http-client/1.1"));
        assert_eq!(
            header(&text, "Content-Type"),
            Some("application/json;charset=utf-8")
        );
        let time = header(&text, "X-Lark-Request-Timestamp");
        assert_eq!(time, Some("1767225600"));
        let nonce = header(&text, "X-Lark-Request-Nonce").expect("a nonce");
        assert!(nonce.len() == 9 && nonce.bytes().all(|digit| digit.is_ascii_digit()));
        // Without a key it is signed all the same.
        let mut signature = Vec::new();
        let body = br#"{"token":"vt"}"#;
        write_signature(
            &mut signature,
            SignatureHash::Sha256,
            "1767225600",
            nonce,
            "",
            body,
        );
        let sent = header(&text, "X-Lark-Signature").map(str::as_bytes);
        assert_eq!(sent, Some(signature.as_slice()));
    }

    #[test]
    fn an_old_card_is_never_encrypted() {
        let text = request(&console(Some("ek")), HttpPushScheme::OldCard, None);
        assert!(text.ends_with(r#"{"token":"vt"}"#), "{text}");
        assert_eq!(header(&text, "X-Lark-Signature").map(str::len), Some(40));
        assert!(header(&text, "X-Refresh-Token").is_some(), "{text}");
    }

    #[test]
    fn no_two_bodies_have_one_vector() {
        let console = console(Some("ek"));
        let dressing = Dressing {
            console: &console,
            scheme: HttpPushScheme::Event,
            flaw: None,
            headers: SignatureHeaders::Sent,
            signed_at_s: 1,
        };
        let mut rng = SmallRng::seed_from_u64(7);
        let mut buffers = RequestBuffers::default();
        buffers.write_body(&dressing, b"{}", &mut rng);
        let first = std::mem::take(&mut buffers.body);
        buffers.write_body(&dressing, b"{}", &mut rng);
        assert_ne!(first, buffers.body);
    }

    #[test]
    fn each_flaw_changes_what_it_says() {
        let (plain, sealed) = (console(None), console(Some("ek")));
        let right = request(&sealed, HttpPushScheme::Event, None);
        let signature = |text: &str| header(text, "X-Lark-Signature").map(str::to_owned);
        let body = |text: &str| text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        let flawed = |console, flaw| request(console, HttpPushScheme::Event, Some(&flaw));

        let text = flawed(&sealed, HttpPushFlaw::WrongSignature);
        assert!(body(&text) == body(&right) && signature(&text) != signature(&right));
        let text = flawed(&sealed, HttpPushFlaw::NoSignature);
        assert!(body(&text) == body(&right) && signature(&text).is_none());
        for after in [HttpPushFlaw::Tampered, HttpPushFlaw::Truncated] {
            let text = flawed(&sealed, after);
            assert!(body(&text) != body(&right) && signature(&text) == signature(&right));
        }
        let text = flawed(&sealed, HttpPushFlaw::OtherScheme);
        assert_eq!(signature(&text).map(|text| text.len()), Some(40));
        for sealing in [
            HttpPushFlaw::WrongCipherKey,
            HttpPushFlaw::WrongKey,
            HttpPushFlaw::InClear,
        ] {
            assert_ne!(body(&flawed(&sealed, sealing)), body(&right));
        }
        let text = flawed(&plain, HttpPushFlaw::WrongToken);
        assert!(
            text.ends_with(r#"{"token":"WrongVerificationToken0000000000"}"#),
            "{text}"
        );
        let text = flawed(&plain, HttpPushFlaw::StaleTimestamp { seconds: 600 });
        assert_eq!(
            header(&text, "X-Lark-Request-Timestamp"),
            Some("1767225000")
        );
        let text = flawed(
            &plain,
            HttpPushFlaw::Timestamp {
                text: "soon".to_owned(),
            },
        );
        assert_eq!(header(&text, "X-Lark-Request-Timestamp"), Some("soon"));
    }
}
