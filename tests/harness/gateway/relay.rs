//! What programs need that speak to the relay, and what is seen of them.

use serde_json::{Value, json};

use super::Gateway;

impl Gateway {
    /// A new token of this name for programs that speak to the relay, narrowed to one bot: it stands where the platform's
    /// secret stood.
    #[track_caller]
    #[must_use]
    pub fn relay_token(&self, name: &str, bot: &str) -> String {
        self.token_with(name, "relay", bot)
    }

    /// A new token with this scope for this bot alone.
    #[track_caller]
    #[must_use]
    pub fn token_with(&self, name: &str, scope: &str, bot: &str) -> String {
        let wanted = json!({ "name": name, "scopes": [scope], "installations": [bot] });
        let made = self.admin.post("/admin/v1/tokens", Some(&wanted));
        let made = made.expect("the admin interface answers");
        assert_eq!(made.status, 201, "{}", made.body);
        let token = made.json()["token"].take();
        token.as_str().expect("a token's text").to_owned()
    }

    /// Whether there are this many consumers. Programs of the relay have one for each token, from their first connection.
    #[track_caller]
    #[must_use]
    pub fn consumers_are(&self, wanted: usize) -> bool {
        let page = self.public.json("/v1/consumers");
        page["data"].as_array().map(Vec::len) == Some(wanted)
    }

    /// Whether this many programs are connected.
    #[track_caller]
    #[must_use]
    pub fn relay_connections_are(&self, wanted: usize) -> bool {
        let page = self.admin.json("/admin/v1/actors?kind=relay_connection");
        page["data"].as_array().map(Vec::len) == Some(wanted)
    }

    /// The consumer of this name, as the interface shows it.
    #[track_caller]
    #[must_use]
    pub fn shown_consumer(&self, name: &str) -> Value {
        self.public.json(&format!("/v1/consumers/{name}"))
    }
}
