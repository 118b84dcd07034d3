//! The words of the Open API's paths, which tell a path from its ids.

/// What calls of an unknown service are counted as.
pub(crate) const OTHER: &str = "other";

/// The first parts of paths that are counted under their own name.
pub(crate) const SERVICES: [&str; 29] = [
    "acs",
    "application",
    "approval",
    "attendance",
    "auth",
    "authen",
    "bitable",
    "board",
    "bot",
    "calendar",
    "cardkit",
    "chat",
    "contact",
    "docs",
    "docx",
    "drive",
    "ephemeral",
    "event",
    "im",
    "image",
    "interactive",
    "mail",
    "message",
    "minutes",
    "sheets",
    "task",
    "tenant",
    "vc",
    "wiki",
];

/// Parts of paths that are no ids. A word that is missing here shows as `{}`, which makes the counts a little coarser.
pub(crate) const WORDS: [&str; 72] = [
    "announcement",
    "app_access_token",
    "app_ticket",
    "applications",
    "apps",
    "authorize",
    "basic_batch",
    "batch",
    "batch_get_id",
    "batch_message",
    "batch_query",
    "batch_update",
    "blocks",
    "bots",
    "calendars",
    "card",
    "cards",
    "chats",
    "children",
    "comments",
    "connection",
    "content",
    "delete",
    "departments",
    "documents",
    "download",
    "elements",
    "events",
    "export_tasks",
    "fields",
    "files",
    "forward",
    "id_convert",
    "images",
    "import_tasks",
    "info",
    "internal",
    "is_in_chat",
    "link",
    "me_join",
    "media",
    "medias",
    "members",
    "merge_forward",
    "messages",
    "meta",
    "metas",
    "nodes",
    "oauth",
    "openclaw_bot",
    "permissions",
    "ping",
    "pins",
    "put",
    "reactions",
    "read_users",
    "records",
    "reply",
    "resend",
    "resources",
    "search",
    "send",
    "settings",
    "spaces",
    "tables",
    "tasks",
    "tenant_access_token",
    "update",
    "upload_all",
    "upload_part",
    "user_info",
    "users",
];

/// Whether this is `v1`, `v2` …
pub(crate) fn is_version(segment: &str) -> bool {
    matches!(segment.as_bytes(), [b'v', b'1'..=b'9'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_order_and_look_like_words() {
        assert!(SERVICES.is_sorted() && WORDS.is_sorted());
        let plain = |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(SERVICES.iter().chain(&WORDS).all(plain));
    }
}
