//! What each maker of packages makes.

/// A file for users.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}
