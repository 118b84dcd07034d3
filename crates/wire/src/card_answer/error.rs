//! Why an answer to a click is refused.

/// The first mistake in an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{fault}, at {pointer:?} of the answer; the platform would show error {}",
    code(pointer, fault)
)]
pub struct CardAnswerError {
    /// The place as a JSON pointer (RFC 6901). Empty for the whole answer.
    pub pointer: String,
    /// The mistake.
    pub fault: CardFault,
}

/// A mistake in an answer, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardFault {
    /// Not one JSON document in UTF-8.
    #[error("the answer must be JSON; `{{}}` leaves the card as it is")]
    NotJson,
    /// JSON, but no object.
    #[error("the answer must be a JSON object; `{{}}` leaves the card as it is")]
    NotAnObject,
    /// A member comes twice.
    #[error("a member comes twice")]
    RepeatedMember,
    /// None of the documented members.
    #[error("the answer may have the members {members}, and has others alone")]
    NothingKnown {
        /// The members that the answer may have.
        members: &'static str,
    },
    /// A required member is absent.
    #[error("{member} is missing")]
    Missing {
        /// The member, or the members of which one must be there.
        member: &'static str,
    },
    /// A value of the wrong type.
    #[error("this must be {expected}")]
    Type {
        /// What it must be.
        expected: &'static str,
    },
    /// JSON that was put into a string.
    #[error("this must be the JSON object itself and not a string of JSON")]
    JsonInString,
    /// A word that is not one of those allowed.
    #[error("this must be one of {words}")]
    Word {
        /// The allowed words.
        words: &'static str,
    },
    /// A language that is not written as the platform writes it.
    #[error("a language is written like zh_cn or en_us, in lower case with an underscore")]
    Language,
    /// The card is larger than the platform takes.
    #[error("the card has {len} bytes, and the platform takes at most {max}")]
    TooLarge {
        /// Its size in bytes of compact JSON.
        len: usize,
        /// The limit, [`CARD_BYTES`](super::CARD_BYTES).
        max: usize,
    },
    /// A card with `body` that does not say that it is of schema 2.0.
    #[error("a card with body needs \"schema\":\"2.0\"")]
    SchemaNotNamed,
    /// A card of schema 1.0 in place of one of schema 2.0.
    #[error("a card of schema 2.0 cannot be replaced by one of schema 1.0")]
    SchemaDowngrade,
    /// A component within a form has no name.
    #[error("a component within a form needs a name")]
    NoName,
}

impl CardAnswerError {
    pub(super) fn new(pointer: impl Into<String>, fault: CardFault) -> CardAnswerError {
        CardAnswerError {
            pointer: pointer.into(),
            fault,
        }
    }

    /// The error that the platform would have shown to the user, and listed in the developer's console.
    pub fn code(&self) -> u32 {
        code(&self.pointer, &self.fault)
    }
}

fn code(pointer: &str, fault: &CardFault) -> u32 {
    // What is wrong with the card itself has another code than what is wrong around it.
    let in_card = pointer.starts_with("/card/data");
    match fault.code() {
        BAD_SHAPE if in_card && *fault != CardFault::JsonInString => BAD_CARD,
        code => code,
    }
}

/// The answer has not the documented shape.
const BAD_SHAPE: u32 = 200_672;
/// The card in the answer is not valid.
const BAD_CARD: u32 = 200_673;

impl CardFault {
    fn code(&self) -> u32 {
        match self {
            Self::NotJson
            | Self::NotAnObject
            | Self::RepeatedMember
            | Self::NothingKnown { .. }
            | Self::Missing { .. }
            | Self::Type { .. }
            | Self::JsonInString
            | Self::Word { .. }
            | Self::Language => BAD_SHAPE,
            Self::TooLarge { .. } | Self::SchemaNotNamed => BAD_CARD,
            Self::SchemaDowngrade => 200_830,
            Self::NoName => 200_530,
        }
    }
}
