//! How a consumer receives events.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use longwire_installation::PublicId;
use url::Url;

use super::fault::{DefinitionFault, FaultCode};
use super::members::{Member, Members};

/// The most headers of a webhook.
const MAX_HEADERS: usize = 20;
/// The most bytes of them.
const MAX_HEADER_BYTES: usize = 8 * 1_024;
/// The most bytes of certificates.
const MAX_CA_BYTES: usize = 64 * 1_024;
/// The most bytes of a URL, as it is kept: what is not ASCII takes three bytes for each, as `%E5`.
const MAX_URL_BYTES: usize = 2_048;
/// The letters of a token's id.
const TOKEN_LETTERS: usize = 16;
/// Headers that longwire or HTTP sets. Names that begin with `webhook-` are those of Standard Webhooks.
const RESERVED_HEADERS: [&str; 9] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// How a consumer receives events.
#[derive(Clone, Debug, PartialEq)]
pub enum Road {
    /// Each delivery is a POST to an endpoint.
    Webhook(WebhookRoad),
    /// The application asks for events and acknowledges them.
    Pull,
    /// The application holds a stream of events open.
    Stream {
        /// How it acknowledges.
        ack: StreamAck,
    },
    /// The application holds connections of the platform's own protocol open, with the platform's SDK.
    Relay(RelayRoad),
}

/// Which connections of the platform's protocol are a consumer's: those of one token to one bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayRoad {
    /// The public id of the token that the application has in place of the bot's secret.
    pub token: Box<str>,
    /// The bot. Its events alone reach the consumer.
    pub installation: PublicId,
    /// How long a connection that lives may have an event until that counts as failed.
    pub handler_limit: Duration,
}

impl RelayRoad {
    /// Ten minutes: an answer of a large language model takes 90 s, and a few tools that it calls a few times that.
    pub const HANDLER_LIMIT: Duration = Duration::from_secs(600);
    /// What may be set. A handler of a second is none; a day is as long as anybody waits for an answer.
    pub const HANDLER_LIMITS: RangeInclusive<Duration> =
        Duration::from_secs(1)..=Duration::from_secs(86_400);

    /// Whether the other road is of the same token and bot.
    #[must_use]
    pub fn is_of(&self, token: &str, installation: PublicId) -> bool {
        *self.token == *token && self.installation == installation
    }
}

/// The endpoint of a webhook. Its signing secret is kept elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookRoad {
    /// `https` or `http`, without credentials and fragment.
    pub url: Url,
    /// Headers that each request has.
    pub headers: WebhookHeaders,
    /// Certificates of authorities that are trusted beside the usual ones, in PEM.
    pub ca: Option<Box<str>>,
}

/// Headers of a webhook's requests. Their values may be credentials: `Debug` shows names alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WebhookHeaders(Vec<(Box<str>, Box<str>)>);

impl WebhookHeaders {
    /// Names in lower case with their values.
    pub fn expose(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

impl fmt::Debug for WebhookHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// How the reader of a stream acknowledges.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum StreamAck {
    /// By POST.
    #[default]
    Post,
    /// By the `Last-Event-ID` with which it connects again.
    Implicit,
}

impl StreamAck {
    pub(super) const WORDS: [(&'static str, Self); 2] =
        [("post", Self::Post), ("implicit", Self::Implicit)];
}

#[derive(Copy, Clone)]
enum Kind {
    Webhook,
    Pull,
    Stream,
    Relay,
}

const KINDS: [(&str, Kind); 4] = [
    ("webhook", Kind::Webhook),
    ("pull", Kind::Pull),
    ("stream", Kind::Stream),
    ("relay", Kind::Relay),
];

pub(super) fn read(value: Member<'_>, faults: &mut Vec<DefinitionFault>) -> Option<Road> {
    let mut members = value.members(faults)?;
    let road = match members.required("kind", |value, faults| value.word(&KINDS, faults))? {
        Kind::Webhook => webhook(&mut members).map(Road::Webhook),
        Kind::Pull => Some(Road::Pull),
        Kind::Stream => {
            let ack =
                members.optional("ack", |value, faults| value.word(&StreamAck::WORDS, faults));
            Some(Road::Stream {
                ack: ack.unwrap_or_default(),
            })
        }
        Kind::Relay => relay(&mut members).map(Road::Relay),
    };
    members.refuse_others();
    road
}

fn relay(members: &mut Members<'_, '_>) -> Option<RelayRoad> {
    let token = members.required("token", read_token);
    let installation = members.required("installation", |value, faults| value.parsed(faults));
    let limit = members.optional("handler_limit", |value, faults| {
        value.duration(RelayRoad::HANDLER_LIMITS, faults)
    });
    Some(RelayRoad {
        token: token?,
        installation: installation?,
        handler_limit: limit.unwrap_or(RelayRoad::HANDLER_LIMIT),
    })
}

/// The public half of a token, as it stands in lists. The whole token, which is a secret, is refused and not repeated.
fn read_token(value: Member<'_>, faults: &mut Vec<DefinitionFault>) -> Option<Box<str>> {
    let text = value.text(faults)?;
    let letter = |b: u8| b.is_ascii_digit() || b.is_ascii_lowercase();
    if text.len() != TOKEN_LETTERS || !text.bytes().all(letter) {
        let detail = format!(
            "the id of a token belongs here, as `longwire tokens list` shows it: {TOKEN_LETTERS} small letters or digits"
        );
        return value.fault(FaultCode::InvalidValue, detail, faults);
    }
    Some(text.into())
}

fn webhook(members: &mut Members<'_, '_>) -> Option<WebhookRoad> {
    let url = members.required("url", read_url);
    let headers = members.optional("headers", read_headers);
    let ca = members.optional("ca", read_ca);
    Some(WebhookRoad {
        url: url?,
        headers: headers.unwrap_or_default(),
        ca,
    })
}

fn read_url(value: Member<'_>, faults: &mut Vec<DefinitionFault>) -> Option<Url> {
    let text = value.text(faults)?;
    let refuse =
        |detail: &str, faults: &mut _| value.fault(FaultCode::InvalidValue, detail, faults);
    let Ok(url) = Url::parse(text) else {
        return refuse(
            "a URL belongs here, such as `https://app.example/events`",
            faults,
        );
    };
    if !matches!(url.scheme(), "http" | "https") {
        return refuse("the URL has to begin with `https://` or `http://`", faults);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse(
            "the URL must have no credentials; put them into `headers`",
            faults,
        );
    }
    if url.fragment().is_some() {
        return refuse(
            "the URL must have no fragment (`#…`): it is never sent",
            faults,
        );
    }
    if url.as_str().len() > MAX_URL_BYTES {
        let detail = format!(
            "the URL has at most {MAX_URL_BYTES} bytes, what is not ASCII written as `%E5`"
        );
        return value.fault(FaultCode::OutOfRange, detail, faults);
    }
    Some(url)
}

fn read_headers(value: Member<'_>, faults: &mut Vec<DefinitionFault>) -> Option<WebhookHeaders> {
    let Some(object) = value.value.as_object() else {
        let detail = "an object of header names and their values belongs here";
        return value.fault(FaultCode::WrongType, detail, faults);
    };
    let mut headers: Vec<(Box<str>, Box<str>)> = Vec::new();
    let mut bytes = 0;
    for (name, text) in object {
        let lower = name.to_ascii_lowercase();
        let text = text.as_str().unwrap_or("\n");
        bytes += name.len() + text.len();
        if let Some(detail) = header_fault(&lower, text) {
            let detail = format!("`{}`: {detail}", name.escape_debug());
            return value.fault(FaultCode::InvalidValue, detail, faults);
        }
        if headers.iter().any(|(other, _)| **other == *lower) {
            let detail = format!("`{lower}` stands here twice, in different case");
            return value.fault(FaultCode::Conflict, detail, faults);
        }
        headers.push((lower.into(), text.into()));
    }
    if headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        let detail = format!("at most {MAX_HEADERS} headers of {MAX_HEADER_BYTES} bytes in all");
        return value.fault(FaultCode::OutOfRange, detail, faults);
    }
    Some(WebhookHeaders(headers))
}

/// What is wrong with a header, if anything. Never repeats the value.
fn header_fault(name: &str, value: &str) -> Option<&'static str> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Some("not the name of a header (RFC 9110: letters, digits and hyphens)");
    }
    if RESERVED_HEADERS.contains(&name) || name.starts_with("webhook-") {
        return Some("longwire sets this header itself");
    }
    if value.trim() != value || !value.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return Some(
            "the value has to be a text of visible ASCII characters, without a blank at its ends",
        );
    }
    None
}

fn read_ca(value: Member<'_>, faults: &mut Vec<DefinitionFault>) -> Option<Box<str>> {
    let text = value.text(faults)?;
    if text.len() > MAX_CA_BYTES {
        let detail = format!("at most {MAX_CA_BYTES} bytes of certificates");
        return value.fault(FaultCode::OutOfRange, detail, faults);
    }
    if !text.contains("-----BEGIN CERTIFICATE-----") {
        let detail = "certificates in PEM belong here: `-----BEGIN CERTIFICATE-----`";
        return value.fault(FaultCode::InvalidValue, detail, faults);
    }
    if text.contains("PRIVATE KEY") {
        let detail = "this is a private key; only certificates belong here";
        return value.fault(FaultCode::InvalidValue, detail, faults);
    }
    Some(text.into())
}
