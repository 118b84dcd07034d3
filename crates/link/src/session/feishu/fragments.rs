//! Which way the parts of split pushes go. Most connections never see one, so an assembler is called for by the first.

use crate::session::action::Fragment;

/// Where fragments go.
#[derive(Debug, Default)]
pub(super) enum FragmentRouting {
    /// There is no assembler: no fragment has come, or none for long.
    #[default]
    Absent,
    /// One is being started; the fragment that called for it waits, and nothing is read meanwhile.
    Starting(Box<Fragment>),
    /// There is one, which was given so many fragments; the count wraps.
    Attached(u32),
}

/// Where one fragment goes.
pub(super) enum Route {
    ToAssembler(Fragment),
    /// An assembler is wanted first.
    Held,
}

impl FragmentRouting {
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self, Self::Starting(_))
    }

    pub(super) fn is_attached(&self) -> bool {
        matches!(self, Self::Attached(_))
    }

    pub(super) fn route(&mut self, fragment: Fragment) -> Route {
        match self {
            Self::Attached(given) => {
                *given = given.wrapping_add(1);
                Route::ToAssembler(fragment)
            }
            Self::Absent | Self::Starting(_) => {
                *self = Self::Starting(Box::new(fragment));
                Route::Held
            }
        }
    }

    /// An assembler is there. Returns the fragment that waited for it.
    pub(super) fn handle_attached(&mut self) -> Option<Fragment> {
        match std::mem::replace(self, Self::Attached(0)) {
            Self::Starting(fragment) => Some(*fragment),
            Self::Absent | Self::Attached(_) => None,
        }
    }

    /// The assembler holds nothing after so many fragments. With one on its way to it, it is not empty for long. Returns
    /// whether it is let go.
    pub(super) fn handle_empty(&mut self, came: u32) -> bool {
        let is_idle = matches!(self, Self::Attached(given) if *given == came);
        if is_idle {
            *self = Self::Absent;
        }
        is_idle
    }
}
