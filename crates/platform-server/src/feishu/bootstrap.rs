//! The answers to `POST /callback/ws/endpoint`, as JSON.
//!
//! HTTP status 200 carries all of them, except [`malformed`]. What a code makes the SDKs do is in
//! [`longwire_wire::endpoint::code`].

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the member `data` of a refusal is.
///
/// The Node SDK reads members of `data` without looking at the code first, so a refusal with a `data` object makes it stop,
/// and one without makes it try again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataShape {
    /// An empty object, as in most answers of the platform.
    #[default]
    Empty,
    /// `null`.
    Null,
    /// No member of that name.
    Absent,
}

/// The answer with code 0: the URL to connect to, and the configuration that all clients get. `config_json` is inserted as
/// it is; without it the answer has no `ClientConfig`.
#[must_use]
pub fn granted(url: &str, config_json: Option<&str>) -> Vec<u8> {
    let url = Value::from(url);
    let config = config_json.map_or_else(String::new, |text| format!(r#","ClientConfig":{text}"#));
    format!(r#"{{"code":0,"msg":"","data":{{"URL":{url}{config}}}}}"#).into_bytes()
}

/// A refusal with this code and text.
#[must_use]
pub fn refused(code: i64, msg: &str, data: DataShape) -> Vec<u8> {
    let answer = match data {
        DataShape::Empty => json!({"code": code, "msg": msg, "data": {}}),
        DataShape::Null => json!({"code": code, "msg": msg, "data": null}),
        DataShape::Absent => json!({"code": code, "msg": msg}),
    };
    answer.to_string().into_bytes()
}

/// The answer to a body that is no request of this call. Its HTTP status is 400.
#[must_use]
pub fn malformed() -> Vec<u8> {
    refused(9499, "Bad Request", DataShape::Empty)
}

#[cfg(test)]
mod tests {
    use longwire_wire::endpoint::{ClientConfig, EndpointAnswer};

    use super::*;

    #[test]
    fn a_grant_is_read_back_with_its_configuration() {
        let url = "ws://localhost/ws?a=1&device_id=2&service_id=3";
        let config =
            r#"{"ReconnectCount":-1,"ReconnectInterval":1,"ReconnectNonce":0,"PingInterval":30}"#;
        let answer = EndpointAnswer::parse(&granted(url, Some(config))).expect("an answer");
        assert_eq!(answer.code, 0);
        let data = answer.data.expect("data");
        let wanted: ClientConfig = serde_json::from_str(config).expect("a configuration");
        assert_eq!(data.client_config, Some(wanted));
        let answer = EndpointAnswer::parse(&granted(url, None)).expect("an answer");
        assert_eq!(answer.data.expect("data").client_config, None);
    }

    #[test]
    fn refusals_have_the_asked_shape() {
        let check = |data, wanted: &str| {
            assert_eq!(String::from_utf8_lossy(&refused(514, "no", data)), wanted);
        };
        check(DataShape::Empty, r#"{"code":514,"data":{},"msg":"no"}"#);
        check(DataShape::Null, r#"{"code":514,"data":null,"msg":"no"}"#);
        check(DataShape::Absent, r#"{"code":514,"msg":"no"}"#);
    }
}
