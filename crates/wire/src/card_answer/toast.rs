//! Toasts: short texts that the client shows for a moment.

use serde_json::Value;

use super::{CardAnswerError, CardFault};

/// How a toast may look: neutral, green, yellow, red.
const KINDS: [&str; 4] = ["info", "success", "warning", "error"];

/// Checks the member `toast`.
pub(super) fn check(toast: &Value) -> Result<(), CardAnswerError> {
    let object = toast.as_object().ok_or(CardAnswerError::new(
        "/toast",
        CardFault::Type {
            expected: "an object",
        },
    ))?;
    if let Some(word) = present(object.get("type"))
        && !word.as_str().is_some_and(|word| KINDS.contains(&word))
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
