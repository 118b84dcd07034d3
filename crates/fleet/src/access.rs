//! What one connection is opened with: the address, and for WeCom the bot's secret.

use longwire_wire::endpoint::ConnectionUrl;
use longwire_wire::frame::ServiceId;
use secrecy::SecretString;

/// What an installation gives its socket to open one connection with. Good for one attempt.
pub(crate) enum Access {
    /// Feishu and Lark: the address is the credential.
    Feishu(ConnectionUrl),
    /// WeCom: the address is everybody's, and the bot proves itself over the connection.
    Wecom {
        /// Where the platform listens.
        url: ConnectionUrl,
        /// Which bot.
        bot_id: String,
        /// Its secret, unsealed for this attempt.
        secret: SecretString,
    },
}

impl Access {
    /// What the platform calls the service of this connection; WeCom has no such name.
    pub(crate) fn service(&self) -> Option<ServiceId> {
        match self {
            Self::Feishu(url) => Some(url.service_id()),
            Self::Wecom { .. } => None,
        }
    }

    /// Where to connect.
    pub(crate) fn url(&self) -> &ConnectionUrl {
        match self {
            Self::Feishu(url) | Self::Wecom { url, .. } => url,
        }
    }
}
