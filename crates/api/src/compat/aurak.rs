//! AuraK's bot API: what its words mean for our bots, and its bodies.
//!
//! Everything here is a value. `routes` asks the store and the fleet, and answers with these. AuraK knows four states of a
//! connection, and of each bot whether it is `enabled` and whether it uses a WebSocket:
//!
//! | mode | to run | stopped |
//! |---|---|---|
//! | `long_connection` | [`WebSocket`](AurakWish::WebSocket) | [`Webhook`](AurakWish::Webhook): `connect` starts it |
//! | `both` | [`WebSocket`](AurakWish::WebSocket) | [`Disabled`](AurakWish::Disabled) |
//! | `webhook` | [`Webhook`](AurakWish::Webhook): `connect` makes it `both` | [`Disabled`](AurakWish::Disabled) |
//!
//! A member without a value is left out, as `JSON.stringify` leaves out `undefined`.

mod routes;

use std::borrow::Cow;

use longwire_consumer::time_text;
use longwire_fleet::InstallationView;
use longwire_installation::{Desired, Mode};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) use routes::add;

/// What a bot that is unknown, or another's, is answered with, on every route.
const NOT_FOUND: &str = "Bot not found";
/// What `connect` answers of a bot that an operator has stopped.
const DISABLED: &str = "Bot not found or disabled";
/// The error of a connection of which nothing more is known.
const CONNECTION_FAILED: &str = "Connection failed";
/// The alarm after five failures in a row. AuraK ended there; here the attempts go on.
const MANY_FAILURES: &str = "Max reconnect attempts reached";

/// The four states, as [`InstallationView::legacy_state`] has them.
const DISCONNECTED: &str = "disconnected";
const CONNECTING: &str = "connecting";
const CONNECTED: &str = "connected";
const ERROR: &str = "error";

/// What is wanted of a bot, as far as AuraK can say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AurakWish {
    /// A long connection: `useWebSocket`.
    WebSocket,
    /// No long connection.
    Webhook,
    /// Nothing: an operator has stopped the bot, its webhook too.
    Disabled,
}

impl AurakWish {
    pub(crate) fn of(mode: Mode, desired: Desired) -> Self {
        match (mode, desired) {
            (Mode::LongConnection | Mode::Both, Desired::Run) => Self::WebSocket,
            (Mode::LongConnection, Desired::Stop) | (Mode::Webhook, Desired::Run) => Self::Webhook,
            (Mode::Webhook | Mode::Both, Desired::Stop) => Self::Disabled,
        }
    }
}

/// What a request changes of a bot. It is kept before anything is connected or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AurakChange {
    /// Nothing: it is so already.
    Nothing,
    /// Whether it runs.
    Desired(Desired),
    /// How its events come.
    Mode(Mode),
}

impl AurakChange {
    /// Of `connect`; nothing is done for a bot that is disabled.
    pub(crate) fn to_connect(mode: Mode, desired: Desired) -> Option<Self> {
        match (mode, desired) {
            (Mode::LongConnection | Mode::Both, Desired::Run) => Some(Self::Nothing),
            (Mode::LongConnection, Desired::Stop) => Some(Self::Desired(Desired::Run)),
            (Mode::Webhook, Desired::Run) => Some(Self::Mode(Mode::Both)),
            (Mode::Webhook | Mode::Both, Desired::Stop) => None,
        }
    }

    /// Of `disconnect`. A bot whose webhook can be served keeps it, and any other one is stopped.
    pub(crate) fn to_disconnect(mode: Mode, desired: Desired, webhook: WebhookKeys) -> Self {
        match (mode, desired, webhook) {
            (Mode::Both, Desired::Run, _)
            | (Mode::LongConnection, Desired::Run, WebhookKeys::Known) => Self::Mode(Mode::Webhook),
            (Mode::LongConnection, Desired::Run, WebhookKeys::Missing) => {
                Self::Desired(Desired::Stop)
            }
            (Mode::Webhook, Desired::Run, _) | (_, Desired::Stop, _) => Self::Nothing,
        }
    }
}

/// Whether callbacks of a bot can be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WebhookKeys {
    /// There is a verification token or an encrypt key.
    Known,
    /// There is neither, so that no callback is served.
    Missing,
}

/// The answer to `connect` and `disconnect`.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AurakSwitch)]
pub(crate) struct SwitchDocument<'a> {
    /// Whether what was asked for is wanted from now on.
    success: bool,
    /// The bot, as the request named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    bot_id: Option<&'a str>,
    /// `connecting` or `disconnected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Cow<'a, str>>,
}

impl<'a> SwitchDocument<'a> {
    /// It is to be connected.
    pub(crate) fn connecting(bot_id: &'a str) -> Self {
        Self::done(bot_id, CONNECTING)
    }

    /// It is to be disconnected.
    pub(crate) fn disconnected(bot_id: &'a str) -> Self {
        Self::done(bot_id, DISCONNECTED)
    }

    fn done(bot_id: &'a str, status: &'static str) -> Self {
        Self {
            success: true,
            bot_id: Some(bot_id),
            status: Some(status),
            error: None,
        }
    }

    /// The caller has no such bot.
    pub(crate) fn not_found() -> Self {
        Self::refused(None, NOT_FOUND.into())
    }

    /// The bot is stopped.
    pub(crate) fn disabled() -> Self {
        Self::refused(None, DISABLED.into())
    }

    /// The bot is known, and this went wrong.
    pub(crate) fn failed(bot_id: &'a str, error: Cow<'a, str>) -> Self {
        Self::refused(Some(bot_id), error)
    }

    fn refused(bot_id: Option<&'a str>, error: Cow<'a, str>) -> Self {
        Self {
            success: false,
            bot_id,
            status: None,
            error: Some(error),
        }
    }
}

/// The state of a bot's connection.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AurakStatus)]
pub(crate) struct StatusDocument<'a> {
    /// The bot.
    bot_id: &'a str,
    /// `disconnected`, `connecting`, `connected` or `error`.
    state: &'static str,
    /// Since when it is connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    connected_at: Option<String>,
    /// When something last came over its connection. Not in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_heartbeat: Option<String>,
    /// Why it is not connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Cow<'a, str>>,
}

impl<'a> StatusDocument<'a> {
    /// Of a bot of which this is wanted, under the name that the request gave it.
    pub(crate) fn of(bot_id: &'a str, wish: AurakWish, view: &'a InstallationView) -> Self {
        let state = state_of(wish, view);
        let when = |ms: Option<i64>| ms.filter(|_| state == CONNECTED).map(time_text);
        Self {
            bot_id,
            state,
            connected_at: when(view.lights.connected_ms),
            // Before the first frame the upgrade is what was heard last; an earlier connection says nothing of this one.
            last_heartbeat: when(view.lights.last_heard_ms.max(view.lights.connected_ms)),
            error: (state == ERROR).then(|| error_of(view)),
        }
    }

    /// The same in a list.
    fn of_list(wish: AurakWish, view: &'a InstallationView) -> Self {
        Self {
            last_heartbeat: None,
            ..Self::of(&view.id, wish, view)
        }
    }
}

/// What AuraK would call the state. A change is kept before the fleet knows of it, so what is wanted counts meanwhile.
fn state_of(wish: AurakWish, view: &InstallationView) -> &'static str {
    match (wish, view.legacy_state) {
        (AurakWish::WebSocket, DISCONNECTED) => CONNECTING,
        (AurakWish::WebSocket, state) => state,
        (AurakWish::Webhook | AurakWish::Disabled, _) => DISCONNECTED,
    }
}

fn error_of(view: &InstallationView) -> Cow<'_, str> {
    let is_tried = view.state == "backing_off";
    match &view.reason_text {
        _ if is_tried && view.lights.alarm => MANY_FAILURES.into(),
        Some(text) => text.into(),
        None => CONNECTION_FAILED.into(),
    }
}

/// The states of all bots of the caller.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AurakConnections)]
pub(crate) struct ConnectionsDocument<'a> {
    /// Each bot, also those that are not connected.
    connections: Vec<StatusDocument<'a>>,
}

impl<'a> ConnectionsDocument<'a> {
    pub(crate) fn of(bots: impl IntoIterator<Item = (AurakWish, &'a InstallationView)>) -> Self {
        let bots = bots.into_iter();
        let connections = bots.map(|(wish, view)| StatusDocument::of_list(wish, view));
        Self {
            connections: connections.collect(),
        }
    }
}

/// A bot in the list of bots.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AurakBot)]
pub(crate) struct ListedBotDocument<'a> {
    /// Its id.
    id: &'a str,
    /// The operator's name for it.
    name: &'a str,
    /// The platform's id of the app.
    app_id: &'a str,
    /// False once an operator has stopped it, its webhook too.
    enabled: bool,
    /// Whether it is to have a long connection.
    use_web_socket: bool,
    /// The state of its connection; null where it is to have none.
    ws_connection_state: Option<&'static str>,
}

impl<'a> ListedBotDocument<'a> {
    pub(crate) fn of(wish: AurakWish, view: &'a InstallationView) -> Self {
        let use_web_socket = wish == AurakWish::WebSocket;
        Self {
            id: &view.id,
            name: &view.name,
            app_id: &view.app_id,
            enabled: wish != AurakWish::Disabled,
            use_web_socket,
            ws_connection_state: use_web_socket.then(|| state_of(wish, view)),
        }
    }
}

#[cfg(test)]
mod tests;
