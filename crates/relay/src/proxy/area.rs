//! Which scopes allow which paths.
//!
//! | paths | any of these scopes |
//! |---|---|
//! | `bot/`, `event/v1/connection`, `application/v6/applications/<its own app>` | any of `relay`, `relay:…` |
//! | `im/`, and the older `message/`, `image/`, `chat/`, `ephemeral/`, `interactive/` | `relay`, `relay:im`, `relay:all` |
//! | `cardkit/` | `relay`, `relay:im`, `relay:cardkit`, `relay:all` |
//! | `contact/` | `relay:contact`, `relay:all` |
//! | `drive/`, `docx/`, `docs/`, `sheets/`, `bitable/`, `wiki/`, `board/` | `relay:drive`, `relay:all` |
//! | everything else | `relay:all` |
//!
//! A bot that is connected has to answer, so `relay` allows messages, and cards, which are the contents of messages. People
//! and documents are other data than a chat's, and have to be allowed by name.

use longwire_access::{Scope, Scopes};

use super::target::Target;

/// Every scope that allows anything here.
pub(crate) const ANY: [Scope; 6] = [
    Scope::Relay,
    Scope::RelayAll,
    Scope::RelayIm,
    Scope::RelayCardkit,
    Scope::RelayContact,
    Scope::RelayDrive,
];

/// Whether the holder of these scopes may ask for anything here.
pub(crate) fn allows_any(scopes: Scopes) -> bool {
    ANY.into_iter().any(|scope| scopes.contains(scope))
}

/// The scopes of which one is needed, the narrowest first; the app is the caller's own.
pub(crate) fn needed(target: &Target, app_id: &str) -> &'static [Scope] {
    let mut segments = target.segments();
    let service = segments.next().unwrap_or_default();
    match service {
        "bot" => &ANY,
        "event" if target.below_root() == "event/v1/connection" => &ANY,
        "application"
            if segments.next() == Some("v6")
                && segments.next() == Some("applications")
                && segments.next() == Some(app_id)
                && segments.next().is_none() =>
        {
            &ANY
        }
        "im" | "message" | "image" | "chat" | "ephemeral" | "interactive" => {
            &[Scope::RelayIm, Scope::Relay, Scope::RelayAll]
        }
        "cardkit" => &[
            Scope::RelayCardkit,
            Scope::RelayIm,
            Scope::Relay,
            Scope::RelayAll,
        ],
        "contact" => &[Scope::RelayContact, Scope::RelayAll],
        "drive" | "docx" | "docs" | "sheets" | "bitable" | "wiki" | "board" => {
            &[Scope::RelayDrive, Scope::RelayAll]
        }
        _ => &[Scope::RelayAll],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_scope_allows_which_path() {
        for (path, allowed, refused) in [
            ("im/v1/messages", "relay", "relay:cardkit relay:contact"),
            ("im/v1/messages", "relay:im", "relay:drive"),
            ("cardkit/v1/cards", "relay", "relay:contact"),
            (
                "cardkit/v1/cards",
                "relay:cardkit",
                "events:read messages:send",
            ),
            (
                "contact/v3/users/ou_1",
                "relay:contact",
                "relay relay:im relay:drive",
            ),
            (
                "drive/v1/medias/upload_all",
                "relay:drive",
                "relay relay:contact",
            ),
            ("docx/v1/documents", "relay:drive", "relay:im"),
            (
                "calendar/v4/calendars",
                "relay:all",
                "relay relay:im relay:contact",
            ),
            ("imx/v1/messages", "relay:all", "relay relay:im"),
            ("bot/v3/info", "relay:drive", "events:read"),
            ("event/v1/connection", "relay", "messages:send"),
            ("event/v1/other", "relay:all", "relay"),
            ("application/v6/applications/cli_1", "relay", "events:read"),
            ("application/v6/applications/cli_2", "relay:all", "relay"),
            ("application/v6/applications/cli_1/x", "relay:all", "relay"),
        ] {
            let uri = format!("/open-apis/{path}").parse().expect("a uri");
            let needed = needed(&Target::of(&uri).expect("a target"), "cli_1");
            let allows = |scopes: &str| {
                let scopes: Scopes = scopes.parse().expect("scopes");
                needed.iter().any(|&scope| scopes.contains(scope))
            };
            assert!(allows(allowed), "{path} {allowed}");
            assert!(allows("relay:all"), "{path}");
            assert!(!allows(refused), "{path} {refused}");
        }
    }
}
