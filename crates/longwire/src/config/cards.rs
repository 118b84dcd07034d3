//! `[cards]`: what becomes of clicks on cards whose application does not answer in time.

use std::time::Duration;

use longwire_link::session::CardSettings;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::duration;

/// `[cards]`: clicks on cards of Feishu and Lark that an application claims.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CardsSection {
    /// How long after its receipt a click is answered at the latest.
    #[serde(deserialize_with = "duration::deserialize")]
    pub(crate) deadline: Duration,
    /// What users see when the application has not answered by then.
    pub(crate) default_toast: DefaultToast,
}

/// A toast in two languages. Without any text there is none, and the card stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DefaultToast {
    pub(crate) zh_cn: Option<String>,
    pub(crate) en_us: Option<String>,
}

impl Default for CardsSection {
    fn default() -> Self {
        Self {
            deadline: CardSettings::default().deadline,
            default_toast: DefaultToast {
                zh_cn: Some("已收到，正在处理".to_owned()),
                en_us: Some("Received, still working on it".to_owned()),
            },
        }
    }
}

impl CardsSection {
    /// What the sessions are told.
    pub(crate) fn settings(&self) -> CardSettings {
        CardSettings {
            deadline: self.deadline,
            default_result: self.default_toast.result().to_string().into(),
        }
    }
}

impl DefaultToast {
    /// The texts with their languages, in the order of preference for users of another one.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let texts = [("en_us", &self.en_us), ("zh_cn", &self.zh_cn)];
        let texts = texts.into_iter();
        texts.filter_map(|(language, text)| Some((language, text.as_ref()?)))
    }

    /// The result of the click, as the platform takes it.
    fn result(&self) -> Value {
        let Some((_, content)) = self.texts().next() else {
            return json!({});
        };
        let i18n: Map<String, Value> = self
            .texts()
            .map(|(language, text)| (language.to_owned(), text.as_str().into()))
            .collect();
        json!({ "toast": { "type": "info", "content": content, "i18n": i18n } })
    }
}

#[cfg(test)]
mod tests {
    use longwire_wire::card_answer::{AnswerShape, CardAnswer};

    use super::*;

    fn result(section: &str) -> Value {
        let section: CardsSection = toml::from_str(section).expect("a section");
        let result = section.settings().default_result;
        CardAnswer::parse(AnswerShape::CardClick, &result).expect("the platform takes it");
        serde_json::from_slice(&result).expect("json")
    }

    #[test]
    fn the_default_toast_is_a_result_that_the_platform_takes() {
        let toast = &result("")["toast"];
        assert_eq!(toast["type"], "info");
        assert_eq!(toast["content"], toast["i18n"]["en_us"]);
        assert_eq!(toast["i18n"]["zh_cn"], "已收到，正在处理");
        assert_eq!(
            result("default_toast = { zh_cn = \"稍等\" }"),
            json!({ "toast": { "type": "info", "content": "稍等", "i18n": { "zh_cn": "稍等" } } })
        );
    }

    #[test]
    fn a_toast_without_texts_leaves_the_card_as_it_is() {
        assert_eq!(result("default_toast = {}"), json!({}));
    }
}
