//! The `service_id` of a connection: the number that its URL has and its pings carry.

use std::fmt;

use url::Url;

/// The `service_id` of a connection URL, which every ping carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ServiceId(pub i32);

impl ServiceId {
    /// Reads the query of a connection URL. A missing or unparsable value becomes 0, as in the Go and Node SDKs, so
    /// that the platform and not this client decides whether the connection can be used.
    pub fn from_url(url: &Url) -> ServiceId {
        let id = url
            .query_pairs()
            .find(|(key, _)| key == "service_id")
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or_default();
        ServiceId(id)
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_id_of_a_query() {
        let check = |query: &str, expected| {
            let url = Url::parse(&format!("wss://host.invalid/ws/v2{query}")).expect("a URL");
            assert_eq!(ServiceId::from_url(&url), ServiceId(expected), "{query}");
        };
        check("?device_id=1&service_id=33554678", 33_554_678);
        check("?service_id=5&device_id=1", 5);
        check("?service_id=5&service_id=6", 5);
        check("?service_id=-1", -1);
        check("?service_id=", 0);
        check("?service_id=4294967296", 0);
        check("?service_id=x", 0);
        check("?device_id=1", 0);
        check("", 0);
    }
}
