//! Reads the vectors of callbacks.

use std::sync::LazyLock;

use longwire_wire::callback::{CallbackHeaders, CallbackKeys};
use serde::Deserialize;
use serde_json::Value;

static FILE: LazyLock<File> = LazyLock::new(|| {
    let file = include_str!("../../../vectors/feishu-callbacks.json");
    let file: File = serde_json::from_str(file).expect("the vectors are readable");
    assert_eq!((file.crypto.len(), file.requests.len()), (8, 75));
    file
});

pub(crate) static CRYPTO: LazyLock<&'static [Crypto]> = LazyLock::new(|| &FILE.crypto);
pub(crate) static REQUESTS: LazyLock<&'static [Request]> = LazyLock::new(|| &FILE.requests);

#[derive(Deserialize)]
struct File {
    crypto: Vec<Crypto>,
    requests: Vec<Request>,
}

/// One encrypted text.
#[derive(Deserialize)]
pub(crate) struct Crypto {
    pub(crate) name: String,
    pub(crate) encrypt_key: String,
    pub(crate) encrypt: String,
    iv_hex: Option<String>,
    pub(crate) plaintext: Option<String>,
    pub(crate) error: Option<String>,
}

/// One request.
#[derive(Deserialize)]
pub(crate) struct Request {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) keys: Keys,
    pub(crate) now_s: i64,
    pub(crate) window_s: u64,
    pub(crate) headers: Headers,
    pub(crate) body: String,
    /// What an encrypted body decrypts to.
    pub(crate) clear: Option<String>,
    pub(crate) expect: Option<Expect>,
    /// What a receiver answered, and the platform's verdict on it.
    pub(crate) answer: Option<Answer>,
    pub(crate) verdict: Option<Verdict>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    UrlVerification,
    Event,
    CardCallback,
    CardCallbackV1,
    PlatformVerdict,
}

#[derive(Deserialize)]
pub(crate) struct Keys {
    pub(crate) encrypt_key: String,
    pub(crate) verification_token: String,
}

#[derive(Deserialize)]
pub(crate) struct Headers {
    #[serde(rename = "x-lark-request-timestamp")]
    pub(crate) timestamp: Option<String>,
    #[serde(rename = "x-lark-request-nonce")]
    pub(crate) nonce: Option<String>,
    #[serde(rename = "x-lark-signature")]
    pub(crate) signature: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Expect {
    pub(crate) accept: bool,
    pub(crate) status: u16,
    pub(crate) reason: Option<String>,
    /// The facts that a handler is given.
    #[serde(default)]
    pub(crate) dispatch: Value,
    pub(crate) response_json: Option<Value>,
    pub(crate) handler_returns: Option<Value>,
}

#[derive(Deserialize)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) delay_ms: u64,
}

#[derive(Deserialize)]
pub(crate) struct Verdict {
    pub(crate) code: Option<u32>,
}

pub(crate) fn request(name: &str) -> &'static Request {
    let found = REQUESTS.iter().find(|request| request.name == name);
    found.unwrap_or_else(|| panic!("no request {name}"))
}

impl Crypto {
    pub(crate) fn iv(&self) -> [u8; 16] {
        let hex = self.iv_hex.as_ref().expect("it has a plaintext");
        std::array::from_fn(|place| {
            u8::from_str_radix(&hex[2 * place..2 * place + 2], 16).expect("hex")
        })
    }
}

impl Request {
    pub(crate) fn keys(&self) -> CallbackKeys<'_> {
        CallbackKeys {
            verification_token: Some(&self.keys.verification_token),
            encrypt_key: Some(&self.keys.encrypt_key),
        }
    }

    pub(crate) fn headers(&self) -> CallbackHeaders<'_> {
        fn bytes(header: &Option<String>) -> Option<&[u8]> {
            header.as_ref().map(String::as_bytes)
        }
        CallbackHeaders {
            timestamp: bytes(&self.headers.timestamp),
            nonce: bytes(&self.headers.nonce),
            signature: bytes(&self.headers.signature),
        }
    }

    pub(crate) fn expect(&self) -> &Expect {
        self.expect.as_ref().expect(&self.name)
    }

    /// Also what is sent to have the answer judged.
    pub(crate) fn is_accepted(&self) -> bool {
        self.expect.as_ref().is_none_or(|expect| expect.accept)
    }

    /// Whether its bytes are what the platform would send: encrypted and signed with the keys of the vector.
    pub(crate) fn is_by_platform(&self) -> bool {
        let reason = self
            .expect
            .as_ref()
            .and_then(|expect| expect.reason.as_deref());
        matches!(reason, None | Some("verification_token" | "timestamp"))
    }

    pub(crate) fn is_accepted_event(&self) -> bool {
        let is_event = matches!(
            self.kind,
            Kind::Event | Kind::CardCallback | Kind::CardCallbackV1
        );
        is_event && self.is_accepted()
    }
}
