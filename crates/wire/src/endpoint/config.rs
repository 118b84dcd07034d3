//! The timing that the platform asks for, as received. Limits are applied by the user of the values.

use serde::{Deserialize, Deserializer, Serialize};

use crate::repair;

/// Four numbers from the endpoint's answer or from a pong, as received and not checked.
///
/// `None` means that the key was absent or not an integer. The official SDKs read this as zero or NaN and then ping
/// hundreds of times per second, so a caller must check each value before use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ClientConfig {
    /// Attempts per reconnect session; negative for no limit.
    #[serde(deserialize_with = "integer", skip_serializing_if = "Option::is_none")]
    pub reconnect_count: Option<i64>,
    /// Seconds between attempts.
    #[serde(deserialize_with = "integer", skip_serializing_if = "Option::is_none")]
    pub reconnect_interval: Option<i64>,
    /// Upper bound, in seconds, of the random delay before the first attempt.
    #[serde(deserialize_with = "integer", skip_serializing_if = "Option::is_none")]
    pub reconnect_nonce: Option<i64>,
    /// Seconds from one ping to the next.
    #[serde(deserialize_with = "integer", skip_serializing_if = "Option::is_none")]
    pub ping_interval: Option<i64>,
}

impl ClientConfig {
    /// Reads a pong's payload. `None` if it is not a JSON object; the configuration then stays as it is.
    pub fn parse(payload: &[u8]) -> Option<ClientConfig> {
        // serde would also take an array for a struct.
        let object: serde_json::Map<_, _> = repair::from_slice(payload).ok()?;
        ClientConfig::deserialize(serde_json::Value::Object(object)).ok()
    }

    /// The payload of a pong: the values that are set, in the platform's order of keys.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("integers are always JSON")
    }
}

fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)?.as_i64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pong_may_say() {
        let config = |count, interval, nonce, ping| {
            Some(ClientConfig {
                reconnect_count: count,
                reconnect_interval: interval,
                reconnect_nonce: nonce,
                ping_interval: ping,
            })
        };
        let check = |json: &str, expected| {
            assert_eq!(ClientConfig::parse(json.as_bytes()), expected, "{json}");
        };
        check(
            r#"{"ReconnectCount":-1,"ReconnectInterval":120,"ReconnectNonce":30,"PingInterval":120}"#,
            config(Some(-1), Some(120), Some(30), Some(120)),
        );
        check(
            r#"{"PingInterval":5,"Unknown":[1]}"#,
            config(None, None, None, Some(5)),
        );
        check(
            r#"{"ReconnectCount":null,"ReconnectInterval":"120","ReconnectNonce":1.5,"PingInterval":1e3}"#,
            config(None, None, None, None),
        );
        check(
            r#"{"PingInterval":99999999999999999999}"#,
            config(None, None, None, None),
        );
        check(r#"{"pingInterval":5}"#, config(None, None, None, None));
        check(
            "\u{feff}{\"PingInterval\":5}\0",
            config(None, None, None, Some(5)),
        );
        for not_an_object in ["", "null", "[1,2,3,4]", "5", "{", "not json"] {
            check(not_an_object, None);
        }
    }

    #[test]
    fn only_what_is_set_is_written() {
        let config = ClientConfig {
            ping_interval: Some(90),
            ..ClientConfig::default()
        };
        assert_eq!(config.to_json(), br#"{"PingInterval":90}"#);
        assert_eq!(ClientConfig::parse(&config.to_json()), Some(config));
    }
}
