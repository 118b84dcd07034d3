//! Toasts: short texts that the client shows for a moment.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AnswerShape, CardAnswer, CardAnswerError, CardFault};

/// How a toast looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToastKind {
    /// Neutral.
    #[default]
    Info,
    /// Green.
    Success,
    /// Yellow.
    Warning,
    /// Red.
    Error,
}

impl ToastKind {
    fn parse(word: &str) -> Option<ToastKind> {
        match word {
            "info" => Some(Self::Info),
            "success" => Some(Self::Success),
            "warning" => Some(Self::Warning),
            "error" => Some(Self::Error),
            _ => None,
        }
    }
}

/// A toast in both languages. The default is what a click gets whose application answers late or not at all; the
/// configuration may have another.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Toast {
    /// How it looks.
    #[serde(rename = "type")]
    pub kind: ToastKind,
    /// The text for clients in Chinese.
    pub zh_cn: String,
    /// The text for clients in English and in any other language.
    pub en_us: String,
}

impl Default for Toast {
    fn default() -> Self {
        Toast {
            kind: ToastKind::Info,
            zh_cn: "已收到，正在处理".to_owned(),
            en_us: "Received, in progress".to_owned(),
        }
    }
}

impl Toast {
    /// The answer that shows the toast and leaves the card as it is. An empty text is refused.
    pub fn to_answer(&self) -> Result<CardAnswer, CardAnswerError> {
        let toast = serde_json::json!({
            "toast": {
                "type": self.kind,
                "content": self.en_us,
                "i18n": {"zh_cn": self.zh_cn, "en_us": self.en_us},
            }
        });
        CardAnswer::parse(AnswerShape::CardClick, toast.to_string().as_bytes())
    }
}

/// Checks the member `toast`.
pub(super) fn check(toast: &Value) -> Result<(), CardAnswerError> {
    let object = toast.as_object().ok_or(CardAnswerError::new(
        "/toast",
        CardFault::Type {
            expected: "an object",
        },
    ))?;
    if let Some(word) = present(object.get("type"))
        && word.as_str().and_then(ToastKind::parse).is_none()
    {
        let words = "info, success, warning and error";
        return Err(CardAnswerError::new(
            "/toast/type",
            CardFault::Word { words },
        ));
    }
    let content = present(object.get("content"));
    let translations = present(object.get("i18n"));
    if let Some(content) = content {
        check_text("/toast/content", content)?;
    }
    if let Some(translations) = translations {
        check_translations("/toast/i18n", translations)?;
    }
    if content.is_none() && translations.is_none() {
        let member = "content or i18n";
        return Err(CardAnswerError::new(
            "/toast",
            CardFault::Missing { member },
        ));
    }
    Ok(())
}

/// A member that is there and not `null`.
pub(super) fn present(member: Option<&Value>) -> Option<&Value> {
    member.filter(|value| !value.is_null())
}

/// Checks a text that is shown.
pub(super) fn check_text(pointer: &str, value: &Value) -> Result<(), CardAnswerError> {
    match value.as_str() {
        Some(text) if !text.is_empty() => Ok(()),
        _ => {
            let expected = "a text that is not empty";
            Err(CardAnswerError::new(pointer, CardFault::Type { expected }))
        }
    }
}

/// Checks texts by language.
pub(super) fn check_translations(pointer: &str, value: &Value) -> Result<(), CardAnswerError> {
    let Some(texts) = value.as_object().filter(|texts| !texts.is_empty()) else {
        let expected = "an object with a text for each language";
        return Err(CardAnswerError::new(pointer, CardFault::Type { expected }));
    };
    for (language, text) in texts {
        let place = format!("{pointer}/{}", escaped(language));
        if !is_language(language) {
            return Err(CardAnswerError::new(place, CardFault::Language));
        }
        check_text(&place, text)?;
    }
    Ok(())
}

/// A member's name as a part of a JSON pointer.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Two letters, an underscore, two letters. Which languages a client has is the client's matter.
fn is_language(word: &str) -> bool {
    let word = word.as_bytes();
    word.len() == 5
        && word.iter().enumerate().all(|(at, byte)| match at {
            2 => *byte == b'_',
            _ => byte.is_ascii_lowercase(),
        })
}
