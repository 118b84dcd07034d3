//! The file of the first token, and which token a command uses.
//!
//! ```text
//! init, or serve on a store without a token:  text ──▶ file beside the database ──▶ its digest into the store
//! a command:                                  --token-file, else LONGWIRE_TOKEN, else that file
//! ```
//! The file is whole and on the disk before the store knows the token. A start that was cut short in between finds a file whose
//! token the store does not know, and takes that token over.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use longwire_access::{
    AuditAction, NewToken, Scopes, Space, TokenRecord, TokenText, TokenTextError,
};
use longwire_admin::new_token_text;
use longwire_store::{ProcessUser, ReadError, Store, WriteError};
use secrecy::zeroize::{Zeroize as _, Zeroizing};

use crate::cli::ServerArgs;
use crate::config::Loaded;
use crate::{command_audit, owner_file};

/// The variable that holds a token.
const VARIABLE: &str = "LONGWIRE_TOKEN";
/// What the first token is called.
const FIRST: &str = "admin";

/// There is no token to use. Never holds any part of one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenFileError {
    /// The file is not there.
    #[error("there is no token: the file {} is missing", path.display())]
    Missing {
        /// Where it is looked for.
        path: PathBuf,
    },
    /// The operating system refuses it.
    #[error("cannot use the token's file {}{}", path.display(), ProcessUser::behind(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        #[source]
        source: io::Error,
    },
    /// It holds something else.
    #[error("the file {} holds no token", path.display())]
    NoToken {
        /// The file.
        path: PathBuf,
        /// What is wrong with its text.
        #[source]
        source: TokenTextError,
    },
    /// The variable holds something else.
    #[error("the environment variable {VARIABLE} holds no token")]
    Variable(#[source] TokenTextError),
    /// The database is no file, so nothing lies beside it.
    #[error("this store has no file beside which a token could lie")]
    NoPlace,
}

impl TokenFileError {
    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Missing { .. } => {
                "`longwire init` makes it, and so does `longwire serve` on a store without a token. If it was removed, stop the server and run `longwire tokens create`; name the token with --token-file or LONGWIRE_TOKEN"
            }
            Self::Io { .. } => {
                "run the command as the user that runs the server, or name a token of your own with --token-file or LONGWIRE_TOKEN"
            }
            Self::NoToken { .. } => {
                "put the token into it again, or remove it and make another token with `longwire tokens create`"
            }
            Self::Variable(_) => "correct or unset the variable",
            Self::NoPlace => "name a token with --token-file or LONGWIRE_TOKEN",
        }
    }
}

/// The first token could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FirstTokenError {
    /// Its file.
    #[error(transparent)]
    File(#[from] TokenFileError),
    /// The store does not say which tokens there are.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store does not take it.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// The token that a command shows the server.
pub(crate) fn token_for(loaded: &Loaded, server: &ServerArgs) -> Result<TokenText, TokenFileError> {
    if let Some(path) = &server.token_file {
        return read(path);
    }
    if let Ok(mut value) = std::env::var(VARIABLE) {
        let token = value.trim().parse().map_err(TokenFileError::Variable);
        value.zeroize();
        return token;
    }
    read(&path_of(loaded)?)
}

/// Where the first token of this configuration's store lies.
pub(crate) fn path_of(loaded: &Loaded) -> Result<PathBuf, TokenFileError> {
    let path = loaded.store_settings().token_file();
    path.ok_or(TokenFileError::NoPlace)
}

fn read(path: &Path) -> Result<TokenText, TokenFileError> {
    let text = fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|source| match source.kind() {
        ErrorKind::NotFound => TokenFileError::Missing {
            path: path.to_owned(),
        },
        _ => TokenFileError::Io {
            path: path.to_owned(),
            source,
        },
    })?;
    (text.trim().parse()).map_err(|source| TokenFileError::NoToken {
        path: path.to_owned(),
        source,
    })
}

/// Makes the first token of a store that has none, with all scopes, and its file. `None` if the store has one.
pub(crate) fn make_first(
    store: &Store,
    path: &Path,
) -> Result<Option<TokenRecord>, FirstTokenError> {
    if !store.reader().tokens()?.is_empty() {
        return Ok(None);
    }
    let text = match read(path) {
        Err(TokenFileError::Missing { .. }) => {
            let io = |source| TokenFileError::Io {
                path: path.to_owned(),
                source,
            };
            let text = new_token_text().map_err(io)?;
            save(&text, path).map_err(io)?;
            text
        }
        found => found?,
    };
    let new = NewToken {
        name: FIRST.parse().expect("it keeps the rule for names"),
        space: Space::default(),
        scopes: Scopes::all(),
        installations: None,
        expires_ms: None,
    };
    let id = text.id().to_string();
    let store = command_audit::audited(store, AuditAction::TokenCreate, &id);
    Ok(Some(store.create_token(new, &text)?))
}

/// Writes a file that must not exist yet.
fn save(text: &TokenText, path: &Path) -> io::Result<()> {
    let line = Zeroizing::new(format!("{}\n", text.expose()));
    owner_file::save_new(line.as_bytes(), path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use longwire_store::StoreSettings;

    use super::*;

    #[test]
    fn the_first_token_is_made_once_and_is_for_its_owner_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let url = directory.path().join("x.db").display().to_string();
        let settings = StoreSettings::at(url);
        let path = settings.token_file().expect("a file has neighbours");
        let store = Store::open(&settings).expect("opens");
        let made = make_first(&store, &path).expect("made").expect("the first");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(settings.exposed(), []);
        let text = read(&path).expect("a token");
        assert_eq!(text.id(), made.id);
        let grant = store.tokens().authenticate(&text, 0).expect("valid");
        assert_eq!(grant.scopes, Scopes::all());
        assert!(grant.is_gateway_wide());
        assert!(make_first(&store, &path).expect("nothing to do").is_none());
    }

    /// As after a crash between the two.
    #[test]
    fn a_file_that_the_store_does_not_know_is_taken_over() {
        let directory = tempfile::tempdir().expect("a directory");
        let url = directory.path().join("x.db").display().to_string();
        let settings = StoreSettings::at(url);
        let path = settings.token_file().expect("a file has neighbours");
        let text = new_token_text().expect("random bytes");
        save(&text, &path).expect("saved");
        let again = save(&text, &path).expect_err("it is there");
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
        let store = Store::open(&settings).expect("opens");
        let made = make_first(&store, &path).expect("made").expect("the first");
        assert_eq!(made.id, text.id());
        let other = directory.path().join("other");
        fs::write(&other, "nonsense\n").expect("written");
        let refused = read(&other).expect_err("no token").to_string();
        assert!(
            refused.contains("other") && !refused.contains("nonsense"),
            "{refused}"
        );
    }
}
