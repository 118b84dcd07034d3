//! Whether an answer is alike what a vector says: equal, but for what the platform invents.

use serde_json::Value;

/// Members whose values are invented, with what they begin with.
const INVENTED: [(&str, &str); 25] = [
    ("chat_id", "oc_"),
    ("message_id", "om_"),
    ("message_id", "bm-"),
    ("upper_message_id", "om_"),
    ("thread_id", "omt_"),
    ("reaction_id", ""),
    ("image_key", "img_v2_"),
    ("file_key", "file_v2_"),
    ("card_id", "7"),
    ("page_token", ""),
    ("create_time", "1"),
    ("update_time", "1"),
    ("action_time", "1"),
    ("tenant_key", ""),
    ("log_id", ""),
    (
        "troubleshooter",
        "https://open.feishu.cn/search?from=openapi&log_id=",
    ),
    ("tenant_access_token", "t-"),
    ("app_access_token", "t-"),
    ("app_access_token", "a-"),
    ("access_token", ""),
    ("refresh_token", ""),
    ("avatar_url", "https://example.com/"),
    ("avatar_thumb", "https://example.com/"),
    ("avatar_middle", "https://example.com/"),
    ("avatar_big", "https://example.com/"),
];
/// Members that an answer may have although the documentation's example has not.
const FURTHER: [&str; 4] = [
    "app_access_token",
    "tenant_access_token",
    "en_name",
    "page_token",
];

/// Why they are not alike; nothing if they are.
/// Values in `known` have to be equal even where the platform invents them.
pub(crate) fn differences(expected: &Value, found: &Value, known: &[String]) -> Vec<String> {
    let mut compared = Compared {
        known,
        differences: Vec::new(),
    };
    compared.compare("", expected, found);
    compared.differences
}

struct Compared<'a> {
    known: &'a [String],
    differences: Vec<String>,
}

impl Compared<'_> {
    fn compare(&mut self, path: &str, expected: &Value, found: &Value) {
        match (expected, found) {
            (Value::Object(wanted), Value::Object(there)) => {
                for (name, value) in wanted {
                    let found = there.get(name).unwrap_or(&Value::Null);
                    self.compare(&format!("{path}/{name}"), value, found);
                }
                let further = there.keys().filter(|name| {
                    // An error may always have its details.
                    !wanted.contains_key(*name)
                        && !FURTHER.contains(&name.as_str())
                        && *name != "error"
                        && !path.ends_with("/error")
                });
                self.differences
                    .extend(further.map(|name| format!("{path}/{name} is there")));
            }
            (Value::Array(wanted), Value::Array(there)) if wanted.len() == there.len() => {
                for (nth, (wanted, there)) in wanted.iter().zip(there).enumerate() {
                    self.compare(&format!("{path}/{nth}"), wanted, there);
                }
            }
            (Value::String(wanted), Value::String(there)) => {
                if !self.are_alike(path, wanted, there) {
                    self.differences
                        .push(format!("{path}: {there:?} in place of {wanted:?}"));
                }
            }
            _ if expected == found => {}
            _ => self
                .differences
                .push(format!("{path}: {found} in place of {expected}")),
        }
    }

    fn are_alike(&self, path: &str, wanted: &str, there: &str) -> bool {
        if wanted == there {
            return true;
        }
        let json = |text| serde_json::from_str::<Value>(text).ok();
        if path.ends_with("/content")
            && let (Some(wanted), Some(there)) = (json(wanted), json(there))
        {
            return wanted == there;
        }
        if self.known.iter().any(|known| known == wanted) {
            return false;
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        INVENTED.iter().any(|(invented, start)| {
            *invented == name
                && wanted.starts_with(start)
                && there.starts_with(start)
                && !there.is_empty()
        })
    }
}
