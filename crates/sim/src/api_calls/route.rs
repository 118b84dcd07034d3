//! Which call a method and a path are.

use crate::api_call::ApiCall;

/// The path below which the Open API is.
const ROOT: &str = "/open-apis/";
/// Methods that some call has.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Whether a request path belongs to the Open API.
pub(crate) fn is_below_root(path: &str) -> bool {
    path.starts_with(ROOT)
}

/// A call with the ids in its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route<'a> {
    pub(super) call: ApiCall,
    /// The first id: a message, a card, a person, a chat, a file or an app.
    pub(super) id: &'a str,
    /// The id within the first one: a reaction, an element or a file.
    pub(super) part: &'a str,
}

/// Why a request is no call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRoute {
    Path,
    Method,
}

/// The call of a request.
pub(super) fn route<'a>(method: &str, path: &'a str) -> Result<Route<'a>, NoRoute> {
    let below = path.strip_prefix(ROOT).unwrap_or_default();
    let segments: Vec<&str> = below.trim_end_matches('/').split('/').collect();
    if segments.iter().any(|segment| segment.is_empty()) {
        return Err(NoRoute::Path);
    }
    let found = call_of(method, &segments).or_else(|| card_call_of(method, &segments));
    found.ok_or_else(|| {
        let takes = |method| {
            let found = call_of(method, &segments);
            found.or_else(|| card_call_of(method, &segments)).is_some()
        };
        let other = METHODS.into_iter().any(takes);
        if other {
            NoRoute::Method
        } else {
            NoRoute::Path
        }
    })
}

fn call_of<'a>(method: &str, segments: &[&'a str]) -> Option<Route<'a>> {
    use ApiCall as Call;
    let (call, id, part) = match (method, segments) {
        ("POST", ["auth", "v3", "tenant_access_token", "internal"]) => (Call::TenantToken, "", ""),
        ("POST", ["auth", "v3", "app_access_token", "internal"]) => (Call::AppToken, "", ""),
        ("POST", ["auth", "v3", "app_access_token"]) => (Call::StoreAppToken, "", ""),
        ("POST", ["auth", "v3", "tenant_access_token"]) => (Call::StoreTenantToken, "", ""),
        ("POST", ["auth", "v3", "app_ticket", "resend"]) => (Call::AppTicketResend, "", ""),
        ("GET", ["authen", "v1", "authorize"]) => (Call::Authorize, "", ""),
        ("POST", ["authen", "v2", "oauth", "token"]) => (Call::UserToken, "", ""),
        ("GET", ["authen", "v1", "user_info"]) => (Call::UserInfo, "", ""),
        ("GET", ["bot", "v3", "info"]) => (Call::BotInfo, "", ""),
        ("POST", ["bot", "v1", "openclaw_bot", "ping"]) => (Call::OpenclawPing, "", ""),
        ("GET", ["application", "v6", "applications", app]) => (Call::Application, *app, ""),
        ("GET", ["event", "v1", "connection"]) => (Call::ConnectionCount, "", ""),
        ("GET", ["event", "v1", "outbound_ip"]) => (Call::OutboundIps, "", ""),
        ("GET", ["contact", "v3", "users", "batch"]) => (Call::UsersGet, "", ""),
        ("POST", ["contact", "v3", "users", "basic_batch"]) => (Call::UsersBasic, "", ""),
        ("GET", ["contact", "v3", "users", person]) => (Call::UserGet, *person, ""),
        ("GET", ["im", "v1", "chats", chat]) => (Call::ChatGet, *chat, ""),
        ("POST", ["im", "v1", "messages"]) => (Call::MessageSend, "", ""),
        ("GET", ["im", "v1", "messages"]) => (Call::MessageList, "", ""),
        ("GET", ["im", "v1", "messages", id]) => (Call::MessageGet, *id, ""),
        ("PUT", ["im", "v1", "messages", id]) => (Call::MessageEdit, *id, ""),
        ("PATCH", ["im", "v1", "messages", id]) => (Call::MessagePatch, *id, ""),
        ("DELETE", ["im", "v1", "messages", id]) => (Call::MessageRecall, *id, ""),
        ("POST", ["im", "v1", "messages", id, "reply"]) => (Call::MessageReply, *id, ""),
        ("POST", ["im", "v1", "messages", id, "forward"]) => (Call::MessageForward, *id, ""),
        ("POST", ["im", "v1", "messages", id, "reactions"]) => (Call::ReactionAdd, *id, ""),
        ("GET", ["im", "v1", "messages", id, "reactions"]) => (Call::ReactionList, *id, ""),
        ("DELETE", ["im", "v1", "messages", id, "reactions", reaction]) => {
            (Call::ReactionDelete, *id, *reaction)
        }
        ("GET", ["im", "v1", "messages", id, "resources", key]) => (Call::ResourceGet, *id, *key),
        ("POST", ["im", "v1", "images"]) => (Call::ImageUpload, "", ""),
        ("GET", ["im", "v1", "images", key]) => (Call::ImageGet, *key, ""),
        ("POST", ["im", "v1", "files"]) => (Call::FileUpload, "", ""),
        ("GET", ["im", "v1", "files", key]) => (Call::FileGet, *key, ""),
        ("POST", ["interactive", "v1", "card", "update"]) => (Call::DelayedUpdate, "", ""),
        ("POST", ["ephemeral", "v1", "send"]) => (Call::EphemeralSend, "", ""),
        ("POST", ["ephemeral", "v1", "delete"]) => (Call::EphemeralDelete, "", ""),
        ("POST", ["message", "v4", "batch_send"]) => (Call::BatchSend, "", ""),
        _ => return None,
    };
    Some(Route { call, id, part })
}

fn card_call_of<'a>(method: &str, segments: &[&'a str]) -> Option<Route<'a>> {
    use ApiCall as Call;
    let ["cardkit", "v1", "cards", rest @ ..] = segments else {
        return None;
    };
    let (call, id, part) = match (method, rest) {
        ("POST", []) => (Call::CardCreate, "", ""),
        ("PUT", [card]) => (Call::CardReplace, *card, ""),
        ("PATCH", [card, "settings"]) => (Call::CardSettings, *card, ""),
        ("POST", [card, "batch_update"]) => (Call::CardBatch, *card, ""),
        ("POST", [card, "elements"]) => (Call::CardElementsAdd, *card, ""),
        ("PUT", [card, "elements", part]) => (Call::CardElementReplace, *card, *part),
        ("PATCH", [card, "elements", part]) => (Call::CardElementPatch, *card, *part),
        ("DELETE", [card, "elements", part]) => (Call::CardElementDelete, *card, *part),
        ("PUT", [card, "elements", part, "content"]) => (Call::CardContent, *card, *part),
        _ => return None,
    };
    Some(Route { call, id, part })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_calls() {
        let check = |method, path, expected: Result<(ApiCall, &str, &str), NoRoute>| {
            let found = route(method, path).map(|route| (route.call, route.id, route.part));
            assert_eq!(found, expected, "{method} {path}");
        };
        let reactions = "/open-apis/im/v1/messages/om_1/reactions";
        check("POST", reactions, Ok((ApiCall::ReactionAdd, "om_1", "")));
        check("PUT", reactions, Err(NoRoute::Method));
        check(
            "PUT",
            "/open-apis/cardkit/v1/cards/7/elements/a/content",
            Ok((ApiCall::CardContent, "7", "a")),
        );
        check(
            "POST",
            "/open-apis/message/v4/batch_send/",
            Ok((ApiCall::BatchSend, "", "")),
        );
        for unknown in [
            "/open-apis/im/v1/nope",
            "/open-apis/im//v1/messages",
            "/open-apis/",
            "/open-apis/im/v1/messages/a/b/c",
        ] {
            check("GET", unknown, Err(NoRoute::Path));
        }
    }
}
