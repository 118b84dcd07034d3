//! The kinds of work an actor does, as its card keeps the last one: a number that fits an atomic.

macro_rules! words {
    ($($word:ident),+ $(,)?) => {
        /// A message, or work that came by no mailbox.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Word {
            $($word,)+
        }

        impl Word {
            /// The word of that number.
            pub(crate) fn of(number: u8) -> Option<Self> {
                [$(Self::$word),+].into_iter().find(|word| *word as u8 == number)
            }

            /// Its name, that of the message.
            pub(crate) fn label(self) -> &'static str {
                match self {
                    $(Self::$word => stringify!($word),)+
                }
            }
        }
    };
}

words! {
    None,
    Reload,
    Wanted,
    AskTurn,
    Started,
    Ended,
    Drain,
    Finished,
    Inject,
    Inspect,
    Apply,
    Turn,
    Bootstrapped,
    Opened,
    Lost,
    Alive,
    Silent,
    Timer,
    Recorded,
    NotRecorded,
    MayRecord,
    SendPing,
    Assembled,
    Finish,
    Close,
    Heard,
    Pong,
    ReadingPaused,
    ReadingResumed,
    Fragment,
    WriterEnded,
    ReadBurst,
    End,
    Attach,
    AssemblerWanted,
    AssemblerIdle,
    Configure,
    Ask,
    ArbiterEnded,
    TakeBackRecorded,
    Slept,
    AttemptOver,
}
