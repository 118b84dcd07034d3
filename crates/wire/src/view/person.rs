//! People and programs: whoever did something, or had it done to them.

use bytestring::ByteString;
use serde::Serialize;

/// A user, a bot or another author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// What it is.
    pub kind: PersonKind,
    /// The id to keep: of Feishu and Lark the `open_id`, else the first of the others that is there; of an app its
    /// `cli_...`; of WeCom the user's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ByteString>,
    /// All ids that the payload has.
    #[serde(skip_serializing_if = "PersonIds::is_empty")]
    pub ids: PersonIds,
    /// The name to show. Most events have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<ByteString>,
}

/// What a [`Person`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonKind {
    /// A human.
    User,
    /// A bot; this one, where the bot itself came or left.
    Bot,
    /// A program that acts under its app's name.
    App,
    /// A user who hides the name.
    Anonymous,
    /// The platform itself.
    System,
    /// The payload does not tell, or has a word that is not known.
    Unknown,
}

impl PersonKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::User,
        Self::Bot,
        Self::App,
        Self::Anonymous,
        Self::System,
        Self::Unknown,
    ];

    /// The word in JSON.
    pub fn label(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Bot => "bot",
            Self::App => "app",
            Self::Anonymous => "anonymous",
            Self::System => "system",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it is a human.
    pub fn is_person(self) -> bool {
        match self {
            Self::User | Self::Anonymous => true,
            Self::Bot | Self::App | Self::System | Self::Unknown => false,
        }
    }

    /// Whether it is a program: a bot or an app, this one or another.
    pub fn is_program(self) -> bool {
        match self {
            Self::Bot | Self::App => true,
            Self::User | Self::Anonymous | Self::System | Self::Unknown => false,
        }
    }

    /// The kind of that word, which is also Feishu's; every other word is `Unknown`.
    pub(super) fn of(word: Option<&str>) -> PersonKind {
        Self::ALL
            .into_iter()
            .find(|kind| Some(kind.label()) == word)
            .unwrap_or(Self::Unknown)
    }
}

/// The ids of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PersonIds {
    /// `ou_...`: per app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_id: Option<ByteString>,
    /// `on_...`: per developer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub union_id: Option<ByteString>,
    /// The id within the organisation. Feishu sends it with the permission for employee ids alone; WeCom always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<ByteString>,
}

impl PersonIds {
    /// Whether the payload has none.
    pub fn is_empty(&self) -> bool {
        self.first().is_none()
    }

    /// The id to keep.
    pub(super) fn first(&self) -> Option<&ByteString> {
        let Self {
            open_id,
            union_id,
            user_id,
        } = self;
        open_id.as_ref().or(union_id.as_ref()).or(user_id.as_ref())
    }
}

impl Person {
    /// Somebody with these ids.
    pub(super) fn with_ids(kind: PersonKind, ids: PersonIds, name: Option<ByteString>) -> Person {
        Person {
            kind,
            id: ids.first().cloned(),
            ids,
            name,
        }
    }

    /// A program of that id, which is none of [`PersonIds`].
    pub(super) fn program(kind: PersonKind, id: Option<ByteString>) -> Person {
        Person {
            kind,
            id,
            ids: PersonIds::default(),
            name: None,
        }
    }
}
