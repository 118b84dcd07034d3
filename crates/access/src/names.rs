//! Names that operators give: of a space, and of a token. The rule is that of an installation's name.

use std::fmt;
use std::str::FromStr;

use longwire_installation::{Name, NameError};

use crate::serial::as_text;

/// The name of the space that is there from the beginning.
const DEFAULT: &str = "default";

/// Who owns an installation, a consumer or a token. A caller of another space finds nothing of it.
///
/// Ten thousand installations each have one, so the usual space takes no memory of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Space(Option<Name>);

impl Space {
    /// The space in a row of a database, by the rule of the version that wrote it.
    #[must_use]
    pub fn from_row(text: String) -> Self {
        Self((text != DEFAULT).then(|| Name::from_row(text)))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or(DEFAULT, Name::as_str)
    }

    /// Whether it is the one that is there from the beginning.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.0.is_none()
    }
}

impl FromStr for Space {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name: Name = text.parse()?;
        Ok(Self((text != DEFAULT).then_some(name)))
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

as_text!(Space);

/// What the owner of a token calls it: the program or the person that has it. Not unique.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenName(Name);

impl TokenName {
    /// The name in a row of a database, by the rule of the version that wrote it.
    #[must_use]
    pub fn from_row(text: String) -> Self {
        Self(Name::from_row(text))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for TokenName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.parse().map(Self)
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

as_text!(TokenName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces() {
        assert_eq!(Space::default().as_str(), "default");
        for text in ["default", "shop", "客服 1"] {
            let space: Space = text.parse().expect(text);
            assert_eq!(space, Space::from_row(text.to_owned()));
            assert_eq!(space.is_default(), text == "default");
            let json = serde_json::to_string(&space).expect("a text");
            assert_eq!(serde_json::from_str::<Space>(&json).expect("read"), space);
        }
        for text in ["", " shop", "a\n", "ins_1"] {
            assert!(text.parse::<Space>().is_err(), "{text:?}");
            assert!(text.parse::<TokenName>().is_err(), "{text:?}");
        }
    }
}
