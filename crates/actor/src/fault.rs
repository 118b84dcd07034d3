//! Faults provoked on purpose, where a configuration allows it: the way to see what a panic costs, and whom.

use crate::context::{Context, TreeActor};
use actix::{ActorContext, Message};

/// What to provoke in one actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A panic inside a handler.
    Panic,
    /// A stop nobody asked for.
    Stop,
}

impl Fault {
    /// From its label, `panic` or `stop`.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        match label {
            "panic" => Some(Self::Panic),
            "stop" => Some(Self::Stop),
            _ => None,
        }
    }

    /// Carries it out. `whom` stands in the panic's text: "a socket".
    ///
    /// # Panics
    /// When it is [`Fault::Panic`]: that is what it is for.
    pub fn strike<A: TreeActor>(self, whom: &str, ctx: &mut Context<A>) {
        match self {
            Self::Panic => panic!("injected into {whom}"),
            Self::Stop => ctx.stop(),
        }
    }
}

/// Handles [`Inject`] for an actor. The words after its type stand in the panic's text: "a socket".
#[macro_export]
macro_rules! handle_inject {
    ($actor:ty, $whom:literal) => {
        impl ::actix::Handler<$crate::Inject> for $actor {
            type Result = ();

            fn handle(&mut self, inject: $crate::Inject, ctx: &mut Self::Context) {
                inject.0.strike($whom, ctx);
            }
        }
    };
}

/// Do this to yourself. From whoever provokes faults, only where they are allowed.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Inject(pub Fault);
