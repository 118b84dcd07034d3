//! Searches outputs and files for the marks.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use longwire_tests::{Gateway, longwire};

use super::marks::{ADDRESS_PARTS, BODIES, CONTENT, PROXY_PASSWORD, SECRET, SECRETS, TICKET};

/// The marks that were found.
#[derive(Default)]
pub(super) struct Seen {
    /// A ticket that the platform gave out.
    pub(super) ticket: String,
    /// Secret halves of tokens, which only their holders and the file of the first one have.
    pub(super) tokens: Vec<String>,
    pub(super) leaks: Vec<String>,
}

impl Seen {
    pub(super) fn text(&mut self, place: &str, text: &str) {
        for mark in SECRETS.iter().chain(&BODIES).chain(&ADDRESS_PARTS) {
            self.search(place, text.as_bytes(), mark);
        }
        self.search(place, text.as_bytes(), &self.ticket.clone());
        self.search_tokens(place, text.as_bytes());
    }

    /// Searches for this token too from now on.
    pub(super) fn token(&mut self, text: &str) {
        let (_, secret) = text.rsplit_once('_').expect("a token has two halves");
        self.tokens.push(secret.to_owned());
    }

    fn search_tokens(&mut self, place: &str, text: &[u8]) {
        for token in self.tokens.clone() {
            self.search(place, text, &token);
        }
    }

    pub(super) fn command(
        &mut self,
        gateway: &Gateway,
        arguments: &[&str],
        input: &str,
        code: i32,
    ) {
        let server = format!("http://{}", gateway.admin().address());
        let environment = [
            ("LONGWIRE_ADMIN_URL", server.as_str()),
            ("BOT_SECRET", SECRET),
            (
                "WAY_OUT",
                &format!(
                    "http://gate:{}@127.0.0.1:1",
                    PROXY_PASSWORD.replace('/', "%2F")
                ),
            ),
            (
                "HTTP_PROXY",
                &format!("socks5://gate:{PROXY_PASSWORD}@127.0.0.1:1"),
            ),
            ("LONGWIRE_LOG__FILTER", "trace"),
        ];
        let ended = longwire(gateway.directory(), arguments, &environment, input);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        self.text(
            &format!("longwire {}", arguments.join(" ")),
            &format!("{}{}", ended.output, ended.errors),
        );
    }

    /// Searches the store's files for secrets that should be sealed.
    pub(super) fn files(&mut self, directory: &Path) {
        let mut searched = Vec::new();
        for entry in std::fs::read_dir(directory).expect("it is ours").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("longwire.") {
                let bytes = std::fs::read(entry.path()).expect("it is ours");
                for mark in SECRETS {
                    self.search(&name, &bytes, mark);
                }
                self.search(&name, &bytes, &self.ticket.clone());
                if name != "longwire.db.token" {
                    self.search_tokens(&name, &bytes);
                }
                searched.push(name);
            }
        }
        for wanted in [
            "longwire.db",
            "longwire.db.key",
            "longwire.db.token",
            "longwire.toml",
        ] {
            assert!(searched.iter().any(|name| name == wanted), "{searched:?}");
        }
    }

    fn search(&mut self, place: &str, text: &[u8], mark: &str) {
        if mark.is_empty() {
            return;
        }
        for form in forms(mark) {
            if let Some(at) = text
                .windows(form.len())
                .position(|bytes| bytes == form.as_bytes())
            {
                let around = &text[at.saturating_sub(200)..(at + form.len() + 80).min(text.len())];
                self.leaks.push(format!(
                    "{mark} as {form} in {place}: …{}…",
                    String::from_utf8_lossy(around)
                ));
                return;
            }
        }
    }
}

/// The encodings of a text in a URL, a header, a JSON string and a dump of bytes.
fn forms(mark: &str) -> Vec<String> {
    let bytes = mark.as_bytes();
    let percent = |encoded: &dyn Fn(u8) -> String| -> String {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~=".contains(byte);
        let encode = |byte: &u8| {
            if plain(byte) {
                char::from(*byte).to_string()
            } else {
                encoded(*byte)
            }
        };
        bytes.iter().map(encode).collect()
    };
    let decimal: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let mut forms = vec![
        mark.to_owned(),
        percent(&|byte| format!("%{byte:02X}")),
        percent(&|byte| format!("%{byte:02x}")),
        // In a path or a password a plus sign may stay as it is.
        mark.replace('/', "%2F"),
        mark.replace('/', "\\/"),
        bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        decimal.join(", "),
        decimal.join(","),
    ];
    // Base64 depends on where in its triple of bytes the text begins; the digits at its ends belong to its neighbours.
    for before in 0..3 {
        let shifted = [&vec![0; before][..], bytes].concat();
        let whole = shifted.len() / 3 * 4;
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let first = if before == 0 { 0 } else { 4 };
            forms.push(engine.encode(&shifted)[first..whole].to_owned());
        }
    }
    forms
}

#[test]
fn the_search_finds_what_it_is_for() {
    let header = STANDARD.encode(format!("gate:{PROXY_PASSWORD}"));
    let bytes = format!("{:?}", SECRET.as_bytes());
    for text in [
        format!("Proxy-Authorization: Basic {header}"),
        format!(
            "http://gate:{}@host",
            PROXY_PASSWORD.replace('/', "%2f").replace('+', "%2b")
        ),
        format!("read {bytes}"),
        format!("{{\"app_secret\":\"{SECRET}\"}}"),
        format!("wss://host/?ticket={}", TICKET.replace('/', "%2F")),
        format!("xy{}", STANDARD.encode(format!("12{CONTENT}12"))),
        "wss://host/?device_id=1&access_key=0".to_owned(),
    ] {
        let mut seen = Seen::default();
        seen.text("here", &text);
        assert!(!seen.leaks.is_empty(), "{text}");
    }
    let mut seen = Seen::default();
    seen.text("here", "proxy 127.0.0.1:1 refused; ticket not accepted");
    assert_eq!(seen.leaks, Vec::<String>::new());
}
