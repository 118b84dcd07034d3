//! The calls of the Open API that the simulator answers, by their names in scripts, and what can happen to one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One kind of call. In JSON the name in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiCall {
    /// `POST auth/v3/tenant_access_token/internal`.
    TenantToken,
    /// `POST auth/v3/app_access_token/internal`.
    AppToken,
    /// `POST auth/v3/app_access_token`, of a store app.
    StoreAppToken,
    /// `POST auth/v3/tenant_access_token`, of a store app.
    StoreTenantToken,
    /// `POST auth/v3/app_ticket/resend`.
    AppTicketResend,
    /// `GET authen/v1/authorize`, the page that asks a person.
    Authorize,
    /// `POST authen/v2/oauth/token`.
    UserToken,
    /// `GET authen/v1/user_info`.
    UserInfo,
    /// `GET bot/v3/info`.
    BotInfo,
    /// `POST bot/v1/openclaw_bot/ping`.
    OpenclawPing,
    /// `GET application/v6/applications/ID`.
    Application,
    /// `GET event/v1/connection`.
    ConnectionCount,
    /// `GET event/v1/outbound_ip`.
    OutboundIps,
    /// `GET contact/v3/users/ID`.
    UserGet,
    /// `GET contact/v3/users/batch`.
    UsersGet,
    /// `POST contact/v3/users/basic_batch`.
    UsersBasic,
    /// `GET im/v1/chats/ID`.
    ChatGet,
    /// `POST im/v1/messages`.
    MessageSend,
    /// `POST im/v1/messages/ID/reply`.
    MessageReply,
    /// `POST im/v1/messages/ID/forward`.
    MessageForward,
    /// `GET im/v1/messages/ID`.
    MessageGet,
    /// `GET im/v1/messages`.
    MessageList,
    /// `PUT im/v1/messages/ID`.
    MessageEdit,
    /// `PATCH im/v1/messages/ID`, of a card.
    MessagePatch,
    /// `DELETE im/v1/messages/ID`.
    MessageRecall,
    /// `POST im/v1/messages/ID/reactions`.
    ReactionAdd,
    /// `GET im/v1/messages/ID/reactions`.
    ReactionList,
    /// `DELETE im/v1/messages/ID/reactions/ID`.
    ReactionDelete,
    /// `GET im/v1/messages/ID/resources/KEY`.
    ResourceGet,
    /// `POST im/v1/images`.
    ImageUpload,
    /// `GET im/v1/images/KEY`.
    ImageGet,
    /// `POST im/v1/files`.
    FileUpload,
    /// `GET im/v1/files/KEY`.
    FileGet,
    /// `POST cardkit/v1/cards`.
    CardCreate,
    /// `PUT cardkit/v1/cards/ID`.
    CardReplace,
    /// `PATCH cardkit/v1/cards/ID/settings`.
    CardSettings,
    /// `POST cardkit/v1/cards/ID/batch_update`.
    CardBatch,
    /// `PUT cardkit/v1/cards/ID/elements/ID/content`, which streams a text.
    CardContent,
    /// `POST cardkit/v1/cards/ID/elements`.
    CardElementsAdd,
    /// `PUT cardkit/v1/cards/ID/elements/ID`.
    CardElementReplace,
    /// `PATCH cardkit/v1/cards/ID/elements/ID`.
    CardElementPatch,
    /// `DELETE cardkit/v1/cards/ID/elements/ID`.
    CardElementDelete,
    /// `POST interactive/v1/card/update`, after a click.
    DelayedUpdate,
    /// `POST ephemeral/v1/send`.
    EphemeralSend,
    /// `POST ephemeral/v1/delete`.
    EphemeralDelete,
    /// `POST message/v4/batch_send/`.
    BatchSend,
    /// Any other path, or a known one with another method.
    Unknown,
}

/// What happens to a call of the Open API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// It is refused with the platform's JSON.
    Refuse {
        /// HTTP status.
        http: u16,
        /// Platform code.
        code: i64,
        /// Human text.
        msg: String,
        /// Members of `error`.
        #[serde(default)]
        error: Option<Value>,
    },
    /// It is refused with code 99991400.
    Rate {
        /// HTTP status: 429, or 400 of older calls.
        http: u16,
        /// Header `x-ogw-ratelimit-limit`.
        #[serde(default)]
        limit: Option<u64>,
        /// Header `x-ogw-ratelimit-reset`.
        #[serde(default)]
        reset_s: Option<u64>,
    },
    /// It is not carried out, and this JSON is the answer.
    Answer {
        /// HTTP status.
        http: u16,
        /// Any JSON.
        body: Value,
    },
    /// It is not carried out, and this text is the answer.
    Text {
        /// HTTP status.
        http: u16,
        /// Any text.
        body: String,
    },
    /// This HTTP status with an HTML body; it is not carried out.
    Http {
        /// HTTP status.
        status: u16,
    },
    /// It is not carried out and never answered.
    Hang,
    /// It is not carried out, and the connection is reset.
    Reset,
    /// It is carried out and never answered.
    Unanswered,
    /// It is carried out, and the connection is reset instead of an answer.
    ResetAfter,
    /// It is carried out at once and answered so late.
    Slow {
        /// How late.
        delay_ms: u64,
    },
    /// It is carried out; half of the answer comes, and then the end of the connection.
    CutShort,
}
