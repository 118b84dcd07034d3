//! The decoders of short texts.

use longwire_installation::{BaseUrl, Name, Platform, PublicId};
use longwire_wire::endpoint::{HandshakeRefusal, handshake};

/// An id has one spelling, but for upper and lower case; no id is a name that somebody may choose.
pub fn public_id(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let name = text.parse::<Name>();
    if let Ok(name) = &name {
        assert_eq!(name.as_str(), text);
    }
    if let Ok(id) = text.parse::<PublicId>() {
        assert!(id.to_string().eq_ignore_ascii_case(text));
        assert_eq!(PublicId::from_bytes(*id.as_bytes()), id);
        assert!(name.is_err() || !text.starts_with("ins_"));
    }
}

/// Whatever the headers of a refused upgrade say, they are read. A line is the value of each of them.
pub fn handshake_refusal(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let line = |name: &str| {
        let names = [
            handshake::STATUS,
            handshake::MESSAGE,
            handshake::AUTH_ERROR_CODE,
        ];
        text.lines()
            .nth(names.iter().position(|known| *known == name)?)
    };
    let refusal = HandshakeRefusal::read(403, line);
    assert_eq!(refusal.message.as_deref(), line(handshake::MESSAGE));
    assert!(refusal.status.is_none() || line(handshake::STATUS).is_some());
}

/// A base URL that is accepted is kept as it was written, names a host and no credentials, and is dialled in plain text on
/// loopback alone.
pub fn base_url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for platform in [Platform::Feishu, Platform::Lark, Platform::Wecom] {
        let Ok(base_url) = BaseUrl::parse(platform, text, &[]) else {
            continue;
        };
        assert_eq!(base_url.as_str(), text);
        let url = BaseUrl::resolve(Some(&base_url), platform).expect("it was parsed before");
        assert!(url.username().is_empty() && url.password().is_none());
        let host = url.host_str().expect("it has a host");
        let is_loopback =
            host.starts_with("127.") || host == "[::1]" || host.eq_ignore_ascii_case("localhost");
        assert!(is_loopback || ["https", "wss"].contains(&url.scheme()));
    }
}
