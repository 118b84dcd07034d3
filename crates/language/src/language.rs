//! The languages, and which of them a person wants.

use std::str::FromStr;

/// A language that longwire speaks to people.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// The language of the code.
    #[default]
    English,
    /// Chinese in simplified characters.
    Chinese,
}

/// Neither `en` nor `zh`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a language is `zh` or `en`")]
pub struct UnknownLanguage;

impl FromStr for Language {
    type Err = UnknownLanguage;

    /// Takes `en`, `zh`, and either with a region, as in `zh_CN` or `zh-TW`.
    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        let language = text.split(['_', '-', '.', '@']).next().unwrap_or_default();
        match language.to_ascii_lowercase().as_str() {
            "en" => Ok(Self::English),
            "zh" => Ok(Self::Chinese),
            _ => Err(UnknownLanguage),
        }
    }
}

impl Language {
    /// The language that the environment asks for: `LONGWIRE_LANG`, then the variables of POSIX in their order of precedence.
    /// The first one that is set and not empty decides, also when it names a language that longwire does not speak.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        ["LONGWIRE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()))
            .and_then(|value| value.parse().ok())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variables: &[(&str, &str)], expected: Language) {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(
            Language::of_environment(variable),
            expected,
            "{variables:?}"
        );
    }

    #[test]
    fn the_environment_decides_in_the_order_of_posix() {
        use Language::{Chinese, English};
        check(&[], English);
        check(&[("LANG", "zh_CN.UTF-8")], Chinese);
        check(&[("LANG", "zh_TW.Big5")], Chinese);
        check(&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C")], English);
        check(&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "")], Chinese);
        check(
            &[("LANG", "en_US.UTF-8"), ("LC_MESSAGES", "zh_CN")],
            Chinese,
        );
        check(&[("LANG", "zh_CN.UTF-8"), ("LONGWIRE_LANG", "en")], English);
        check(&[("LC_ALL", "C.UTF-8"), ("LONGWIRE_LANG", "zh")], Chinese);
        check(&[("LANG", "de_DE.UTF-8")], English);
    }
}
