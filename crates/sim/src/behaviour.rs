//! Scripted answers: how the platform behaves at the next bootstrap, upgrade, ping, token call, message call or
//! lookup.

use serde::{Deserialize, Serialize};

use longwire_platform_server::feishu::bootstrap::DataShape;
use longwire_wire::endpoint::code;

use crate::api_call::{ApiCall, CallOutcome};
use crate::script::{Script, Scripted};

/// One scripted answer. In JSON the name in snake case, with its fields inside:
/// `"bootstrap_hang"`, `{"bootstrap_http": {"status": 503}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Back to nominal: forget the app's scripts, or without an app all scripts.
    Nominal,
    /// HTTP 200 with this code, text and shape of `data`.
    BootstrapAnswer {
        /// Platform code.
        code: i64,
        /// Human text.
        msg: String,
        /// What is in `data`.
        #[serde(default)]
        data: DataShape,
    },
    /// This HTTP status with an HTML body.
    BootstrapHttp {
        /// HTTP status.
        status: u16,
    },
    /// This HTTP status with the platform's own JSON, as it answers calls that come too often.
    BootstrapRefuse {
        /// HTTP status.
        http: u16,
        /// Platform code.
        code: i64,
        /// Human text.
        msg: String,
    },
    /// HTTP 200 with a body that is not JSON.
    BootstrapNotJson,
    /// The request is read and never answered.
    BootstrapHang,
    /// The connection is reset instead of an answer.
    BootstrapReset,
    /// Code 0 and a good URL, without `ClientConfig`.
    BootstrapNoConfig,
    /// Code 0 with an empty `URL`.
    BootstrapEmptyUrl,
    /// Code 0 with this URL in place of the right one.
    BootstrapUrl {
        /// Any text.
        url: String,
    },
    /// Code 0 and a good URL with this JSON text as `ClientConfig`.
    BootstrapConfig {
        /// JSON text, put in as it is.
        raw: String,
    },
    /// A body of this many bytes.
    BootstrapHuge {
        /// Size of the body.
        body_bytes: usize,
    },
    /// The upgrade request is read and never answered.
    UpgradeHang,
    /// The connection is reset instead of an answer to the upgrade.
    UpgradeReset,
    /// A refused upgrade; a header is sent for every field that is given.
    UpgradeRefuse {
        /// HTTP status of the answer.
        http: u16,
        /// `Handshake-Status`.
        #[serde(default)]
        status: Option<i64>,
        /// `Handshake-Msg`.
        #[serde(default)]
        msg: Option<String>,
        /// `Handshake-Autherrcode`.
        #[serde(default)]
        auth: Option<i64>,
    },
    /// 101, and at once the end of the connection without a word.
    UpgradeThenDrop,
    /// 101 with a wrong `Sec-WebSocket-Accept`.
    UpgradeWrongAccept,
    /// The ping is not answered.
    PongSilent,
    /// The ping is answered by a pong with this payload.
    PongConfig {
        /// Payload text, hostile or not.
        raw: String,
    },
    /// The ping is answered by a pong without payload.
    PongNoPayload,
    /// The token call is answered with this code, and HTTP status 200 as the platform does.
    TokenRefuse {
        /// Platform code.
        code: i64,
        /// Human text.
        msg: String,
    },
    /// The token call is read and never answered.
    TokenHang,
    /// The message is not sent, and this is the answer.
    MessageRefuse {
        /// HTTP status.
        http: u16,
        /// Platform code.
        code: i64,
        /// Human text.
        msg: String,
        /// Seconds to wait, in the header `x-ogw-ratelimit-reset`.
        #[serde(default)]
        reset_s: Option<u64>,
        /// Scopes that the app lacks.
        #[serde(default)]
        scopes: Vec<String>,
    },
    /// The message is not sent, and the call is never answered.
    MessageHang,
    /// The message is sent, and the call is never answered.
    MessageUnanswered,
    /// The message is sent, and the connection is reset instead of an answer.
    MessageReset,
    /// This HTTP status with an HTML body; the message is not sent.
    MessageHttp {
        /// HTTP status.
        status: u16,
    },
    /// The lookup of a message or a name is refused.
    LookupRefuse {
        /// HTTP status.
        http: u16,
        /// Platform code.
        code: i64,
        /// Human text.
        msg: String,
    },
    /// The lookup is read and never answered.
    LookupHang,
    /// The lookup is answered so late.
    LookupSlow {
        /// How late.
        delay_ms: u64,
    },
    /// The person who is asked does not agree.
    AuthorizeDeny,
    /// The call for a person's tokens is refused.
    UserTokenRefuse {
        /// HTTP status.
        http: u16,
        /// Platform code.
        code: i64,
    },
    /// The call for a person's tokens is read and never answered.
    UserTokenHang,
    /// The answer has the person without the name, as for an app without the scope.
    LookupNameless,
    /// What happens to a call of the Open API. It comes before everything that the call itself checks.
    Call {
        /// The call; `None` for any.
        #[serde(default)]
        to: Option<ApiCall>,
        /// What happens to it.
        with: CallOutcome,
    },
}

impl Behaviour {
    /// An error answer to the bootstrap in the platform's usual shape.
    pub fn bootstrap_error(code: i64, msg: &str) -> Self {
        Self::BootstrapAnswer {
            code,
            msg: msg.to_owned(),
            data: DataShape::Empty,
        }
    }

    /// Code 1.
    pub fn system_busy() -> Self {
        Self::bootstrap_error(code::SYSTEM_BUSY, "system busy")
    }

    /// Code 514.
    pub fn auth_failed() -> Self {
        Self::bootstrap_error(code::AUTH_FAILED, "auth failed")
    }

    /// Code 403.
    pub fn forbidden() -> Self {
        Self::bootstrap_error(code::FORBIDDEN, "forbidden")
    }

    /// Code 1000040350.
    pub fn connection_limit() -> Self {
        Self::bootstrap_error(
            code::CONNECTION_LIMIT,
            "the number of connections exceeded the limit",
        )
    }

    /// Code 1000040351.
    pub fn wrong_domain() -> Self {
        Self::bootstrap_error(code::WRONG_DOMAIN, "Incorrect domain name")
    }

    /// Use this `times` times, then remove it.
    pub fn times(self, times: u32) -> Script<Self> {
        Script {
            behaviour: self,
            times: Some(times),
            after: 0,
        }
    }

    /// Use this after `after` occasions have passed.
    pub fn after(self, after: u32) -> Script<Self> {
        Script {
            behaviour: self,
            times: None,
            after,
        }
    }

    fn occasion(&self) -> Option<Occasion> {
        match self {
            Self::Nominal | Self::Call { .. } => None,
            Self::BootstrapAnswer { .. }
            | Self::BootstrapHttp { .. }
            | Self::BootstrapRefuse { .. }
            | Self::BootstrapNotJson
            | Self::BootstrapHang
            | Self::BootstrapReset
            | Self::BootstrapNoConfig
            | Self::BootstrapEmptyUrl
            | Self::BootstrapUrl { .. }
            | Self::BootstrapConfig { .. }
            | Self::BootstrapHuge { .. } => Some(Occasion::Bootstrap),
            Self::UpgradeHang
            | Self::UpgradeReset
            | Self::UpgradeRefuse { .. }
            | Self::UpgradeThenDrop
            | Self::UpgradeWrongAccept => Some(Occasion::Upgrade),
            Self::PongSilent | Self::PongConfig { .. } | Self::PongNoPayload => {
                Some(Occasion::Ping)
            }
            Self::TokenRefuse { .. } | Self::TokenHang => Some(Occasion::Token),
            Self::MessageRefuse { .. }
            | Self::MessageHang
            | Self::MessageUnanswered
            | Self::MessageReset
            | Self::MessageHttp { .. } => Some(Occasion::Message),
            Self::LookupRefuse { .. }
            | Self::LookupHang
            | Self::LookupSlow { .. }
            | Self::LookupNameless => Some(Occasion::Lookup),
            Self::AuthorizeDeny => Some(Occasion::Authorize),
            Self::UserTokenRefuse { .. } | Self::UserTokenHang => Some(Occasion::UserToken),
        }
    }
}

/// Where a behaviour applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    Bootstrap,
    Upgrade,
    Ping,
    Token,
    Message,
    Lookup,
    Authorize,
    UserToken,
    Call(ApiCall),
}

impl Scripted for Behaviour {
    type Occasion = Occasion;

    fn is_nominal(&self) -> bool {
        *self == Self::Nominal
    }

    fn fits(&self, occasion: Occasion) -> bool {
        match (self, occasion) {
            (Self::Call { to, .. }, Occasion::Call(call)) => to.is_none_or(|to| to == call),
            _ => self.occasion() == Some(occasion),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Scripts;

    #[test]
    fn own_scripts_come_first_and_run_out() {
        let mut scripts = Scripts::default();
        scripts.add(None, Behaviour::BootstrapHang.into());
        scripts.add(Some("a"), Behaviour::BootstrapNotJson.times(2));
        let mut next = |app| scripts.take(Occasion::Bootstrap, app);
        assert_eq!(next("a"), Some(Behaviour::BootstrapNotJson));
        assert_eq!(next("b"), Some(Behaviour::BootstrapHang));
        assert_eq!(next("a"), Some(Behaviour::BootstrapNotJson));
        assert_eq!(next("a"), Some(Behaviour::BootstrapHang));
    }

    #[test]
    fn after_lets_occasions_pass_and_nominal_forgets() {
        let mut scripts = Scripts::default();
        scripts.add(Some("a"), Behaviour::PongSilent.after(1).times(1));
        assert_eq!(scripts.take(Occasion::Bootstrap, "a"), None);
        assert_eq!(scripts.take(Occasion::Ping, "a"), None);
        assert_eq!(
            scripts.take(Occasion::Ping, "a"),
            Some(Behaviour::PongSilent)
        );
        assert_eq!(scripts.take(Occasion::Ping, "a"), None);
        scripts.add(None, Behaviour::UpgradeHang.into());
        scripts.add(None, Behaviour::Nominal.into());
        assert_eq!(scripts.take(Occasion::Upgrade, "a"), None);
    }

    #[test]
    fn the_json_form_is_short() {
        let script: Script<Behaviour> =
            serde_json::from_str(r#"{"behaviour":{"bootstrap_http":{"status":503}},"times":3}"#)
                .expect("valid script");
        assert_eq!(script, Behaviour::BootstrapHttp { status: 503 }.times(3));
        let hang: Behaviour = serde_json::from_str(r#""bootstrap_hang""#).expect("valid");
        assert_eq!(hang, Behaviour::BootstrapHang);
    }
}
