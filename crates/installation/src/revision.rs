//! Which of two states of an installation is the newer one.

/// The number of a change. One store numbers the changes of all its installations in the order in which they were
/// made, so everything that changed after a revision is what has a higher one. No clock has a part in it.
///
/// A change is what an operator decides: the configuration, the desired state, a claim. What is merely observed of a
/// bot, such as a displacement, changes no revision.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision(pub i64);

impl Revision {
    /// Before every row, those of another program that have no number included: they hold 0.
    pub const NONE: Self = Self(-1);
}
