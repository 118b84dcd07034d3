//! Why no actor runs an installation now, in the words of the admin view.

/// What ended an installation that shows as `restarting`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    /// Its own actors ended too often. It is left alone until the instant that its state names.
    RebuildsSpent,
    /// The supervisor ended, and every installation with it. The process drains and ends.
    SupervisorEnded,
    /// The thread that carried it ended. The process drains and ends.
    ArbiterEnded,
}

impl Absence {
    /// A stable label.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::RebuildsSpent => "rebuild_budget_spent",
            Self::SupervisorEnded => "supervisor_ended",
            Self::ArbiterEnded => "arbiter_ended",
        }
    }

    /// What happened; `detail` is how its last actor, or the supervisor, ended.
    pub(crate) fn text(self, detail: Option<&str>) -> String {
        let what = match self {
            Self::RebuildsSpent => {
                "its actors failed more than 8 times within 10 minutes, the last time"
            }
            Self::SupervisorEnded => "the supervisor ended, and its installations with it",
            Self::ArbiterEnded => "the thread that carried it ended",
        };
        match detail {
            Some(detail) => format!("{what}: {detail}"),
            None => what.to_owned(),
        }
    }

    /// What somebody can do about it.
    pub(crate) fn next_step(self) -> &'static str {
        match self {
            Self::RebuildsSpent => {
                "read supervision.last_exit of its actors and report it; it is tried again by itself"
            }
            Self::SupervisorEnded | Self::ArbiterEnded => {
                "report it with the log; this process finishes what it has in hand and ends, and the bot is connected \
                 again when longwire is started again, which a service manager does by itself"
            }
        }
    }

    /// Whether it is tried again in this process, at the instant that its state names.
    pub(crate) fn is_tried_again(self) -> bool {
        self == Self::RebuildsSpent
    }
}
